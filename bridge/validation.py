"""A request's inputs against the predictor's own schema, before any GPU time is spent."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from bridge.errors import InvalidInputs
from transcription.errors import InvalidInput
from transcription.options import AUDIO_NAMES, Options, choose_audio
from transcription.schema import input_schema

_SHOWN_CHOICES = 12  # more than this many are counted rather than listed
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "array": "a list",
}


class Inputs:
    """Checks inputs by the schema and by the operator's lists of models."""

    def __init__(self, models: Sequence[str], align_models: Sequence[str] = ()) -> None:
        schema = input_schema()
        self._properties: Final[Mapping[str, Any]] = schema["properties"]
        self._validator = Draft202012Validator({**schema, "additionalProperties": False})
        self._offered = {"whisper_model": models, "align_model": align_models}

    def check(self, inputs: Mapping[str, Any]) -> tuple[str, Any]:
        """Raises InvalidInputs naming every field that is wrong; returns the recording chosen.

        Null inputs count as absent: clients send them, Cog refuses them.
        """
        present = {name: value for name, value in inputs.items() if value is not None}
        found = [self._explain(error) for error in self._validator.iter_errors(present)]
        found += [
            InvalidInput(name, "holds half a character; it is no valid text")
            for name, value in present.items()
            for text in (value if isinstance(value, list) else [value])
            if isinstance(text, str) and not _is_text(text)
        ]
        for name, models in self._offered.items():
            asked = present.get(name)
            if isinstance(asked, str) and asked not in models:
                offered = ", ".join(models) or "none"
                found.append(InvalidInput(name, f"this service offers: {offered}"))
        if found:
            raise InvalidInputs(found)
        try:
            Options.from_inputs(present)
            return choose_audio(present)
        except InvalidInput as error:
            raise InvalidInputs([error]) from None

    def from_text(self, name: str, text: str) -> Any:
        """A form field's text as the type its input has; the text itself where it does not fit."""
        kind = self._properties.get(name, {}).get("type")
        if kind == "boolean":
            return _BOOLEANS.get(text.strip().lower(), text)
        if kind == "array":
            return _items(text)
        if kind in ("integer", "number"):
            return _number(text, int if kind == "integer" else float)
        return None if text == "" else text

    def _explain(self, error: ValidationError) -> InvalidInput:
        if error.validator == "additionalProperties":
            given: Any = error.instance
            unknown = sorted(set(given) - set(self._properties))
            return InvalidInput(unknown[0], f"unknown input{self._suggest(unknown)}")
        name = str(error.absolute_path[0]) if error.absolute_path else "input"
        limit: Any = error.validator_value
        match error.validator:
            case "minimum":
                reason = f"{error.instance} is less than the minimum, {limit}"
            case "maximum":
                reason = f"{error.instance} is more than the maximum, {limit}"
            case "enum":
                reason = f"{_shown(error.instance)} is not one of {_choices(limit)}"
            case "type":
                reason = f"{_shown(error.instance)} is not {_KINDS.get(str(limit), limit)}"
            case _:
                reason = "not a valid value"
        index = error.absolute_path[1] if len(error.absolute_path) > 1 else None
        return InvalidInput(name, reason if index is None else f"item {index}: {reason}")

    def _suggest(self, unknown: Sequence[str]) -> str:
        more = f" (and {', '.join(unknown[1:])})" if len(unknown) > 1 else ""
        known = ", ".join(name for name in self._properties if name not in AUDIO_NAMES)
        return f"{more}; there are {', '.join(AUDIO_NAMES)}, {known}"


def _is_text(value: str) -> bool:
    """Whether it can be written as UTF-8: JSON can hold lone surrogates, which cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _items(text: str) -> Any:
    """A form's list: a JSON array, or its only item."""
    if not text.lstrip().startswith("["):
        return [text] if text else None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _number(text: str, kind: type[int] | type[float]) -> int | float | str:
    try:
        value = kind(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str | int | float | bool) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."


def _choices(values: Sequence[str]) -> str:
    if len(values) <= _SHOWN_CHOICES:
        return ", ".join(values)
    return f"{', '.join(values[:_SHOWN_CHOICES])} and {len(values) - _SHOWN_CHOICES} more"
