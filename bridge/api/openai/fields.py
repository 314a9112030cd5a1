"""OpenAI's form fields, one by one, as inputs of ours."""

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from bridge.context import Context
from transcription.errors import InvalidInput
from transcription.options import NAMES

DIARIZING = "gpt-4o-transcribe-diarize"
# The names that clients know; all stand for the operator's default model.
ALIASES = (
    "whisper-1",
    "gpt-transcribe",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
    DIARIZING,
)
_OFFSET = 0.363 / 0.5  # where speech ends, as a part of where it begins: our defaults' ratio
_VAD = ("type", "threshold", "silence_duration_ms", "prefix_padding_ms")
# Inputs of ours that come in OpenAI's words, or that the route decides.
_TAKEN = frozenset(
    {"task", "whisper_model", "initial_prompt", "known_speaker_names", "known_speaker_references"}
)


class Fields:
    """A form's fields. The name of a list may end in ``[]`` or not."""

    def __init__(self, texts: Mapping[str, list[str]], context: Context) -> None:
        self._texts: Final = texts
        self._context: Final = context

    def one(self, name: str) -> str | None:
        """The last value, None where there is none or it is empty."""
        return (self._texts.get(name) or [""])[-1] or None

    def many(self, name: str) -> list[str]:
        """All values that are not empty."""
        return [text for key in (name, f"{name}[]") for text in self._texts.get(key, ()) if text]

    def choice(self, name: str, otherwise: str, choices: Collection[str]) -> str:
        """One of ``choices``. Raises InvalidInput."""
        given = self.one(name) or otherwise
        if given not in choices:
            raise InvalidInput(name, f"{given[:60]!r} is not one of {', '.join(choices)}")
        return given

    def model(self) -> dict[str, Any]:
        """Raises InvalidInput without a model, or for one that is not served."""
        name, offered = self.one("model"), self._context.settings.model_names
        if name is None:
            raise InvalidInput("model", "is required")
        if name in offered:
            return {"whisper_model": name}
        if name in ALIASES:
            return {}
        known = ", ".join((*offered, *ALIASES))
        raise InvalidInput("model", f"{name[:60]!r} is not one of {known}")

    def own(self) -> dict[str, Any]:
        """The inputs of ours that OpenAI has no words for, and those with the same name."""
        return {
            name: self._context.intake.from_text(name, text)
            for name in NAMES
            if name not in _TAKEN and (text := self.one(name)) is not None
        }

    def chunking(self) -> dict[str, Any]:
        """``chunking_strategy``: auto, or how loud speech has to be. Raises InvalidInput."""
        given = self._strategy()
        if given is None:
            return {}
        if given.get("type") != "server_vad" or not set(given) <= set(_VAD):
            reason = f"is auto, or server_vad with {', '.join(_VAD[1:])}"
            raise InvalidInput("chunking_strategy", reason)
        for name in _VAD[2:]:
            if not str(given.get(name, 0)).isdecimal():
                raise InvalidInput(f"chunking_strategy[{name}]", "is not a whole number")
        if "threshold" not in given:
            return {}
        try:
            onset = float(given["threshold"])
        except (TypeError, ValueError):
            onset = -1.0
        if not 0 <= onset <= 1:
            raise InvalidInput("chunking_strategy[threshold]", "is not a number from 0 to 1")
        return {"vad_onset": onset, "vad_offset": round(onset * _OFFSET, 3)}

    def _strategy(self) -> Mapping[str, Any] | None:
        """The object, which one client sends as JSON and another as a field per member."""
        text = self.one("chunking_strategy")
        prefix = "chunking_strategy["
        parts = {k[len(prefix) : -1]: v[-1] for k, v in self._texts.items() if k.startswith(prefix)}
        if text is None or text == "auto":
            return parts or None
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = None
        return parsed if isinstance(parsed, dict) else {"type": text}

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
        several = self.many("languages")
        if len(several) > 1 and self.one("language") is None:
            reason = "name one, or none: among several the service finds out by itself"
            raise InvalidInput("languages", reason)
        return self.one("language") or next(iter(several), None)
