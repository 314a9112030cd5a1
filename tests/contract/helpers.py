"""What the tests of engines share."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from transcription.findings import Language
from transcription.transcript import Word

ENGLISH = Language("en")


class Interruption(Exception):
    """Raised by a progress callback in the middle of the work."""


def sample_file() -> Path:
    """The human recording that comes with pyannote.audio: 30 s, two speakers."""
    spec = find_spec("pyannote")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("pyannote.audio is not installed")
    return Path(next(iter(spec.submodule_search_locations)), "audio", "sample", "sample.wav")


def rising(shares: list[float]) -> bool:
    return all(0 <= a <= b <= 1 for a, b in pairwise([0.0, *shares]))


def interrupted(share: float) -> None:
    if share > 0:
        raise Interruption


EXAMPLES = Path(__file__).parents[2] / "examples"


def misses(truth: dict[str, Any], heard: Sequence[Word]) -> list[float]:
    """By how many seconds the starts of the words heard right are off."""
    spoken = [word for turn in truth["turns"] for word in turn["words"]]
    matcher = SequenceMatcher(
        None, [plain(word["word"]) for word in spoken], [plain(word.text) for word in heard]
    )
    return [
        abs(spoken[block.a + i]["start"] - heard[block.b + i].start)
        for block in matcher.get_matching_blocks()
        for i in range(block.size)
    ]


def plain(word: str) -> str:
    return "".join(filter(str.isalnum, word.lower()))
