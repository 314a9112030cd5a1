"""The stages of a transcription, and what each is expected to cost."""

from typing import Final

from transcription.contradictions import SEPARATE
from transcription.options import Options

# In arbitrary units: it only has to look steady to who watches.
_COST: Final = {
    "decode": 2.0,
    "find_speech": 10.0,
    "detect_language": 3.0,
    "recognize": 50.0,
    "align": 15.0,
    "diarize": 20.0,
}


def diarizes(options: Options) -> bool:
    """Whether voices are told apart; separate channels are."""
    return options.diarization and options.channels != SEPARATE and not _listens(options)


def detects_first(options: Options) -> bool:
    """Whether one language is detected before anything is recognized."""
    return options.language is None and (not options.multilingual or _listens(options))


def stages(options: Options) -> dict[str, float]:
    """The stages these options ask for, with their expected cost."""
    skipped = {
        "detect_language": not detects_first(options),
        "recognize": _listens(options),
        "align": _listens(options) or not options.align_output,
        "diarize": not diarizes(options),
    }
    return {stage: cost for stage, cost in _COST.items() if not skipped.get(stage)}


def _listens(options: Options) -> bool:
    return options.task == "detect_language"
