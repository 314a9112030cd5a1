#!/bin/sh
# Makes .venv-manifests: kubernetes-validate and checkov (450 MB). They and the project's packages do
# not agree. Run through `make install-manifests`; a second run notices that nothing changed.
set -eu
cd "$(dirname "$0")/.."

BASE=.venv
VENV=.venv-manifests

stamp() { cat requirements/manifests.txt scripts/install-manifests.sh | cksum; }

if [ -f "$VENV/.installed" ] && [ "$(stamp)" = "$(cat "$VENV/.installed")" ]; then
    exit 0
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
echo "install: what validates the manifests (450 MB, half a minute)"
rm -rf "$VENV"
"$BASE/bin/python" -m venv --without-pip "$VENV"
"$BASE/bin/pip" --python "$VENV/bin/python" install -q --no-compile --no-deps -r requirements/manifests.txt
"$VENV/bin/kubernetes-validate" --version >/dev/null && "$VENV/bin/checkov" --version >/dev/null ||
    { echo "install: the validators of the manifests cannot be run" >&2; exit 1; }
stamp > "$VENV/.installed"
