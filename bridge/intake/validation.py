"""A request's inputs against the predictor's own schema, before any GPU time is spent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transcription.errors import InvalidInput
from transcription.model_names import Names
from transcription.options import choose_audio
from transcription.reading import value_of
from transcription.validation import InputSchema, InvalidInputs


@dataclass(frozen=True, slots=True)
class Checked:
    """Inputs that can be used, and the one among them that holds the recording."""

    inputs: Mapping[str, Any]
    field: str
    recording: str


class Inputs:
    """Checks inputs by the schema and by the operator's lists of models."""

    def __init__(self, models: Names, align_models: Sequence[str] = ()) -> None:
        self._schema = InputSchema()
        self._models = models
        self._align_models = align_models

    def check(self, given: Mapping[str, Any]) -> Checked:
        """The inputs as they are meant, with the model's own name in place of another for it.

        Raises InvalidInputs naming every field that is wrong.
        """
        asked = given.get("whisper_model")
        if isinstance(asked, str) and (model := self._models.resolve(asked)):
            given = {**given, "whisper_model": model}
        offered = {"whisper_model": self._models.offered, "align_model": self._align_models}
        inputs, _ = self._schema.read(given, offered)
        try:
            return Checked(inputs, *choose_audio(inputs))
        except InvalidInput as error:
            raise InvalidInputs([error]) from None

    def from_texts(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Single inputs of a query. Raises InvalidInputs naming every one that is wrong."""
        inputs = {name: self.from_text(name, text) for name, text in texts.items()}
        present = {name: value for name, value in inputs.items() if value is not None}
        if found := self._schema.problems(present):
            raise InvalidInputs(found)
        return present

    def is_list(self, name: str) -> bool:
        """Whether an input holds several values."""
        return self._kind(name) == "array"

    def from_text(self, name: str, text: str) -> Any:
        """A form field's text as the type its input has; the text itself where it does not fit."""
        return value_of(self._kind(name), text)

    def _kind(self, name: str) -> str | None:
        kind: str | None = self._schema.properties.get(name, {}).get("type")
        return kind
