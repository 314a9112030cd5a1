"""Recordings of one's own with their truth beside them.

Next to ``talk.wav`` (or any other format) may lie, each telling part of the truth:
``talk.rttm``, who speaks when (NIST: SPEAKER file channel start duration … name …);
``talk.stm``, what is said by whom (NIST: file channel speaker start end [<labels>] words);
``talk.ctm``, when each word is said (NIST: file channel start duration word);
``talk.json``, all of it, as ``models/demo/conversation.py`` writes it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluation.account import Account, SpokenWord, spoken
from transcription.transcript import Turn

_TRUTHS = (".json", ".rttm", ".stm", ".ctm")
_NOT_SCORED = "ignore_time_segment_in_scoring"


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording. ``name`` heads its row; recordings of one ``kind`` are summed up."""

    name: str
    kind: str
    audio: Path
    truth: Account


def recordings(folder: Path) -> list[Recording]:
    """Every recording in ``folder`` that has a truth. Raises FileNotFoundError without any."""
    found = []
    for audio in sorted(folder.iterdir()):
        if audio.suffix in (*_TRUTHS, "") or not audio.is_file():
            continue
        if any(audio.with_suffix(suffix).is_file() for suffix in _TRUTHS):
            found.append(Recording(audio.stem, folder.name, audio, truth_of(audio)))
    if not found:
        raise FileNotFoundError(f"{folder} holds no recording with .rttm, .stm, .ctm or .json")
    return found


def truth_of(audio: Path) -> Account:
    """What the files beside ``audio`` know. Raises ValueError for a line that is none."""
    if audio.with_suffix(".json").is_file():
        return _from_json(audio.with_suffix(".json"))
    said = list(_stm(audio.with_suffix(".stm")))
    words = tuple(
        word
        for turn, text in sorted(said, key=lambda item: item[0].start)
        for word in spoken(text, turn.speaker)
    )
    turns = tuple(_rttm(audio.with_suffix(".rttm"))) or tuple(turn for turn, _ in said)
    timed = list(_ctm(audio.with_suffix(".ctm")))
    if not words:
        words = tuple(timed)
    elif [word.text for word in timed] == [word.text for word in words]:
        words = tuple(
            SpokenWord(word.text, word.speaker, own.start, own.end)
            for word, own in zip(words, timed, strict=True)
        )
    elif timed:
        raise ValueError(f"{audio.stem}: the words of .ctm and .stm differ")
    return Account(words, turns)


def _from_json(file: Path) -> Account:
    turns = json.loads(file.read_text())["turns"]
    return Account(
        words=tuple(
            word
            for turn in turns
            for entry in turn["words"]
            for word in spoken(entry["word"], turn["speaker"], entry["start"], entry["end"])
        ),
        turns=tuple(Turn(turn["speaker"], turn["start"], turn["end"]) for turn in turns),
    )


def _rttm(file: Path) -> Iterator[Turn]:
    for parts in _lines(file):
        if parts[0] == "SPEAKER":
            start, duration = float(parts[3]), float(parts[4])
            yield Turn(parts[7], start, start + duration)


def _stm(file: Path) -> Iterator[tuple[Turn, str]]:
    for parts in _lines(file):
        text = parts[5:]
        if text and text[0].startswith("<") and text[0].endswith(">"):
            text = text[1:]
        if text and text[0].lower() != _NOT_SCORED:
            yield Turn(parts[2], float(parts[3]), float(parts[4])), " ".join(text)


def _ctm(file: Path) -> Iterator[SpokenWord]:
    for parts in _lines(file):
        start, duration = float(parts[2]), float(parts[3])
        yield from spoken(parts[4], None, start, start + duration)


def _lines(file: Path) -> Iterator[list[str]]:
    """The lines of ``file`` in fields, none where it does not exist; comments are passed over."""
    if not file.is_file():
        return
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith((";;", "#")):
            continue
        parts = line.split()
        if len(parts) < 5:
            raise ValueError(f"{file.name}, line {number}: too short")
        yield parts
