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


class Floor:
    """Answers who speaks between two times. ``turns`` are sorted and never overlap."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        self._starts = [turn.start for turn in turns]
        self._ends = [turn.end for turn in turns]

    def speaker(self, start: float, end: float) -> str | None:
        """Who speaks longest in [start, end]; else who speaks nearest to it; None without turns."""
        spoken: dict[str, float] = {}
        first = bisect_right(self._ends, start)
        for turn in self._turns[first : bisect_right(self._starts, end)]:
            overlap = min(turn.end, end) - max(turn.start, start)
            if overlap > 0:
                spoken[turn.speaker] = spoken.get(turn.speaker, 0.0) + overlap
        if spoken:
            return max(spoken, key=spoken.__getitem__)
        # Between two turns only they can be nearest; a word of no length may lie inside one.
        around = self._turns[max(0, first - 1) : first + 1]
        nearest = min(around, key=lambda turn: _distance(turn, start, end), default=None)
        return None if nearest is None else nearest.speaker


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
    words = [replace(word, speaker=floor.speaker(word.start, word.end)) for word in segment.words]
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
