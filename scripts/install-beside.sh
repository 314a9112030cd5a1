#!/bin/sh
# Makes .venv-platforms, .venv-manifests or .venv-clients, whose packages and those of .venv do not agree.
# Run through `make install-platforms` and the like; a second run notices that nothing changed.
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

# promtool and prometheus of Debian's package, unpacked: installed, it would start a server.
prometheus() {
    folder=$(mktemp -d)
    # Without lists of packages there is nothing to download.
    apt-cache show prometheus >/dev/null 2>&1 || apt-get update -qq >/dev/null 2>&1 || sudo -n apt-get update -qq || true
    (cd "$folder" && apt-get download -qq prometheus >/dev/null 2>&1 && dpkg -x prometheus_*.deb .) &&
        cp "$folder/usr/bin/promtool" "$folder/usr/bin/prometheus" "$VENV/bin/" ||
        echo "install: no prometheus here: its tests will fail"
    rm -rf "$folder"
}

manifests() {
    prometheus
    "$VENV/bin/kubernetes-validate" --version >/dev/null && "$VENV/bin/checkov" --version >/dev/null ||
        fail "the validators of the manifests cannot be run"
}

clients() {
    LITELLM_LOCAL_MODEL_COST_MAP=True "$VENV/bin/python" -W ignore -c 'import openai, litellm, langchain_community' ||
        fail "other people's clients cannot be imported"
    # pydub, which langchain's parser needs, calls a program of this name.
    ln -sf "$("$VENV/bin/python" -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')" "$VENV/bin/ffmpeg"
}

case $NAME in
    platforms) what="the libraries of RunPod, Lightning and Modal (150 MB, half a minute)" ;;
    manifests) what="what validates the manifests: kubernetes-validate, checkov, promtool (550 MB, half a minute)" ;;
    clients) what="other people's clients: LiteLLM, langchain, OpenAI's newest (600 MB, a minute)" ;;
    *) fail "platforms, manifests or clients, not $NAME" ;;
esac
stamp() { cat "requirements/$NAME.txt" scripts/install-beside.sh | cksum; }

if [ -f "$VENV/.installed" ] && [ "$(stamp)" = "$(cat "$VENV/.installed")" ]; then
    exit 0
fi
echo "install: $what"
rm -rf "$VENV"
"$BASE/bin/python" -m venv --without-pip "$VENV"
export PIP_DISABLE_PIP_VERSION_CHECK=1
if [ "$NAME" = clients ] && [ "${UNPINNED_CLIENTS:-}" = 1 ]; then # the newest of all, once a week
    sed 's/==.*//' "requirements/$NAME.in" |
        "$BASE/bin/pip" --python "$VENV/bin/python" install -q --no-compile -r /dev/stdin
else
    # Of what ships every file is compared with its hash.
    lock="requirements/locked/$NAME.txt" hashes=--require-hashes
    [ -f "$lock" ] || { lock="requirements/$NAME.txt" hashes=; }
    "$BASE/bin/pip" --python "$VENV/bin/python" install -q --no-compile --no-deps $hashes -r "$lock"
fi
"$NAME"
stamp > "$VENV/.installed"
