"""OpenAI's form fields, one by one, as inputs of ours."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bridge.api.fields import Fields
from bridge.api.formats import FORMATS
from bridge.api.openai.models import ALIASES, DIARIZING, alias_of
from bridge.api.openai.render import GRANULARITIES
from transcription.errors import InvalidInput
from transcription.options import NAMES
from transcription.reading import bare, from_json, number, says_nothing

INCLUDED = ("logprobs",)
STREAMED = ("json", "text", "diarized_json")
# Segments come a batch at a time: in one of 64, five minutes would all come at once. None can
# come before all speech is found, for which the default detector takes longest on a CPU.
_EARLY = {"batch_size": 2, "vad_method": "silero"}
_OFFSET = 0.363 / 0.5  # where speech ends, as a part of where it begins: our defaults' ratio
_VAD = ("type", "threshold", "silence_duration_ms", "prefix_padding_ms")
# Inputs of ours that come in OpenAI's words, or that the route decides.
_TAKEN = frozenset(
    {"task", "whisper_model", "initial_prompt", "known_speaker_names", "known_speaker_references"}
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The inputs of a prediction, and how its answer is to look."""

    inputs: dict[str, Any]
    format: str
    granularities: frozenset[str]
    stream: bool


class OpenAIFields(Fields):
    """Those of OpenAI's forms."""

    def wanted(self, task: str) -> Wanted:
        """What a form for ``task`` asks for. Raises InvalidInput."""
        form = self._format(task)
        granularities = self.choices("timestamp_granularities", GRANULARITIES) or ["segment"]
        # As OpenAI has it for whisper-1: what cannot be streamed is answered at once.
        stream = self.boolean("stream") and form in STREAMED
        inputs = {**(_EARLY if stream else {}), **self._inputs(task)}
        return Wanted(inputs, form, frozenset(granularities), stream)

    def _inputs(self, task: str) -> dict[str, Any]:
        labelled = self._format(task) == "diarized_json"
        inputs = {
            **self.speakers(diarize=labelled or self.alias() == DIARIZING),
            **self._chunking(),
            "hotwords": " ".join(self.many("keywords")),
            **self.own(),
            **self.model(),
            **self._included(task),
            "task": task,
            "initial_prompt": self.one("prompt"),
            "language": self.language(),
        }
        if labelled and inputs["diarization"] is False:
            raise InvalidInput("diarization", "false contradicts response_format=diarized_json")
        return {name: value for name, value in inputs.items() if value not in (None, "")}

    def _format(self, task: str) -> str:
        choices = tuple(FORMATS)
        if task == "translate":  # a client that parses it expects the words as they were spoken
            choices = tuple(name for name in choices if name != "diarized_json")
        return self.choice("response_format", "json", choices)

    def _included(self, task: str) -> dict[str, Any]:
        """What the answer holds besides the text. Raises InvalidInput where the format cannot."""
        asked = bool(self.choices("include", INCLUDED))
        if asked and self._format(task) != "json":
            raise InvalidInput("include", "logprobs need response_format=json")
        return {"logprobs": True} if asked else {}

    def model(self) -> dict[str, Any]:
        """Raises InvalidInput without a model, or for one that is not served."""
        name, names = self.one("model"), self._context.settings.names
        if name is None:
            raise InvalidInput("model", "is required")
        if (model := names.resolve(name)) is not None:
            return {"whisper_model": model}
        if self.alias() is not None:
            return {}
        known = ", ".join((*names.offered, *names.aliases, *ALIASES))
        raise InvalidInput("model", f"{name[:60]!r} is not one of {known}")

    def alias(self) -> str | None:
        """OpenAI's model that is named, in any case and also as gateways name its provider."""
        return alias_of(self.one("model") or "")

    def own(self) -> dict[str, Any]:
        """The inputs of ours that OpenAI has no words for, and those with the same name."""
        return self.inputs([name for name in NAMES if name not in _TAKEN])

    def _chunking(self) -> dict[str, Any]:
        """``chunking_strategy``: auto, or how loud speech has to be. Raises InvalidInput."""
        given = self._strategy()
        if given is None:
            return {}
        if given.get("type") != "server_vad" or not set(given) <= set(_VAD):
            reason = f"is auto, or server_vad with {', '.join(_VAD[1:])}"
            raise InvalidInput("chunking_strategy", reason)
        for name in _VAD[2:]:
            duration = number(str(given.get(name, 0)), whole=True)
            if duration is None or duration < 0:
                raise InvalidInput(f"chunking_strategy[{name}]", "is not a whole number")
        if "threshold" not in given:
            return {}
        onset = number(str(given["threshold"]))
        if onset is None or not 0 <= onset <= 1:
            raise InvalidInput("chunking_strategy[threshold]", "is not a number from 0 to 1")
        return {"vad_onset": onset, "vad_offset": round(onset * _OFFSET, 3)}

    def _strategy(self) -> Mapping[str, Any] | None:
        """The object, which one client sends as JSON and another as a field per member."""
        text = self.one("chunking_strategy")
        prefix = "chunking_strategy["
        parts = {k[len(prefix) : -1]: v[-1] for k, v in self.texts.items() if k.startswith(prefix)}
        if text is None or says_nothing(text) or bare(text).lower() == "auto":
            return parts or None
        for written in (text, text.replace("'", '"')):  # as JSON, and as Python writes it
            with suppress(ValueError):
                if isinstance(parsed := from_json(written), dict):
                    return parsed
        return {"type": bare(text)}

    def speakers(self, *, diarize: bool) -> dict[str, Any]:
        """Whether to tell speakers apart, and who is known. Raises InvalidInput."""
        names, samples = self.many("known_speaker_names"), self.many("known_speaker_references")
        if len(names) != len(samples):
            reason = f"{len(samples)} for {len(names)} known_speaker_names; one each is needed"
            raise InvalidInput("known_speaker_references", reason)
        if names:
            known = {"known_speaker_names": names, "known_speaker_references": samples}
            return {"diarization": True, **known}
        return {"diarization": diarize}

    def language(self) -> str | None:
        """``language``, or the only one of ``languages``. Raises InvalidInput."""
        several = self.words("languages")
        if len(several) > 1 and self.one("language") is None:
            reason = "name one, or none: among several the service finds out by itself"
            raise InvalidInput("languages", reason)
        return self.one("language") or next(iter(several), None)
