"""A transcript as subtitles and plain files: srt, vtt, tsv, txt.

Every format is total: no speech, silent words, times that are missing or out of order, and text
that looks like markup all give a valid file.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from transcription.transcript import Segment, Transcript

# Two lines of 42 narrow or 16 wide (Chinese, Japanese, Korean) characters, seven seconds at most:
# what broadcasters' style guides (Netflix's among them) let a viewer read.
LINES = 2
NARROW, WIDE = 42, 16  # characters per line
LONGEST = 7_000  # milliseconds
_LINE_WIDTH = NARROW * WIDE  # so that both kinds of characters have a whole width

_UNIT = re.compile(r"\s*\S+")
_ARROW = "-->"  # what both formats know a line of times by


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown at once: times in milliseconds (``end`` after ``start``), one or two lines."""

    start: int
    end: int
    lines: tuple[str, ...]
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class _Unit:
    """The least that a line may be broken into; ``text`` begins with the space before it."""

    text: str
    start: float
    end: float


def srt(transcript: Transcript) -> str:
    """SubRip; the speaker stands before the text as ``[name]: ``."""
    return "".join(
        f"{number}\n{_clock(cue.start, ',')} {_ARROW} {_clock(cue.end, ',')}\n{_srt_text(cue)}\n\n"
        for number, cue in enumerate(cues(transcript), start=1)
    )


def vtt(transcript: Transcript) -> str:
    """WebVTT (W3C); the speaker is the cue's voice."""
    shown = [
        f"\n{_clock(cue.start, '.')} {_ARROW} {_clock(cue.end, '.')}\n{_vtt_text(cue)}\n"
        for cue in cues(transcript)
    ]
    return "WEBVTT\n" + "".join(shown)


def tsv(transcript: Transcript) -> str:
    """A line per segment: start and end in milliseconds, text, and the speaker where known."""
    rows = [
        (str(start), str(end), text, segment.speaker or "")
        for segment, text, start, end in _timed(transcript)
    ]
    columns = 4 if any(speaker for *_, speaker in rows) else 3
    table = [("start", "end", "text", "speaker"), *rows]
    return "".join("\t".join(map(_clean, row[:columns])) + "\n" for row in table)


def txt(transcript: Transcript) -> str:
    """A line per segment, ``[name]: `` before it where the speaker is known."""
    return "".join(
        f"{_label(segment.speaker)}{text}\n" for segment, text, _, _ in _timed(transcript)
    )


FORMATS: Mapping[str, Callable[[Transcript], str]] = MappingProxyType(
    {"srt": srt, "vtt": vtt, "tsv": tsv, "txt": txt}
)


def cues(transcript: Transcript) -> list[Cue]:
    """What to show when, in order; the cues' texts together are the segments' texts."""
    found: list[Cue] = []
    latest = 0
    for segment, text, start, end in _timed(transcript):
        for units in _packed(_units_of(segment, text, start, end)):
            # Both formats want starts that never go back, and cues that last.
            latest = max(latest, round(units[0].start))
            until = max(latest + 1, round(units[-1].end))
            found.append(Cue(latest, until, _lines(units), segment.speaker))
    return found


def _timed(transcript: Transcript) -> Iterator[tuple[Segment, str, int, int]]:
    """(segment, its text, start, end) in milliseconds, of those in which something was said."""
    previous = 0
    for segment in transcript.segments:
        text = _clean(segment.text)
        if text:
            start = _milliseconds(segment.start, previous)
            end = max(start, _milliseconds(segment.end, start))
            previous = end
            yield segment, text, start, end


def _units_of(segment: Segment, text: str, start: int, end: int) -> list[_Unit]:
    """The text in units, with the words' times where its words are found in it."""
    units: list[_Unit] = []
    position, clock = 0, start
    for word in segment.words:
        spoken = _clean(word.text)
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
        rest[0] = _Unit(last.text + rest[0].text, last.start, rest[0].end)
    return units + rest


def _broken(text: str, start: float, end: float) -> list[_Unit]:
    """``text`` at its spaces and between wide characters; the time goes by width."""
    parts: list[str] = []
    for found in _UNIT.finditer(text):
        parts += _between_wide(found[0])
    total = sum(map(_width, parts))
    units, passed = [], 0
    for part in parts:
        begun = start + (end - start) * passed / total
        passed += _width(part)
        units.append(_Unit(part, begun, start + (end - start) * passed / total))
    return units


def _between_wide(text: str) -> list[str]:
    """Broken after every wide character, save before punctuation, which begins no line."""
    parts = [""]
    for character in text:
        if parts[-1] and _is_wide(parts[-1][-1]) and unicodedata.category(character)[0] not in "PM":
            parts.append("")
        parts[-1] += character
    return parts


def _packed(units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    """As many units at once as fit on the screen and into the time."""
    shown: list[_Unit] = []
    for unit in units:
        fits = len(_lines([*shown, unit])) <= LINES
        if shown and not (fits and unit.end - shown[0].start <= LONGEST):
            yield shown
            shown = []
        shown.append(unit)
    if shown:
        yield shown


def _lines(units: Sequence[_Unit]) -> tuple[str, ...]:
    lines = [""]
    for unit in units:
        if lines[-1] and _width(lines[-1] + unit.text) > _LINE_WIDTH:
            lines.append("")
        lines[-1] += unit.text if lines[-1] else unit.text.lstrip()
    return tuple(lines)


def _width(text: str) -> int:
    return sum(NARROW if _is_wide(character) else WIDE for character in text)


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _clean(text: str) -> str:
    """On one line, without control characters: a line end would end the cue."""
    spaced = " ".join(text.split())
    kept = (c for c in spaced if unicodedata.category(c) not in {"Cc", "Cs"})
    return "".join(kept).strip()


def _milliseconds(seconds: float | None, otherwise: int) -> int:
    if seconds is None or not math.isfinite(seconds):
        return otherwise
    return max(0, round(1000 * seconds))


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"


def _label(speaker: str | None) -> str:
    return f"[{_clean(speaker)}]: " if speaker else ""


def _srt_text(cue: Cue) -> str:
    # SubRip knows no escapes.
    return (_label(cue.speaker) + "\n".join(cue.lines)).replace(_ARROW, "→")


def _vtt_text(cue: Cue) -> str:
    text = "\n".join(map(_escaped, cue.lines))
    name = _escaped(_clean(cue.speaker or ""))
    return f"<v {name}>{text}</v>" if name else text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
