"""Environment variables, read and checked: every process of ours reads its own here.

An empty variable counts as unset. Each error names the variable.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import Field, field, fields
from pathlib import Path
from typing import Any

PORTS = 65_535
MIN_SECRET_LENGTH = 8  # characters; shorter secrets fall to guessing
_PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "default",
    "example",
    "placeholder",
    "replace",
    "secret",
    "your-",
    "your_",
    "<",
)


class SettingsError(ValueError):
    """A variable is missing or cannot be used. The message names it and shows no secret."""


def whole(
    environ: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int | None = None
) -> int:
    """A whole number from ``least`` to ``most``. Raises SettingsError."""
    text = environ.get(name, "").strip()
    if not text:
        return default
    return check_whole(name, text, least=least, most=most)


def check_whole(name: str, text: str, *, least: int = 0, most: int | None = None) -> int:
    """``text`` as a whole number within its bounds. Raises SettingsError that names ``name``."""
    try:
        number = int(text) if text.isascii() else None
    except ValueError:
        number = None
    if number is None or number < least or (most is not None and number > most):
        bounds = f"from {least} to {most}" if most is not None else f"of at least {least}"
        raise SettingsError(f"{name} must be a whole number {bounds}, not {text[:40]!r}")
    return number


def number(
    environ: Mapping[str, str],
    name: str,
    default: float,
    *,
    least: float = 0.0,
    most: float | None = None,
) -> float:
    """A finite number from ``least`` to ``most``. Raises SettingsError."""
    text = environ.get(name, "").strip()
    if not text:
        return default
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found >= least and (most is None or found <= most)):
        bounds = f"from {least:g} to {most:g}" if most is not None else f"of at least {least:g}"
        raise SettingsError(f"{name} must be a number {bounds}, not {text[:40]!r}")
    return found


OPTIONAL = ("optional", "required")


def choice(environ: Mapping[str, str], name: str, default: str, choices: Sequence[str]) -> str:
    """One of ``choices``. Raises SettingsError."""
    text = environ.get(name, "").strip() or default
    if text not in choices:
        raise SettingsError(f"{name} must be {_either(choices)}, not {text[:40]!r}")
    return text


def listed(text: str) -> tuple[str, ...]:
    """The parts between commas, each once, without empty ones."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _either(choices: Sequence[Any]) -> str:
    *others, last = map(str, choices)
    return f"{', '.join(others)} or {last}" if others else last


def variable(
    name: str,
    default: Any,
    description: str,
    *aliases: str,
    least: int = 0,
    most: int | None = None,
) -> Any:
    """A dataclass field that is read from variable ``name`` or, failing that, one of ``aliases``.

    ``least`` and ``most`` bound a number. It is not shown when the object is printed.
    """
    metadata = {
        "variables": (name, *aliases),
        "description": description,
        "bounds": (least, most),
    }
    return field(default=default, metadata=metadata, repr=False)


def given(kind: type, environ: Mapping[str, str]) -> dict[str, Any]:
    """What the environment says of a dataclass made of `variable`. Raises SettingsError."""
    found: dict[str, Any] = {}
    for setting in fields(kind):
        for name in setting.metadata["variables"]:
            if environ.get(name, "") != "":
                found[setting.name] = _convert(name, environ[name], setting)
                break
    return found


def check_secret(name: str, value: str) -> None:
    """Raises SettingsError for a secret that is missing, a placeholder or too short."""
    if not value:
        raise SettingsError(f"{name} is not set")
    if value.lower().startswith(_PLACEHOLDERS):
        raise SettingsError(f"{name} still holds a placeholder; choose a secret of your own")
    if len(value) < MIN_SECRET_LENGTH:
        raise SettingsError(f"{name} is shorter than {MIN_SECRET_LENGTH} characters")


def check_token(name: str, value: str) -> None:
    """Raises SettingsError for a secret that is none, or that no client can send in a header."""
    check_secret(name, value)
    if value[0] == value[-1] and value[0] in "\"'":
        raise SettingsError(f"{name} stands in quotes, which would be part of it; leave them out")
    if not all("!" <= character <= "~" for character in value):
        raise SettingsError(f"{name} may hold ASCII characters only, and no spaces")


def _convert(name: str, text: str, setting: Field[Any]) -> Any:
    text = text.strip()  # a file that was written on Windows leaves a carriage return behind
    if isinstance(setting.default, int):
        least, most = setting.metadata["bounds"]
        return check_whole(name, text, least=least, most=most)
    return Path(text) if isinstance(setting.default, Path) else text
