"""What the stages of a transcription hand to each other, and what a whole run reports."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from transcription.transcript import Segment, Transcript, Turn

# Called with the finished share of a piece of work, from 0 to 1.
Progress = Callable[[float], None]


def ignore_progress(_share: float) -> None:
    """The progress callback of those who do not watch."""


# What a voice is like: a vector that only vectors of the same model can be compared with.
Voice = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the recording that the recognizer hears at once; seconds from its beginning."""

    start: float
    end: float

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Recognized:
    """What was said in the next ``windows`` windows, which were recognized at once.

    ``retries`` of them were heard once more. ``doubtful`` is where text begins that may be
    invented, in seconds.
    """

    windows: int
    segments: tuple[Segment, ...]
    retries: int = 0
    doubtful: tuple[float, ...] = ()


def segments_of(batches: Iterable[Recognized]) -> Iterator[Segment]:
    """The segments of all batches, as they come."""
    for batch in batches:
        yield from batch.segments


@dataclass(frozen=True, slots=True)
class Language:
    """The spoken language as a code of ``LANGUAGES``; no probability when the caller named it."""

    code: str
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Alignment:
    """Segments with timed words, and what could not be timed."""

    segments: tuple[Segment, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diarization:
    """Who holds the floor when; turns are sorted and never overlap.

    ``embeddings`` holds one finite vector per speaker where the model gave one; ``warnings`` what
    the caller should know about the model.
    """

    turns: tuple[Turn, ...]
    embeddings: Mapping[str, Voice] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Peaks:
    """How loud the recording is, ``per_second`` times: 0 to 100, which is its loudest moment."""

    per_second: float
    levels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A transcript and what it cost: seconds per stage and in all, and models loaded on the way.

    Stages overlap: diarization runs beside recognition, so the whole is less than their sum.
    ``resumed`` of the ``windows`` were recognized by an earlier run. ``began`` says when each stage
    did, in seconds from the beginning of the whole. ``retries`` counts windows that were heard once
    more, because of what was written for them.
    """

    transcript: Transcript
    seconds: Mapping[str, float]
    loads: int = 0
    elapsed: float = 0.0
    peaks: Peaks = field(default_factory=lambda: Peaks(1.0, ()))
    windows: int = 0
    resumed: int = 0
    began: Mapping[str, float] = field(default_factory=dict)
    retries: int = 0
