"""Texts of forms and queries as values. Every route reads them here, so that all agree."""

import json
import math
import re
from typing import Any

# What programs write into a text in the place of a value that they do not have.
NOTHING = frozenset({"none", "null", "undefined"})
_TYPED = frozenset({"boolean", "integer", "number"})
_TRUE = frozenset({"true", "1", "yes", "on", "t", "y"})  # a browser sends `on` of a ticked box
_FALSE = frozenset({"false", "0", "no", "off", "f", "n"})
_LIST = re.compile(r"\[(.*)\]", re.DOTALL)
_QUOTED = re.compile(r"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*\"""", re.DOTALL)
_PYTHONS = re.compile(rf"\[\s*(?:(?:{_QUOTED.pattern})\s*(?:,\s*|(?=\])))+\]", re.DOTALL)
_MOST_COMMAS = 1000  # in such a list; no input has as many items, and searching is slow
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_AROUND = " \t\r\n\"'"  # what may stand around a word: programs write JSON where a text belongs
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def value_of(kind: str | None, text: str) -> Any:
    """``text`` as a value of a JSON Schema type; the text itself where it is none.

    None stands for a text without content, which says nothing.
    """
    if says_nothing(text) if kind in _TYPED else not text.strip():
        return None
    match kind:
        case "boolean":
            found: Any = boolean(text)
        case "integer" | "number":
            found = number(text, whole=kind == "integer")
        case "array":
            return items(text)
        case _:
            return text
    return text if found is None else found


def says_nothing(text: str) -> bool:
    """Whether a text stands for no value, where a value is no text of its own."""
    return bare(text).lower() in {"", *NOTHING}


def bare(text: str) -> str:
    """A word without what stands around it."""
    return text.strip(_AROUND)


def boolean(text: str) -> bool | None:
    """True or false in any spelling that clients use; None for anything else."""
    word = bare(text).lower()
    return True if word in _TRUE else False if word in _FALSE else None


def number(text: str, *, whole: bool = False) -> float | int | None:
    """A finite number, an int where it has to be ``whole``; None for anything else."""
    if not _NUMBER.fullmatch(text := bare(text)):
        return None
    value = float(text)
    if not math.isfinite(value) or (whole and not value.is_integer()):
        return None
    return int(value) if whole else value


def from_json(text: str | bytes, **options: Any) -> Any:
    """The value in a client's JSON. Raises ValueError, for endless brackets as well."""
    try:
        return json.loads(text, **options)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def items(text: str) -> Any:
    """A list written as JSON, or its only item; the text itself where it is broken JSON."""
    if not text.lstrip().startswith("["):
        return [text]
    try:
        return from_json(text)
    except ValueError:
        return _of_python(text.strip()) or text


def _of_python(text: str) -> list[str] | None:
    """The texts of a list as Python writes it; None where it is none."""
    if text.count(",") > _MOST_COMMAS or not _PYTHONS.fullmatch(text):
        return None
    quoted = (found[0][1:-1] for found in _QUOTED.finditer(text))
    return [_ESCAPED.sub(r"\1", each) for each in quoted]


def words(text: str) -> list[str]:
    """The words of a list as JSON, as Python writes one or between commas; none holds a comma."""
    listed = _LIST.fullmatch(text.strip())
    parts = map(bare, (listed[1] if listed else text).split(","))
    return [part for part in parts if part]
