"""The figures, as sums that can be added up over recordings.

Word errors are Levenshtein distances in words. cpWER is that of Watanabe et al. 2020
(arXiv:2004.09249): all words of a speaker joined, found speakers paired with true ones in the way
that gives the fewest errors. Diarization errors are pyannote.metrics' (Bredin 2017), without a
collar and with overlapping speech scored.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from statistics import median

import numpy as np
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

from evaluation.account import Account, SpokenWord, flat
from transcription.transcript import Turn

CLOSE = 0.2  # s; a word whose both ends are nearer to the truth than this is well timed


@dataclass(frozen=True, slots=True)
class Score:
    """Counts and sums; ``+`` joins recordings. Times in seconds.

    ``misses`` are the distances of starts and ends of words that were heard right.
    """

    words: int = 0
    heard: int = 0
    word_errors: int = 0
    speaker_words: int = 0
    speaker_errors: int = 0
    shown_errors: int = 0  # likewise, with the speakers of segments
    timeable: int = 0  # true words whose times are known, in recordings where they are
    timed_heard: int = 0  # words heard in those recordings
    close: int = 0
    misses: tuple[float, ...] = ()
    speech: float = 0.0
    confused: float = 0.0  # missed, falsely found, or given to another speaker
    written: int = 0
    timed: int = 0
    attributed: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            *(getattr(self, option.name) + getattr(other, option.name) for option in fields(Score))
        )

    @property
    def wer(self) -> float | None:
        """Word error rate."""
        return _share(self.word_errors, self.words)

    @property
    def cpwer(self) -> float | None:
        """Word error rate with every word given to a speaker."""
        return _share(self.speaker_errors, self.speaker_words)

    @property
    def shown_cpwer(self) -> float | None:
        """Likewise with every word given to the speaker of its segment."""
        return _share(self.shown_errors, self.speaker_words)

    @property
    def der(self) -> float | None:
        """Diarization error rate of the segments."""
        return _share(self.confused, self.speech)

    @property
    def median_miss(self) -> float | None:
        """Median distance of word boundaries from the truth, of words heard right."""
        return median(self.misses) if self.misses else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of recall and precision of words heard right and timed within `CLOSE`."""
        return _share(2 * self.close, self.timeable + self.timed_heard)

    @property
    def timed_share(self) -> float | None:
        """Share of the written words with usable times."""
        return _share(self.timed, self.written)

    @property
    def attributed_share(self) -> float | None:
        """Share of the written words with a speaker."""
        return _share(self.attributed, self.written)


def score(truth: Account, found: Account, duration: float) -> Score:
    """How far ``found`` is from ``truth``; what the truth does not know is not scored."""
    said, heard = _texts(truth.words), _texts(found.words)
    misses, close = _boundaries(truth.words, found.words)
    known = sum(word.start is not None for word in truth.words)
    speakers = truth.words and all(word.speaker is not None for word in truth.words)
    shown = [replace(word, speaker=word.shown) for word in found.words]
    speech, confused = diarization_errors(truth.turns, found.turns, duration)
    return Score(
        words=len(said),
        heard=len(heard),
        word_errors=Levenshtein.distance(said, heard) if said else 0,
        speaker_words=len(said) if speakers else 0,
        speaker_errors=speaker_word_errors(truth.words, found.words) if speakers else 0,
        shown_errors=speaker_word_errors(truth.words, shown) if speakers else 0,
        timeable=known,
        timed_heard=len(heard) if known else 0,
        close=close,
        misses=misses,
        speech=speech,
        confused=confused,
        written=found.written,
        timed=found.timed,
        attributed=found.attributed,
    )


def speaker_word_errors(said: Sequence[SpokenWord], heard: Sequence[SpokenWord]) -> int:
    """Word errors with speakers paired best; who has no partner is missed or invented."""
    true, found = _streams(said), _streams(heard)
    size = max(len(true), len(found))
    costs = np.zeros((size, size), dtype=int)
    for row, words in enumerate([*true, *[[]] * (size - len(true))]):
        for column, others in enumerate([*found, *[[]] * (size - len(found))]):
            costs[row, column] = Levenshtein.distance(words, others)
    return int(costs[linear_sum_assignment(costs)].sum())


def diarization_errors(
    truth: Sequence[Turn], found: Sequence[Turn], duration: float
) -> tuple[float, float]:
    """Seconds of true speech (per speaker), and seconds of error."""
    if not truth:
        return 0.0, 0.0
    details = DiarizationErrorRate(collar=0.0, skip_overlap=False)(
        _annotation(truth),
        _annotation(found),
        uem=Timeline([Segment(0, max(duration, *(turn.end for turn in truth)))]),
        detailed=True,
    )
    wrong = sum(details[name] for name in ("missed detection", "false alarm", "confusion"))
    return float(details["total"]), float(wrong)


def _boundaries(
    said: Sequence[SpokenWord], heard: Sequence[SpokenWord]
) -> tuple[tuple[float, ...], int]:
    """Distances of the ends of words heard right, and how many words have both ends close."""
    misses: list[float] = []
    close = 0
    for block in Levenshtein.opcodes(_texts(said), _texts(heard)):
        if block.tag != "equal":
            continue
        pairs = zip(
            said[block.src_start : block.src_end],
            heard[block.dest_start : block.dest_end],
            strict=True,
        )
        for true, found in pairs:
            if true.start is None or true.end is None or found.start is None or found.end is None:
                continue
            both = (abs(true.start - found.start), abs(true.end - found.end))
            misses.extend(map(float, both))
            close += max(both) <= CLOSE
    return tuple(misses), close


def _texts(words: Iterable[SpokenWord]) -> list[str]:
    return [word.text for word in words]


def _streams(words: Iterable[SpokenWord]) -> list[list[str]]:
    """The words of each speaker; those of nobody are a speaker of their own."""
    streams: dict[str | None, list[str]] = {}
    for word in words:
        streams.setdefault(word.speaker, []).append(word.text)
    return list(streams.values())


def _annotation(turns: Sequence[Turn]) -> Annotation:
    annotation = Annotation()
    for number, turn in enumerate(flat(turns)):
        annotation[Segment(turn.start, turn.end), number] = turn.speaker
    return annotation


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
