#!/bin/sh
# Makes .venv-platforms: what platforms/ needs, on top of the packages of .venv, which stays as it is.
# Run through `make install-platforms`; a second run notices that nothing changed.
set -eu
cd "$(dirname "$0")/.."

BASE=.venv
VENV=.venv-platforms

stamp() { cat requirements/platforms.txt scripts/install-platforms.sh | cksum; }

if [ -f "$VENV/.installed" ] && [ "$(stamp)" = "$(cat "$VENV/.installed")" ]; then
    exit 0
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
echo "install: the libraries of the platforms (150 MB, half a minute)"
rm -rf "$VENV"
"$BASE/bin/python" -m venv --without-pip "$VENV"
"$BASE/bin/pip" --python "$VENV/bin/python" install -q --no-deps -r requirements/platforms.txt
site_packages() { "$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }
# Its own packages come first, then those of .venv.
site_packages "$BASE" > "$(site_packages "$VENV")/base.pth"
"$VENV/bin/python" -W ignore -c 'import persistqueue, runpod, litserve, modal, torch' ||
    { echo "install: the platforms' packages cannot be imported" >&2; exit 1; }
stamp > "$VENV/.installed"
