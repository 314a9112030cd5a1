"""Who said which word: turns of speakers laid over the words' times."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from transcription.findings import Diarization
from transcription.transcript import Segment, Turn, Word


def in_order_of_appearance(diarization: Diarization) -> Diarization:
    """The same turns and embeddings with speakers called SPEAKER_00, SPEAKER_01, … as they come.

    Embeddings of speakers without a turn are dropped.
    """
    turns = sorted(diarization.turns, key=lambda turn: (turn.start, turn.end))
    names: dict[str, str] = {}
    for turn in turns:
        names.setdefault(turn.speaker, f"SPEAKER_{len(names):02d}")
    return Diarization(
        turns=tuple(replace(turn, speaker=names[turn.speaker]) for turn in turns),
        embeddings={
            name: diarization.embeddings[speaker]
            for speaker, name in names.items()
            if speaker in diarization.embeddings
        },
    )


# A word spoken by one person between words of another is believed when there is a pause before or
# after it, or when that person's turn covers nearly all of it. Else it is a diarizer's boundary
# that lies a syllable off; both were chosen on the development split of benchmarks/quality.
_PAUSE = 0.2  # s
_COVERED = 0.9  # share of the word
_SENTENCE_ENDS = tuple(".?!…。？！")


class Floor:
    """Answers who speaks between two times. ``turns`` are sorted and never overlap."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        self._starts = [turn.start for turn in turns]
        self._ends = [turn.end for turn in turns]

    def speaker(self, start: float, end: float) -> str | None:
        """Who speaks longest in [start, end]; else who speaks nearest to it; None without turns."""
        spoken = self._spoken(start, end)
        if spoken:
            return max(spoken, key=spoken.__getitem__)
        # Between two turns only they can be nearest; a word of no length may lie inside one.
        first = bisect_right(self._ends, start)
        around = self._turns[max(0, first - 1) : first + 1]
        nearest = min(around, key=lambda turn: _distance(turn, start, end), default=None)
        return None if nearest is None else nearest.speaker

    def is_sure(self, word: Word) -> bool:
        """Whether the word's speaker speaks during nearly all of it."""
        spoken = self._spoken(word.start, word.end).get(word.speaker or "", 0.0)
        return spoken > _COVERED * (word.end - word.start)

    def _spoken(self, start: float, end: float) -> dict[str, float]:
        """Seconds that each speaker speaks in [start, end]."""
        spoken: dict[str, float] = {}
        first = bisect_right(self._ends, start)
        for turn in self._turns[first : bisect_right(self._starts, end)]:
            overlap = min(turn.end, end) - max(turn.start, start)
            if overlap > 0:
                spoken[turn.speaker] = spoken.get(turn.speaker, 0.0) + overlap
        return spoken


def attribute(segments: Sequence[Segment], turns: Sequence[Turn]) -> tuple[Segment, ...]:
    """Segments with a speaker for every word, split where the speaker changes.

    Segments without words get one speaker as a whole. Without turns nothing changes.
    """
    if not turns:
        return tuple(segments)
    floor = Floor(turns)
    return tuple(piece for segment in segments for piece in _attributed(segment, floor))


def _attributed(segment: Segment, floor: Floor) -> Iterator[Segment]:
    if not segment.words:
        yield replace(segment, speaker=floor.speaker(segment.start, segment.end))
        return
    words = _in_company(
        [replace(word, speaker=floor.speaker(word.start, word.end)) for word in segment.words],
        floor,
    )
    runs = [tuple(run) for _, run in groupby(words, key=lambda word: word.speaker)]
    if len(runs) == 1:
        yield replace(segment, words=runs[0], speaker=runs[0][0].speaker)
        return
    for run, text in zip(runs, _texts(segment.text, runs), strict=True):
        yield replace(
            segment,
            text=text,
            start=run[0].start,
            end=run[-1].end,
            words=run,
            speaker=run[0].speaker,
        )


def _in_company(words: Sequence[Word], floor: Floor) -> list[Word]:
    """``words`` with doubtful ones that stand alone given to who speaks the rest of the sentence.

    Alone is a word between two words of one other speaker, or at the edge of a sentence before or
    after two of them.
    """
    spoken = list(words)
    for index, word in enumerate(words):
        before = _company(words, index, -1)
        after = _company(words, index, 1)
        if before and after:
            other = before[0] if before[0] == after[0] else None
        else:
            other = _pair(before or after)
        if other and other != word.speaker and not floor.is_sure(word):
            spoken[index] = replace(word, speaker=other)
    return spoken


def _company(words: Sequence[Word], index: int, step: int) -> list[str | None]:
    """Speakers of up to two words next to one, without a pause and in the same sentence."""
    found: list[str | None] = []
    for place in (index + step, index + 2 * step):
        if not 0 <= place < len(words):
            break
        first, second = words[min(place - step, place)], words[max(place - step, place)]
        if first.text.endswith(_SENTENCE_ENDS) or second.start - first.end > _PAUSE:
            break
        found.append(words[place].speaker)
    return found


def _pair(speakers: Sequence[str | None]) -> str | None:
    """The one speaker of two words."""
    return speakers[0] if len(speakers) == 2 and speakers[0] == speakers[1] else None


def _texts(text: str, runs: Sequence[tuple[Word, ...]]) -> list[str]:
    """``text`` cut before the first word of each run, so that its own spacing is kept.

    When the words cannot be found in the text, each run's words joined with spaces.
    """
    cuts: list[int] = []
    cursor = 0
    for run in runs:
        for position, word in enumerate(run):
            found = text.find(word.text, cursor)
            if found < 0:
                return [" ".join(word.text for word in run) for run in runs]
            if position == 0:
                cuts.append(found)
            cursor = found + len(word.text)
    cuts[0] = 0
    return [text[a:b].strip() for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def _distance(turn: Turn, start: float, end: float) -> float:
    return max(turn.start - end, start - turn.end, 0.0)
