"""What was said in a recording: the truth, or what a program says it was."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evaluation.scoring import plain_words
from transcription.transcript import Turn


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """One word, in lower case and without marks; seconds, None where nobody says when.

    ``shown`` is the speaker of its segment: what subtitles show.
    """

    text: str
    speaker: str | None = None
    start: float | None = None
    end: float | None = None
    shown: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Words in the order they are said, and who speaks when. Turns may overlap.

    ``timed`` of ``written`` words (as the program splits them) had usable times, and
    ``attributed`` had a speaker: what a client would find missing.
    """

    words: tuple[SpokenWord, ...]
    turns: tuple[Turn, ...]
    written: int = 0
    timed: int = 0
    attributed: int = 0


def spoken(
    text: str,
    speaker: str | None = None,
    start: float | None = None,
    end: float | None = None,
    shown: str | None = None,
) -> list[SpokenWord]:
    """The words of ``text``, all with the same speaker and times."""
    return [SpokenWord(word, speaker, start, end, shown) for word in plain_words(text)]


def of_output(segments: Iterable[Mapping[str, Any]], duration: float) -> Account:
    """What a client gets: ``segments`` as whisperx and we both shape them; turns are segments.

    As kind as can be: a word without a speaker is scored with its segment's, and a segment without
    words by its text. Such words still count as not attributed, not timed.
    """
    segments = list(segments)
    words = [(word, segment) for segment in segments for word in _words(segment)]
    return Account(
        words=tuple(
            plain
            for word, segment in words
            for plain in spoken(
                word["word"],
                word.get("speaker") or segment.get("speaker"),
                word.get("start"),
                word.get("end"),
                segment.get("speaker"),
            )
        ),
        turns=tuple(
            Turn(str(segment["speaker"]), float(segment["start"]), float(segment["end"]))
            for segment in segments
            if segment.get("speaker") and float(segment["start"]) < float(segment["end"])
        ),
        written=len(words),
        timed=sum(_usable(word, duration) for word, _ in words),
        attributed=sum(bool(word.get("speaker")) for word, _ in words),
    )


def flat(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """``turns`` with those of one speaker that touch or overlap joined."""
    joined: dict[str, list[Turn]] = {}
    for turn in sorted(turns, key=lambda turn: (turn.start, turn.end)):
        own = joined.setdefault(turn.speaker, [])
        if own and turn.start <= own[-1].end:
            own[-1] = replace(own[-1], end=max(own[-1].end, turn.end))
        elif turn.start < turn.end:
            own.append(turn)
    return tuple(
        sorted((turn for own in joined.values() for turn in own), key=lambda turn: turn.start)
    )


def _words(segment: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    words: Sequence[Mapping[str, Any]] = segment.get("words") or ()
    return words or [{"word": text} for text in str(segment["text"]).split()]


def _usable(word: Mapping[str, Any], duration: float) -> bool:
    start, end = word.get("start"), word.get("end")
    # NaN fails every comparison; a millisecond for whisperx's rounding.
    return start is not None and end is not None and bool(0 <= start <= end <= duration + 1e-3)
