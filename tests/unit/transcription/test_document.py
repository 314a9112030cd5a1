"""A transcript as a document: paragraphs by speaker, in Markdown and for Word."""

import io

import docx
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bridge.api.word import docx as word
from tests.fixtures.spoken import texts, transcripts
from transcription.document import clock, markdown, paragraphs
from transcription.transcript import Segment, Transcript


def said(*turns: tuple[str | None, str]) -> Transcript:
    segments = (Segment(text, n, n + 1.0, (), who) for n, (who, text) in enumerate(turns))
    return Transcript(tuple(segments), "en", 10.0)


def test_a_turn_is_a_paragraph_whatever_its_segments() -> None:
    talk = said(("A", "one"), ("A", " two "), ("B", ""), ("A", "three"), ("B", "four"))
    assert [(p.start, p.speaker, p.text) for p in paragraphs(talk)] == [
        (0, "A", "one two three"),
        (4, "B", "four"),
    ]


def test_without_speakers_a_segment_is_a_paragraph() -> None:
    assert [p.text for p in paragraphs(said((None, "one"), (None, "two")))] == ["one", "two"]


def test_times_are_as_people_write_them() -> None:
    assert [clock(second) for second in (0, 59.9, 187, 3787)] == ["0:00", "0:59", "3:07", "1:03:07"]


@settings(max_examples=100)
@given(transcripts, texts)
@example(said(("A", "1. one"), ("B", "==="), (None, "12) two"), (None, "- x")), "1. title")
def test_markdown_takes_no_text_for_markup(transcript: Transcript, title: str) -> None:
    kinds = {"heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline"}
    inner = {"text", "text_special", "strong_open", "strong_close", "softbreak", "hardbreak"}
    for token in MarkdownIt().parse(markdown(transcript, title)):
        assert token.type in kinds
        assert {child.type for child in token.children or ()} <= inner


@settings(max_examples=15)
@given(transcripts, st.text(max_size=300))
def test_word_opens_whatever_was_said(transcript: Transcript, title: str) -> None:
    document = docx.Document(io.BytesIO(word(transcript, title)))
    assert len(document.paragraphs) == 1 + len(list(paragraphs(transcript)))
