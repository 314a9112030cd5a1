#!/bin/sh
# Makes .venv-platforms or .venv-manifests, whose packages and those of .venv do not agree.
# Run through `make install-platforms`, `make install-manifests`; a second run notices that nothing changed.
set -eu
cd "$(dirname "$0")/.."

NAME=$1
BASE=.venv
VENV=.venv-$NAME

site_packages() { "$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }
fail() { echo "install: $*" >&2; exit 1; }

platforms() { # its own packages come first, then those of .venv
    site_packages "$BASE" > "$(site_packages "$VENV")/base.pth"
    "$VENV/bin/python" -W ignore -c 'import persistqueue, runpod, litserve, modal, torch' ||
        fail "the platforms' packages cannot be imported"
}

manifests() {
    "$VENV/bin/kubernetes-validate" --version >/dev/null && "$VENV/bin/checkov" --version >/dev/null ||
        fail "the validators of the manifests cannot be run"
}

case $NAME in
    platforms) what="the libraries of RunPod, Lightning and Modal (150 MB, half a minute)" ;;
    manifests) what="what validates the manifests: kubernetes-validate, checkov (450 MB, half a minute)" ;;
    *) fail "platforms or manifests, not $NAME" ;;
esac
stamp() { cat "requirements/$NAME.txt" scripts/install-beside.sh | cksum; }

if [ -f "$VENV/.installed" ] && [ "$(stamp)" = "$(cat "$VENV/.installed")" ]; then
    exit 0
fi
echo "install: $what"
rm -rf "$VENV"
"$BASE/bin/python" -m venv --without-pip "$VENV"
PIP_DISABLE_PIP_VERSION_CHECK=1 "$BASE/bin/pip" --python "$VENV/bin/python" install -q --no-compile --no-deps \
    -r "requirements/$NAME.txt"
"$NAME"
stamp > "$VENV/.installed"
