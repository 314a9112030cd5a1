"""The one definition of a result: words in segments, spoken by speakers, with times."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
    neighbours because the aligner found none. ``probability`` is the mean of those that the
    recognizer's decoder gave the word's tokens. ``characters`` is empty unless they were asked for.
    """

    text: str
    start: float
    end: float
    score: float | None = None
    speaker: str | None = None
    characters: tuple[Character, ...] = ()
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text as the decoder writes it.

    ``written`` are bytes of UTF-8, which may begin or end within a character.
    """

    written: tuple[int, ...]
    logprob: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech by one speaker, usually one sentence.

    ``words`` is empty when no word times were asked for or no aligner speaks the language.
    ``avg_logprob`` is the decoder's mean log probability per token of the speech window that
    the segment was heard in, ``no_speech_prob`` its probability that nobody spoke there.
    ``tokens`` are those of its text as it was recognized, until it is divided into sentences.
    ``language`` is its own where every window's was detected, ``channel`` counts from 1 where
    channels are apart.
    """

    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()
    speaker: str | None = None
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    tokens: tuple[Token, ...] = ()
    language: str | None = None
    channel: int | None = None

    def moved(self, by: float) -> "Segment":
        """The same ``by`` seconds later."""
        return replace(
            self,
            start=self.start + by,
            end=self.end + by,
            words=tuple(
                replace(
                    word,
                    start=word.start + by,
                    end=word.end + by,
                    characters=tuple(
                        replace(one, start=one.start + by, end=one.end + by)
                        for one in word.characters
                    ),
                )
                for word in self.words
            ),
        )


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
    of `transcription.notices`. ``tokens`` are those of the whole text, where they were asked for.
    """

    segments: tuple[Segment, ...]
    language: str
    duration: float
    language_probability: float | None = None
    speaker_embeddings: Mapping[str, tuple[float, ...]] | None = None
    warnings: tuple[str, ...] = field(default=())
    tokens: tuple[Token, ...] = ()

    @property
    def text(self) -> str:
        """The words alone, segments joined as the language joins words."""
        space = "" if self.language in WITHOUT_SPACES else " "
        return space.join(filter(None, (segment.text.strip() for segment in self.segments)))
