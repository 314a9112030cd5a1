#!/bin/sh
# Makes .venv with locked versions, and installs the system packages that are missing.
# Run through `make install`; a second run notices that nothing changed.
set -eu
cd "$(dirname "$0")/.."

VENV=.venv

say() { printf '%s\n' "install: $*"; }
fail() { say "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else return 1; fi
}

find_python() {
    for candidate in python3.11 python3.12 python3; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))'; then
            command -v "$candidate"
            return
        fi
    done
}

# Debian and Ubuntu package what is missing; elsewhere it prints what is missing.
system_packages() {
    missing=""
    [ -n "$(find_python)" ] || missing="$missing python3"
    command -v redis-server >/dev/null || missing="$missing redis-server"
    python=$(find_python)
    if [ -z "$python" ] || ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        missing="$missing python3-venv"
    fi
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null ||
        fail "please install with your system's package manager:$missing (Python 3.11 or 3.12, Redis 6 or newer)"
    say "installing$missing"
    as_root apt-get update -qq || fail "apt-get needs root or sudo; please install:$missing"
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    [ -n "$(find_python)" ] || fail "Python 3.11 or 3.12 is needed; this system offers neither"
}

have_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q GPU; }

# Every file is compared with its hash (`make lock` writes them).
locked() {
    for name in "$@"; do set -- "$@" -r "requirements/locked/$name.txt"; shift; done
    "$VENV/bin/pip" install -q --no-deps --require-hashes "$@"
}

install_packages() {
    if have_gpu; then
        say "a GPU is there: installing the CUDA build of everything"
        locked gpu cog dev
        return
    fi
    say "no GPU: installing for the CPU (2 GB, a few minutes)"
    locked models-cpu cog dev
    sh scripts/torch-cpu.sh "$VENV" requirements/locked/torch-cpu.txt
}

stamp() { cat requirements/locked/*.txt scripts/install.sh scripts/torch-cpu.sh | cksum; have_gpu && echo gpu || echo cpu; }

if [ -f "$VENV/.installed" ] && [ "$(stamp)" = "$(cat "$VENV/.installed")" ] && command -v redis-server >/dev/null; then
    exit 0
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
system_packages
[ -x "$VENV/bin/python" ] || "$(find_python)" -m venv "$VENV"
install_packages
"$VENV/bin/python" -W ignore -c 'import torch, whisperx.asr, pyannote.audio, cog, docket' ||
    fail "the installed packages cannot be imported"
stamp > "$VENV/.installed"
say "done"
