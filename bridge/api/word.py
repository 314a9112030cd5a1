"""A transcript as a Word document. The library is imported with the first one."""

import io
import re

from transcription.document import clock, paragraphs
from transcription.transcript import Transcript

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def docx(transcript: Transcript, title: str) -> bytes:
    """A heading, and a paragraph per turn with its speaker and time."""
    # Half a second of import, and 20 MB, for those alone who want it.
    from docx import Document  # noqa: PLC0415

    document = Document()
    document.core_properties.title = _text(title)[:255]
    document.core_properties.language = transcript.language
    document.add_heading(_text(title), level=1)
    for paragraph in paragraphs(transcript):
        block = document.add_paragraph()
        if paragraph.speaker:
            block.add_run(_text(paragraph.speaker)).bold = True
            block.add_run(" ")
        block.add_run(f"({clock(paragraph.start)})").italic = True
        block.add_run().add_break()
        block.add_run(_text(paragraph.text))
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def _text(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _NOT_IN_XML.sub("", text)
