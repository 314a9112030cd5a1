"""What a run has recognized so far, so that the next one continues after it if its worker dies.

A run that is repeated finds the same windows, so recognition can begin with the first window that
no run before it finished. Nothing is rounded on the way: the transcript stays the same.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from transcription.findings import Language, Recognized, Window
from transcription.transcript import Character, Segment, Token, Word


@dataclass(frozen=True, slots=True)
class Batch:
    """What was said in ``windows`` windows of a run from number ``first`` on.

    ``plan`` stands for all windows of the run and the model: see `plan_of`. A batch in which
    nothing was said has no segments. The rest is as in `Recognized`.
    """

    plan: str
    language: Language
    first: int
    windows: int
    segments: tuple[Segment, ...]
    retries: int = 0
    doubtful: tuple[float, ...] = ()

    @classmethod
    def of(cls, found: Recognized, plan: str, language: Language, first: int) -> Self:
        """What was recognized from window ``first`` on."""
        return cls(
            plan, language, first, found.windows, found.segments, found.retries, found.doubtful
        )


# Given batches one by one as they are recognized; their segments are not yet aligned.
Found = Callable[[Batch], None]


def ignore_batches(_batch: Batch) -> None:
    """The callback of those who wait for the whole transcript."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What earlier runs recognized: the language, and what was said in the first ``windows``."""

    language: Language
    windows: int
    segments: tuple[Segment, ...]
    retries: int = 0
    doubtful: tuple[float, ...] = ()


def plan_of(windows: Iterable[Window], model: str) -> str:
    """A digest of what is to be recognized and by which model.

    Batches of another plan are of no use: a worker of another version, or with another default
    model, may have heard them.
    """
    bounds = [(window.start, window.end) for window in windows]
    return hashlib.blake2b(json.dumps([model, bounds]).encode(), digest_size=16).hexdigest()


def checkpoint(batches: Iterable[Batch], plan: str) -> Checkpoint | None:
    """What ``batches`` of this plan hold from the first window on without a gap; None for nothing.

    Batches may overlap where a run had to make them smaller; the longest wins.
    """
    own: dict[int, Batch] = {}
    for batch in batches:
        known = own.get(batch.first)
        if batch.plan == plan and (known is None or known.windows < batch.windows):
            own[batch.first] = batch
    if 0 not in own:
        return None
    windows, row = 0, list[Batch]()
    while (following := own.get(windows)) is not None:
        row.append(following)
        windows += following.windows
    return Checkpoint(
        own[0].language,
        windows,
        tuple(segment for one in row for segment in one.segments),
        sum(one.retries for one in row),
        tuple(start for one in row for start in one.doubtful),
    )


def batch_to_json(batch: Batch) -> dict[str, Any]:
    """The batch in JSON's types; the inverse of `batch_from_json`."""
    return asdict(batch)


def batch_from_json(found: Mapping[str, Any]) -> Batch:
    """Raises KeyError, TypeError, ValueError for what is no batch, or one of another version."""
    if not found["windows"] > 0:
        raise ValueError("a batch has one window at least")
    segments = tuple(map(_segment, found["segments"]))
    return Batch(
        str(found["plan"]),
        Language(**found["language"]),
        int(found["first"]),
        int(found["windows"]),
        segments,
        int(found["retries"]),
        tuple(map(float, found["doubtful"])),
    )


def _segment(found: Mapping[str, Any]) -> Segment:
    words = tuple(map(_word, found["words"]))
    tokens = tuple(Token(tuple(each["written"]), each["logprob"]) for each in found["tokens"])
    return Segment(**{**found, "words": words, "tokens": tokens})


def _word(found: Mapping[str, Any]) -> Word:
    characters: Sequence[Mapping[str, Any]] = found["characters"]
    return Word(**{**found, "characters": tuple(Character(**each) for each in characters)})
