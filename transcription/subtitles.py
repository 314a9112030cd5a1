"""A transcript as subtitles and plain files: srt, vtt, tsv, txt.

Every format is total: no speech, silent words, times that are missing or out of order, and text
that looks like markup all give a valid file.
"""

import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from transcription.cues import USUAL, Cue, Layout, Unit, clean, cues, timed
from transcription.transcript import Transcript

_ARROW = "-->"  # what both formats know a line of times by
_LABEL = "[{}]:"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A cue, or the part of one in which ``word`` is highlighted; milliseconds."""

    start: int
    end: int
    cue: Cue
    word: Unit | None = None


def srt(transcript: Transcript, layout: Layout = USUAL) -> str:
    """SubRip; the speaker stands before the text as ``[name]: ``."""
    label = _LABEL if layout.speaker_labels else ""
    return "".join(
        f"{number}\n{_times(shown, ',')}\n{_srt_text(shown)}\n\n"
        for number, shown in enumerate(_shown(transcript, layout, label), start=1)
    )


def vtt(transcript: Transcript, layout: Layout = USUAL) -> str:
    """WebVTT (W3C); the speaker is the cue's voice."""
    blocks = (
        f"\n{_times(shown, '.')}\n{_vtt_text(shown, layout)}\n"
        for shown in _shown(transcript, layout)
    )
    return "WEBVTT\n" + "".join(blocks)


def tsv(transcript: Transcript, layout: Layout = USUAL) -> str:
    """A line per segment: start and end in milliseconds, text, and the speaker where known."""
    rows = [
        (str(start), str(end), text, segment.speaker or "")
        for segment, text, start, end in timed(transcript)
    ]
    columns = 4 if layout.speaker_labels and any(speaker for *_, speaker in rows) else 3
    table = [("start", "end", "text", "speaker"), *rows]
    return "".join("\t".join(map(clean, row[:columns])) + "\n" for row in table)


def txt(transcript: Transcript, layout: Layout = USUAL) -> str:
    """A line per segment, ``[name]: `` before it where the speaker is known."""
    return "".join(
        f"{_LABEL.format(clean(segment.speaker))} {text}\n"
        if segment.speaker and layout.speaker_labels
        else f"{text}\n"
        for segment, text, _, _ in timed(transcript)
    )


FORMATS: Mapping[str, Callable[[Transcript, Layout], str]] = MappingProxyType(
    {"srt": srt, "vtt": vtt, "tsv": tsv, "txt": txt}
)


def _shown(transcript: Transcript, layout: Layout, label: str = "") -> list[_Shown]:
    found = cues(transcript, layout, label)
    if not layout.highlight_words:
        return [_Shown(cue.start, cue.end, cue) for cue in found]
    parts = [part for cue in found for part in _highlighted(cue)]
    return sorted(parts, key=lambda shown: shown.start)  # of two who speak at once, by turns


def _highlighted(cue: Cue) -> Iterator[_Shown]:
    """The cue, once for each of its words while it is spoken, and plain in between."""
    clock = cue.start
    for word in (unit for line in cue.units for unit in line if unit.spoken):
        start, end = max(clock, round(word.start)), min(round(word.end), cue.end)
        if start < end:
            if clock < start:
                yield _Shown(clock, start, cue)
            yield _Shown(start, end, cue, word)
            clock = end
    if clock < cue.end:
        yield _Shown(clock, cue.end, cue)


def _times(shown: _Shown, point: str) -> str:
    return f"{_clock(shown.start, point)} {_ARROW} {_clock(shown.end, point)}"


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"


def _srt_text(shown: _Shown) -> str:
    # SubRip knows no escapes.
    return _text(shown, lambda text: text).replace(_ARROW, "→")


def _vtt_text(shown: _Shown, layout: Layout) -> str:
    text = _text(shown, _escaped)
    name = _escaped(clean(shown.cue.speaker or "")) if layout.speaker_labels else ""
    return f"<v {name}>{text}</v>" if name else text


def _text(shown: _Shown, escaped: Callable[[str], str]) -> str:
    """The lines, with the highlighted word underlined, as both formats can say it."""
    if shown.word is None:
        return escaped("\n".join(shown.cue.lines))
    lines = ("".join(_unit(unit, shown.word, escaped) for unit in line) for line in shown.cue.units)
    return "\n".join(line.rstrip() for line in lines)


def _unit(unit: Unit, word: Unit, escaped: Callable[[str], str]) -> str:
    if unit is not word:
        return escaped(unit.text)
    bare = unit.text.lstrip()
    return f"{unit.text[: -len(bare)]}<u>{escaped(bare)}</u>"


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)
