"""Whether everything is installed in its pinned version. Needs the standard library only."""

import os
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

REQUIREMENTS = Path(__file__).parent.parent / "requirements"
# The models' packages have a list for each kind of machine; what both name alike is looked at.
_MODELS = ("models-cpu.txt", "gpu.txt")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_PYTHONS = ((3, 11), (3, 12))
_REMEDY = "run: make install"


def lacking() -> str | None:
    """Why nothing can be started, in one line; None where everything is installed.

    Environments beside `.venv`, such as that of the platforms, have pins of their own.
    """
    if sys.version_info[:2] not in _PYTHONS:
        found = ".".join(map(str, sys.version_info[:2]))
        return f"this is Python {found}, and 3.11 or 3.12 is needed; {_REMEDY}"
    if Path(sys.prefix).name.startswith(".venv-"):
        return None
    missing, other = [], []
    for name, pinned in _pins():
        try:
            found = version(name)
        except PackageNotFoundError:
            missing.append(name)
            continue
        if found.partition("+")[0] != pinned:
            other.append(f"{name} {found} instead of {pinned}")
    if missing:
        return f"the installation is not complete: {_few(missing)} missing; {_REMEDY}"
    if other:
        return f"the installation is an older one: {_few(other)}; {_REMEDY}"
    return None


def _pins() -> Iterator[tuple[str, str]]:
    """What has to be there. Images hold no such lists, and are built from them."""
    if not os.environ.get("BRIDGE_PYTHON"):
        yield from _pinned("bridge.txt").items()
    yield from _pinned("cog.txt").items()
    processor, card = map(_pinned, _MODELS)
    yield from sorted(processor.items() & card.items())


def _pinned(file: str) -> dict[str, str]:
    try:
        return dict(_PIN.findall((REQUIREMENTS / file).read_text()))
    except OSError:
        return {}


def _few(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
