"""OpenAI's ``chunking_strategy`` as inputs of ours."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from transcription.errors import InvalidInput
from transcription.reading import bare, from_json, number, says_nothing

STRATEGY = "chunking_strategy"
_OFFSET = 0.363 / 0.5  # where speech ends, as a part of where it begins: our defaults' ratio
_VAD = ("type", "threshold", "silence_duration_ms", "prefix_padding_ms")


def chunking(given: Mapping[str, str]) -> dict[str, Any]:
    """How loud speech has to be, by a form's fields for the strategy. Raises InvalidInput."""
    strategy = _strategy(given)
    if strategy is None:
        return {}
    if strategy.get("type") != "server_vad" or not set(strategy) <= set(_VAD):
        raise InvalidInput(STRATEGY, f"is auto, or server_vad with {', '.join(_VAD[1:])}")
    for name in _VAD[2:]:
        duration = number(str(strategy.get(name, 0)), whole=True)
        if duration is None or duration < 0:
            raise InvalidInput(f"{STRATEGY}[{name}]", "is not a whole number")
    if "threshold" not in strategy:
        return {}
    onset = number(str(strategy["threshold"]))
    if onset is None or not 0 <= onset <= 1:
        raise InvalidInput(f"{STRATEGY}[threshold]", "is not a number from 0 to 1")
    return {"vad_onset": onset, "vad_offset": round(onset * _OFFSET, 3)}


def _strategy(given: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The object, which one client sends as JSON and another as a field per member."""
    text, prefix = given.get(STRATEGY, ""), f"{STRATEGY}["
    parts = {k[len(prefix) : -1]: v for k, v in given.items() if k.startswith(prefix)}
    if says_nothing(text) or bare(text).lower() == "auto":
        return parts or None
    for written in (text, text.replace("'", '"')):  # as JSON, and as Python writes it
        with suppress(ValueError):
            if isinstance(parsed := from_json(written), dict):
                return parsed
    return {"type": bare(text)}
