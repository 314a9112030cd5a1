"""Writes requirements/locked/: the pins of requirements/ with their files' hashes (`make lock`).

The hashes are those of the Python package index. PyTorch's own index has builds without CUDA under
the same version, in a file of their own. Where that index cannot be reached, their hashes stay as
they are in `torch-own.sha256`. `python scripts/lock.py --check` compares the pins alone.
"""

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
PINS, LOCKED = ROOT / "requirements", ROOT / "requirements/locked"
OWN = LOCKED / "torch-own.sha256"
# What ships, what `make install` installs, and what makes the bill of materials.
NAMES = ("bridge", "cog", "dev", "gpu", "models-cpu", "platforms", "sbom", "torch-cpu")
WITH_CUDA = "torch-pypi"  # torch as the package index has it, with all that it needs
WITHOUT_CUDA = "torch-own"  # PyTorch's own builds
PYTHON = "3.11.14"  # the images'
INDEX = "https://pypi.org/simple"
TORCH_INDEX = "https://download.pytorch.org/whl/cpu/torch/"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Versions by names, spelled alike."""
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in _PIN.findall(text)}


def outdated() -> list[str]:
    """The files that do not have the pins that they should have."""
    found = []
    for name in NAMES:
        locked = LOCKED / f"{name}.txt"
        text = locked.read_text() if locked.exists() else ""
        if pins(text) != pins((PINS / f"{name}.txt").read_text()):
            found.append(locked.name)
    return found


def compiled(source: Path, *flags: str) -> str:
    """The pins in ``source`` with hashes."""
    command = ["uv", "pip", "compile", "-q", "--no-config", "--no-header", "--no-annotate"]
    command += ["--generate-hashes", "--python-version", PYTHON, "--index-url", INDEX]
    done = subprocess.run(
        [*command, *flags, str(source)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def own_builds(version: str) -> dict[str, str]:
    """Hashes of PyTorch's own builds for Linux by file names; those of before, out of its reach."""
    try:
        with urllib.request.urlopen(TORCH_INDEX, timeout=20) as answer:
            page = answer.read().decode()
    except OSError:
        print("lock: PyTorch's index cannot be reached: the hashes of its builds stay", flush=True)
        return {name: digest for digest, name in map(str.split, OWN.read_text().splitlines())}
    name = rf"torch-{re.escape(version)}%2Bcpu-cp31[12]-[^\"#]*linux[^\"#]*\.whl"
    found = re.findall(rf"({name})#sha256=([0-9a-f]{{64}})", page)
    return {name.replace("%2B", "+"): digest for name, digest in sorted(set(found))}


def without_cuda(version: str) -> str:
    """The lock of PyTorch's own builds."""
    builds = own_builds(version)
    OWN.write_text("".join(f"{digest}  {name}\n" for name, digest in builds.items()))
    hashes = "".join(f" \\\n    --hash=sha256:{digest}" for digest in builds.values())
    return f"torch=={version}+cpu{hashes}\n"


def main() -> int:
    """Entry point."""
    if sys.argv[1:] == ["--check"]:
        found = outdated()
        print(*(f"{name} is not what requirements/ says: make lock" for name in found), sep="\n")
        return int(bool(found))
    LOCKED.mkdir(exist_ok=True)
    for name in NAMES:
        (LOCKED / f"{name}.txt").write_text(compiled(PINS / f"{name}.txt", "--no-deps"))
    whole = compiled(PINS / "torch-cpu.txt", "-c", str(PINS / "models-cpu.txt"))
    (LOCKED / f"{WITH_CUDA}.txt").write_text(whole)
    (LOCKED / f"{WITHOUT_CUDA}.txt").write_text(without_cuda(pins(whole)["torch"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
