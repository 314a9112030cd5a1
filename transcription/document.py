"""A transcript as a document to read: paragraphs by speaker, and the same as Markdown."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from transcription.language import WITHOUT_SPACES
from transcription.transcript import Transcript

# What Markdown would take for markup, and what HTML in it would be.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+\-!|~&=]|(?<=^\d)\.|(?<=\d)\.(?=\s))")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """What one speaker said until another began; ``start`` in seconds."""

    start: float
    speaker: str | None
    text: str


def paragraphs(transcript: Transcript) -> Iterator[Paragraph]:
    """The turns of the transcript, in order; those without words are left out."""
    space = "" if transcript.language in WITHOUT_SPACES else " "
    spoken = (segment for segment in transcript.segments if segment.text.strip())
    for speaker, turn in groupby(spoken, key=lambda segment: segment.speaker):
        segments = list(turn)
        # Without speakers every segment is a paragraph: hours in one would be no document.
        pieces = [segments] if speaker is not None else [[segment] for segment in segments]
        for piece in pieces:
            text = space.join(" ".join(segment.text.split()) for segment in piece)
            yield Paragraph(piece[0].start, speaker, text)


def markdown(transcript: Transcript, title: str) -> str:
    """A heading, and a paragraph per turn with its speaker and time."""
    blocks = [f"# {_plain(title)}"]
    for paragraph in paragraphs(transcript):
        who = f"**{_plain(paragraph.speaker)}** " if paragraph.speaker else ""
        blocks.append(f"{who}({clock(paragraph.start)})  \n{_plain(paragraph.text)}")
    return "\n\n".join(blocks) + "\n"


def clock(seconds: float | None) -> str:
    """``3:07``, or ``1:03:07``; ``0:00`` where a predictor gave no number."""
    whole = max(0, int(seconds)) if seconds is not None and math.isfinite(seconds) else 0
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
