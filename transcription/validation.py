"""A request's inputs against the schema, each problem explained in words for the caller."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from transcription.errors import InvalidInput
from transcription.language import code_of
from transcription.options import AUDIO_NAMES, TRACK, Options
from transcription.reading import bare, number, value_of
from transcription.schema import input_schema

_SHOWN_CHOICES = 12  # more than this many are counted rather than listed
_TYPES = {name: each.get("type") for name, each in input_schema()["properties"].items()}
_CHOICES = frozenset(option.name for option in fields(Options) if option.metadata["choices"])
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "array": "a list",
}


class InvalidInputs(Exception):
    """One or more inputs cannot be used."""

    def __init__(self, found: list[InvalidInput]) -> None:
        super().__init__()
        self.found = found


class InputSchema:
    """Types, bounds, choices and names of inputs."""

    def __init__(self) -> None:
        schema = input_schema()
        self.properties: Final[Mapping[str, Any]] = schema["properties"]
        self._validator = Draft202012Validator({**schema, "additionalProperties": False})

    def read(
        self, given: Mapping[str, Any], offered: Mapping[str, Sequence[str]] | None = None
    ) -> tuple[dict[str, Any], Options]:
        """The inputs as they are meant, and the options that they make.

        Null inputs count as absent: clients send them, Cog refuses them. ``offered`` are the
        values that the operator allows for an input. Raises InvalidInputs.
        """
        inputs = {name: value for name, value in as_meant(given).items() if value is not None}
        found = self.problems(inputs)
        for name, values in (offered or {}).items():
            asked = inputs.get(name)
            if isinstance(asked, str) and asked not in values:
                known = ", ".join(values) or "none"
                found.append(InvalidInput(name, f"this service offers: {known}"))
        if found:
            raise InvalidInputs(found)
        try:
            return inputs, Options.from_inputs(inputs)
        except InvalidInput as error:
            raise InvalidInputs([error]) from None

    def problems(self, inputs: Mapping[str, Any]) -> list[InvalidInput]:
        """Every field that is wrong, and why; empty when all are well."""
        found = [self._explain(error) for error in self._validator.iter_errors(inputs)]
        if isinstance(language := inputs.get("language"), str):
            found += _problems_of_language(language)
        found += [
            InvalidInput(name, "holds half a character; it is no valid text")
            for name, value in inputs.items()
            for text in (value if isinstance(value, list) else [value])
            if isinstance(text, str) and not _is_text(text)
        ]
        return found

    def _explain(self, error: ValidationError) -> InvalidInput:
        if error.validator == "additionalProperties":
            given: Any = error.instance
            unknown = sorted(set(given) - set(self.properties))
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
        known = ", ".join(name for name in self.properties if name not in AUDIO_NAMES)
        return f"{more}; there are {', '.join(AUDIO_NAMES)}, {known}"


def as_meant(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A request's inputs, however its client writes them: a blank text says nothing, as null does.

    A choice comes in any case, booleans and numbers may be texts, and a track's number a number.
    """
    given = {name: _meant(name, value) for name, value in inputs.items()}
    track = given.get(TRACK)
    if isinstance(track, str | int | float) and not isinstance(track, bool):
        text = bare(str(track)).lower()
        found = number(text, whole=True)
        given[TRACK] = text if found is None else str(found)
    return given


def _meant(name: str, value: Any) -> Any:
    kind = _TYPES.get(name)
    if isinstance(value, str):
        return bare(value).lower() or None if name in _CHOICES else value_of(kind, value)
    if kind == "boolean" and isinstance(value, int | float) and value in {0, 1}:
        return bool(value)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _problems_of_language(name: str) -> list[InvalidInput]:
    try:
        code_of(name)
    except InvalidInput as error:
        return [error]
    return []


def _is_text(value: str) -> bool:
    """Whether it can be written as UTF-8: JSON can hold lone surrogates, which cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str | int | float | bool) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."


def _choices(values: Sequence[str]) -> str:
    if len(values) <= _SHOWN_CHOICES:
        return ", ".join(values)
    return f"{', '.join(values[:_SHOWN_CHOICES])} and {len(values) - _SHOWN_CHOICES} more"
