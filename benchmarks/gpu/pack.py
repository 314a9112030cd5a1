"""What a machine without a network needs for this benchmark, in pieces that can be carried.

The machine has Python and torch for its card; the pack brings the other packages, Whisper base and
the tree. ``--there`` names a file with the packages that it has, one a line, as ``pip freeze``
writes them.
"""

import argparse
import io
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from models import cache
from models.pins import PINNED
from stack.settings import ROOT

MEGABYTES = 64
_ALWAYS_THERE = {"torch", "torchaudio"}
_ALSO = ("rapidfuzz", "jiwer")
_PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014", "manylinux1")
_PINS = ("models-cpu.txt", "dev.txt")
_RUN = """\
#!/bin/sh
# Puts the pieces beside this file together, and runs the benchmark: run.sh [ARGUMENTS]
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
if [ ! -d "$HERE/pack" ]; then
    cat "$HERE"/piece-* | tar -x -C "$HERE"
    python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir \\
        --target "$HERE/pack/site" "$HERE"/pack/wheels/*.whl
fi
# CTranslate2 asks for CUDA 12's name of cuBLAS; that of 13 has the functions that it calls.
mkdir -p "$HERE/pack/lib"
find / -name 'libcublas.so.1[23]' -not -path '/proc/*' 2>/dev/null | sort | head -1 |
    while read -r found; do ln -sf "$found" "$HERE/pack/lib/libcublas.so.12"; done
TREE=${TREE:-$HERE/pack/tree}
export LD_LIBRARY_PATH="$HERE/pack/lib:${LD_LIBRARY_PATH:-}" XDG_CACHE_HOME="$HERE/pack/cache"
export PYTHONPATH="$TREE:$HERE/pack/site" HF_HUB_OFFLINE=1
cd "$TREE"
exec python3 -W ignore -m benchmarks.gpu "$@"
"""


def main(arguments: list[str]) -> int:
    """Writes the pieces, and the program that puts them together."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu pack", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default="3.12", help="the machine's")
    parser.add_argument("--there", type=Path, help="names of the packages that it has")
    parser.add_argument("--megabytes", type=float, default=MEGABYTES, help="of a piece at most")
    parser.add_argument("--without-tree", action="store_true", help="the repository is there")
    asked = parser.parse_args(arguments)
    asked.folder.mkdir(parents=True, exist_ok=True)
    there = _names(asked.there.read_text()) if asked.there else set()
    with tempfile.TemporaryDirectory() as scratch:
        wheels, packed = Path(scratch, "wheels"), Path(scratch, "pack.tar")
        _download(wheels, _missing(there), asked.python)
        with tarfile.open(packed, "w") as tar:
            tar.add(wheels, "pack/wheels")
            base = cache.place(PINNED["base"])
            tar.add(base, f"pack/cache/{base.relative_to(cache.root().parent)}")
            if not asked.without_tree:
                _add_tree(tar)
        count = sum(1 for _ in _pieces(packed, asked.folder, int(asked.megabytes * 1e6)))
    (asked.folder / "run.sh").write_text(_RUN)
    print(f"{count} pieces and run.sh in {asked.folder}")
    return 0


def _names(text: str) -> set[str]:
    """Packages of a list, in the form in which they compare."""
    first = (re.match(r"[A-Za-z0-9._-]+", line) for line in text.splitlines())
    return {re.sub(r"[-_.]+", "-", found[0].lower()) for found in first if found}


def _missing(there: set[str]) -> list[str]:
    """The pins of all packages that the machine has not."""
    lines = [
        line.partition(" ")[0]
        for name in _PINS
        for line in (ROOT / "requirements" / name).read_text().splitlines()
    ]
    also = [line for line in lines if _names(line) & set(_ALSO)]
    core = (ROOT / "requirements" / _PINS[0]).read_text().splitlines()
    wanted = [line for line in core if _names(line) and not _names(line) & (there | _ALWAYS_THERE)]
    return list(dict.fromkeys([*wanted, *also]))


def _download(folder: Path, pins: list[str], python: str) -> None:
    platforms = [f"--platform={name}_x86_64" for name in _PLATFORMS]
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    options = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    subprocess.run([*command, *options, *platforms, *pins], check=True)


def _add_tree(tar: tarfile.TarFile) -> None:
    """The tracked files, as they are."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            tar.add(ROOT / name, f"pack/tree/{name}")


def _pieces(packed: Path, folder: Path, size: int) -> Iterator[Path]:
    with packed.open("rb", buffering=io.DEFAULT_BUFFER_SIZE) as file:
        for number, content in enumerate(iter(lambda: file.read(size), b"")):
            piece = folder / f"piece-{number:03d}"
            piece.write_bytes(content)
            yield piece
