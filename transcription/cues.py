"""What subtitles show at once, and for how long: cues of a few lines, cut out of a transcript.

The rules are the constants below; docs/api.md has them as a table. They are what broadcasters'
style guides (Netflix's among them) let a viewer read.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Self

from transcription.transcript import Segment, Transcript

LINES = 2
NARROW, WIDE = 42, 16  # characters per line; wide are those of Chinese, Japanese and Korean
LONGEST = 7_000  # milliseconds that a cue is shown
SHORTEST = 833  # milliseconds: five sixths of a second, where nothing follows sooner
PAUSE = 1_000  # milliseconds of silence inside a sentence that end a cue
READ_NARROW, READ_WIDE = 20, 9  # characters that are read in a second
LINGER = 500  # milliseconds that a cue stays behind its speech, at most, to be read

_LINE_WIDTH = NARROW * WIDE  # so that both kinds of characters have a whole width
_UNIT = re.compile(r"\s*\S+")
_SHORTENED = "…"
# Categories of Unicode. Marks, a long vowel's sign and what closes begin no line; what opens ends
# none.
_CLOSING = frozenset({"Mn", "Mc", "Me", "Lm", "Pc", "Pd", "Pe", "Pf", "Po"})
_OPENING = frozenset({"Ps", "Pi"})
_JOINER = "\N{ZERO WIDTH JOINER}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a request may say about subtitles; `Options` has these options with their bounds."""

    max_line_width: int | None = None
    max_line_count: int = LINES
    highlight_words: bool = False
    speaker_labels: bool = True

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> Self:
        """What is said among a request's inputs, which are checked already."""
        names = (option.name for option in fields(cls))
        return cls(**{name: inputs[name] for name in names if inputs.get(name) is not None})

    @property
    def width(self) -> int:
        """Of a line, in the unit of `measure`."""
        return self.max_line_width or _LINE_WIDTH

    def measure(self, text: str) -> int:
        """How much of a line ``text`` takes. A width that was asked for counts characters."""
        if self.max_line_width:
            return len(text)
        return sum(NARROW if _is_wide(character) else WIDE for character in text)


USUAL = Layout()


@dataclass(frozen=True, slots=True)
class Unit:
    """The least that a line may be broken into; ``text`` begins with the space before it.

    Times are milliseconds. What is not ``spoken`` is the speaker's label.
    """

    text: str
    start: float
    end: float
    spoken: bool = True


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown at once: times in milliseconds (``end`` after ``start``), and the lines."""

    start: int
    end: int
    units: tuple[tuple[Unit, ...], ...]
    speaker: str | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines as they are read."""
        return tuple("".join(unit.text for unit in line).rstrip() for line in self.units)


def cues(transcript: Transcript, layout: Layout = USUAL, label: str = "") -> list[Cue]:
    """What to show when, in order; the cues' texts together are the segments' texts.

    ``label`` is a pattern with ``{}`` that puts the speaker's name before each cue's text.
    """
    found: list[Cue] = []
    latest = 0
    for segment, text, start, end in timed(transcript):
        named = label.format(clean(segment.speaker)) if label and segment.speaker else ""
        for units in _packed(_units_of(segment, text, start, end), named, layout):
            spoken = [unit for line in units for unit in line if unit.spoken]
            # Both formats want starts that never go back, and cues that last.
            latest = max(latest, round(spoken[0].start))
            until = min(max(latest + 1, round(spoken[-1].end)), latest + LONGEST)
            found.append(Cue(latest, until, units, segment.speaker))
    return _readable(found)


def timed(transcript: Transcript) -> Iterator[tuple[Segment, str, int, int]]:
    """(segment, its text, start, end) in milliseconds, of those in which something was said."""
    previous = 0
    for segment in transcript.segments:
        text = clean(segment.text)
        if text:
            start = _milliseconds(segment.start, previous)
            end = max(start, _milliseconds(segment.end, start))
            previous = end
            yield segment, text, start, end


def clean(text: str) -> str:
    """On one line, without control characters: a line end would end the cue."""
    spaced = " ".join(text.split())
    kept = (c for c in spaced if unicodedata.category(c) not in {"Cc", "Cs"})
    return "".join(kept).strip()


def _readable(found: Sequence[Cue]) -> list[Cue]:
    """The cues, each shown until it can have been read, but not beyond the next one's start."""
    ends = [min(_read_by(cue), after.start) for cue, after in pairwise(found)]
    ends += map(_read_by, found[-1:])
    return [replace(cue, end=max(cue.end, end)) for cue, end in zip(found, ends, strict=True)]


def _read_by(cue: Cue) -> int:
    characters = "".join(cue.lines)
    wide = sum(map(_is_wide, characters))
    seconds = (len(characters) - wide) / READ_NARROW + wide / READ_WIDE
    read = cue.start + round(1000 * seconds)
    return min(max(cue.start + SHORTEST, min(read, cue.end + LINGER)), cue.start + LONGEST)


def _units_of(segment: Segment, text: str, start: int, end: int) -> list[Unit]:
    """The text in units, with the words' times where its words are found in it."""
    units: list[Unit] = []
    position, clock = 0, start
    for word in segment.words:
        spoken = clean(word.text)
        at = text.find(spoken, position)
        if at < 0:
            continue
        begun = min(max(_milliseconds(word.start, clock), clock), end)
        clock = min(max(_milliseconds(word.end, begun), begun), end)
        after = at + len(spoken)
        units += _broken(text[position:after], begun, clock)
        position = after
    rest = _broken(text[position:], clock, end)
    if units and rest and not rest[0].text[0].isspace():  # a full stop begins no line
        last = units.pop()
        rest[0] = Unit(last.text + rest[0].text, last.start, rest[0].end)
    return _keeping_together(units + rest)


def _keeping_together(units: Iterable[Unit]) -> list[Unit]:
    """The units, where punctuation that is a word of its own stays with its neighbour."""
    kept: list[Unit] = []
    for unit in units:
        if kept and not _may_break(kept[-1].text[-1], unit.text[0]):
            last = kept.pop()
            # A bracket that opens is not spoken before what it encloses.
            opens = all(unicodedata.category(c) in _OPENING for c in last.text.strip())
            start = unit.start if opens else last.start
            kept.append(Unit(last.text + unit.text, start, unit.end))
        else:
            kept.append(unit)
    return kept


def _may_break(before: str, after: str) -> bool:
    """Whether a line may end between two characters, of which one is wide or a space."""
    closing = unicodedata.category(after) in _CLOSING
    return not closing and unicodedata.category(before) not in _OPENING


def _broken(text: str, start: float, end: float) -> list[Unit]:
    """``text`` at its spaces and between wide characters; the time goes by width."""
    parts: list[str] = []
    for found in _UNIT.finditer(text):
        parts += _between_wide(found[0])
    return _sharing(parts, start, end)


def _sharing(parts: Iterable[str], start: float, end: float) -> list[Unit]:
    """Units of ``parts``, which share the time by their width."""
    widths = [(part, USUAL.measure(part)) for part in parts]
    total = sum(width for _, width in widths)
    units, passed = [], 0
    for part, width in widths:
        begun = start + (end - start) * passed / total
        passed += width
        units.append(Unit(part, begun, start + (end - start) * passed / total))
    return units


def _between_wide(text: str) -> list[str]:
    """Broken after every wide character, save where punctuation would begin or end a line."""
    parts = [""]
    for character in text:
        if parts[-1] and _is_wide(parts[-1][-1]) and _may_break(parts[-1][-1], character):
            parts.append("")
        parts[-1] += character
    return parts


def _packed(
    units: Sequence[Unit], label: str, layout: Layout
) -> Iterator[tuple[tuple[Unit, ...], ...]]:
    """As many units at once as fit on the screen and into the time, in lines."""
    room, head = layout.width, []
    if label:
        # One line leaves half of itself to the text, several lines leave all but one.
        single = layout.max_line_count == 1
        shown = f"{_shortened(label, room // 2 if single else room, layout)} "
        head = [Unit(shown, 0, 0, spoken=False)]
        room -= layout.measure(shown) if single else 0
    lines: list[list[Unit]] = [head]
    last: Unit | None = None
    for unit in _fitting(units, room, layout):
        more = _laid(lines, unit, layout)
        if last is not None and not _goes_on(more, last, layout):
            yield tuple(map(tuple, lines))
            more = _laid([head], unit, layout)
        lines, last = more, unit
    yield tuple(map(tuple, lines))


def _laid(lines: list[list[Unit]], unit: Unit, layout: Layout) -> list[list[Unit]]:
    """``lines`` with one more unit behind them."""
    text = "".join(one.text for one in lines[-1])
    bare = replace(unit, text=unit.text.lstrip())
    added = bare if not text or text[-1].isspace() else unit
    if text and layout.measure(text + added.text) > layout.width:
        return [*lines, [bare]]
    return [*lines[:-1], [*lines[-1], added]]


def _goes_on(lines: list[list[Unit]], last: Unit, layout: Layout) -> bool:
    """Whether the unit at the end of ``lines`` may be shown together with those before it."""
    unit = lines[-1][-1]
    began = next(one.start for line in lines for one in line if one.spoken)
    return (
        len(lines) <= layout.max_line_count
        and unit.end - began <= LONGEST
        and unit.start - last.end <= PAUSE
    )


def _fitting(units: Iterable[Unit], room: int, layout: Layout) -> Iterator[Unit]:
    """The units, those that are wider than ``room`` in parts."""
    for unit in units:
        if layout.measure(unit.text.lstrip()) <= room:
            yield unit
        else:
            yield from _sharing(_pieces(unit.text, room, layout), unit.start, unit.end)


def _pieces(text: str, room: int, layout: Layout) -> Iterator[str]:
    """``text`` in parts that fit; what looks like one character stays together."""
    part = ""
    for before, character in pairwise(f" {text}"):
        together = unicodedata.category(character)[0] == "M" or _JOINER in {before, character}
        if part.strip() and not together and layout.measure((part + character).lstrip()) > room:
            yield part
            part = ""
        part += character
    yield part


def _shortened(label: str, room: int, layout: Layout) -> str:
    """``label``, its name cut where it is too wide."""
    tail = label[-2:]
    if layout.measure(label) <= room:
        return label
    kept = label[:-2]
    while len(kept) > 1 and layout.measure(kept + _SHORTENED + tail) > room:
        kept = kept[:-1]
    return kept + _SHORTENED + tail


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _milliseconds(seconds: float | None, otherwise: int) -> int:
    if seconds is None or not math.isfinite(seconds):
        return otherwise
    return max(0, round(1000 * seconds))
