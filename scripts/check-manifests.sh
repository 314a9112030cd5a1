#!/bin/sh
# Installs kubernetes-validate and checkov (450 MB, in an environment of their own: they and the
# project's packages do not agree) and runs both over every manifest, rendered overlays included.
set -eu
cd "$(dirname "$0")/.."
VENV=.venv-manifests
# What checkov asks for and we decide otherwise, each with its reason:
#   CKV_K8S_21  a namespace is the operator's choice: kubectl -n
#   CKV_K8S_43  digests: our images are built by the operator, so there is none to name here
#   CKV_K8S_15  IfNotPresent: tags carry versions and are never moved, and a node without a network
#               must be able to start what it has
#   CKV_K8S_35  secrets as variables: the seed's contract, and one way for pod, compose and `make up`
SKIP=CKV_K8S_21,CKV_K8S_43,CKV_K8S_15,CKV_K8S_35

if [ ! -x "$VENV/bin/checkov" ] || [ requirements/manifests.txt -nt "$VENV/.installed" ]; then
    .venv/bin/python -m venv "$VENV"
    "$VENV/bin/pip" install -q --no-deps -r requirements/manifests.txt
    touch "$VENV/.installed"
fi
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
cp k8s/whisperx-stack.yaml k8s/cpu/whisperx-stack-cpu.yaml k8s/examples/*.yaml "$WORK"
if command -v kustomize >/dev/null || command -v kubectl >/dev/null; then
    scripts/manifests.sh k8s/scale > "$WORK/scale.yaml"
else
    echo "check-manifests: neither kustomize nor kubectl is installed: k8s/scale is not checked" >&2
fi
for file in "$WORK"/*.yaml; do
    "$VENV/bin/kubernetes-validate" --strict "$file" > "$WORK/log" || { cat "$WORK/log"; exit 1; }
done
"$VENV/bin/checkov" --framework kubernetes --skip-download --compact --quiet \
    --skip-check "$SKIP" -d "$WORK"
echo "check-manifests: $(ls "$WORK"/*.yaml | wc -l) manifests are well"
