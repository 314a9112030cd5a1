#!/bin/sh
# Installs what the GPU image is built from (requirements/gpu.txt, 4 GB) beside the other packages,
# and runs the contract and end-to-end tests with it, on the CPU. Run through `make test-image-pins`.
set -eu
cd "$(dirname "$0")/.."
VENV=${IMAGE_PINS_VENV:-.venv-image-pins}
[ -x "$VENV/bin/python" ] || .venv/bin/python -m venv "$VENV"
"$VENV/bin/pip" install -q --no-deps --require-hashes -r requirements/locked/dev.txt
# Last, so that what both name has the image's version.
"$VENV/bin/pip" install -q --no-deps --require-hashes -r requirements/locked/gpu.txt -r requirements/locked/cog.txt
"$VENV/bin/python" -W ignore - <<'PY'
from importlib.metadata import version
for name in ("torch", "torchaudio", "whisperx", "pyannote.audio", "ctranslate2", "faster-whisper"):
    print("image-pins:", name, version(name))
PY
PATH="$PWD/$VENV/bin:$PATH" PYTHONPATH=$PWD OMP_WAIT_POLICY=PASSIVE \
    "$VENV/bin/python" -m pytest tests/contract tests/end_to_end -m "not slow" "$@"
