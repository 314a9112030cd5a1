"""The one definition of a result: words in segments, spoken by speakers, with times."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from transcription.language import WITHOUT_SPACES


@dataclass(frozen=True, slots=True)
class Character:
    """One character of a word, with times and score as a word has them."""

    text: str
    start: float
    end: float
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word.

    ``start`` and ``end`` are seconds from the beginning of the recording. ``score`` is the
    aligner's confidence in [0, 1], or None where the times were interpolated between
    neighbours because the aligner found none. ``characters`` is empty unless they were asked for.
    """

    text: str
    start: float
    end: float
    score: float | None = None
    speaker: str | None = None
    characters: tuple[Character, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech by one speaker, usually one sentence.

    ``words`` is empty when no word times were asked for or no aligner speaks the language.
    ``avg_logprob`` is the decoder's mean log probability per token of the speech window that
    the segment was heard in, ``no_speech_prob`` its probability that nobody spoke there.
    """

    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()
    speaker: str | None = None
    avg_logprob: float | None = None
    no_speech_prob: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch of time in which ``speaker`` holds the floor (exclusive: turns never overlap)."""

    speaker: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in one recording.

    ``duration`` is the recording's length in seconds. ``language_probability`` is None when the
    caller named the language. ``speaker_embeddings`` maps speakers to vectors whose dimension is
    the diarization model's. ``warnings`` say what could not be done as asked: texts
    of `transcription.notices`.
    """

    segments: tuple[Segment, ...]
    language: str
    duration: float
    language_probability: float | None = None
    speaker_embeddings: Mapping[str, tuple[float, ...]] | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def text(self) -> str:
        """The words alone, segments joined as the language joins words."""
        space = "" if self.language in WITHOUT_SPACES else " "
        return space.join(filter(None, (segment.text.strip() for segment in self.segments)))
