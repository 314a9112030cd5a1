#!/bin/sh
# Installs torch without CUDA into a virtual environment: torch-cpu.sh VENV REQUIREMENTS.
# Run by scripts/install.sh and by images/cpu.Dockerfile.
set -eu
VENV=$1
REQUIREMENTS=$2
TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu

reachable() {
    "$VENV/bin/python" - "$1" 2>/dev/null <<'PY'
import sys, urllib.request
urllib.request.urlopen(sys.argv[1] + "/torch/", timeout=5)
PY
}

imports_torch() { "$VENV/bin/python" -c 'import torch' 2>/dev/null; }

# PyTorch's own index has the CPU build (200 MB instead of 4 GB). Where it is out of reach, or the
# lock has no hash of it for this machine, there is the package index, which may have the CUDA build.
# That cannot be imported without its libraries: they are further packages, then installed. Every file
# is compared with its hash.
install_torch() {
    locked=$(dirname "$REQUIREMENTS")
    pip_torch="$VENV/bin/pip install -q --no-cache-dir --no-deps --require-hashes -r"
    index=""
    ! reachable "$TORCH_CPU_INDEX" || index="--index-url $TORCH_CPU_INDEX"
    # shellcheck disable=SC2086
    $pip_torch "$locked/torch-own.txt" $index 2>/dev/null && imports_torch && return
    $pip_torch "$REQUIREMENTS"
    imports_torch || $pip_torch "$locked/torch-pypi.txt"
}

# torchaudio's extension is built against CUDA on PyPI. Without its files it runs in pure Python,
# which is all that whisperx and pyannote ask of it.
mend_torchaudio() {
    "$VENV/bin/python" - <<'PY'
import importlib.util, pathlib, subprocess, sys

def imports() -> bool:
    return subprocess.run([sys.executable, "-c", "import torchaudio"], capture_output=True).returncode == 0

if not imports():
    (folder,) = importlib.util.find_spec("torchaudio").submodule_search_locations
    for library in pathlib.Path(folder, "lib").glob("*.so"):
        library.unlink()
    if not imports():
        sys.exit("torchaudio cannot be imported")
PY
}

install_torch
mend_torchaudio
