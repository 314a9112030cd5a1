"""Every format is valid and complete, whatever the transcript holds; parsers by others say so."""

import io
import re
from dataclasses import replace
from datetime import timedelta
from html import escape
from itertools import pairwise

import pytest
import srt as subrip
import webvtt
from hypothesis import example, given

from tests.fixtures.spoken import conversation, few, one, said, squeezed, transcripts
from transcription import subtitles
from transcription.cues import LINES, Layout, clean, cues
from transcription.transcript import Segment, Transcript


@few
@given(transcripts)
@example(one("over the minute", 59.9996, 3599.9999))
@example(one("", 0.0, 0.0))
def test_srt_is_read_by_a_strict_parser_and_holds_every_word(transcript: Transcript) -> None:
    found = list(subrip.parse(subtitles.srt(transcript), ignore_errors=False))
    shown = cues(transcript, label="[{}]:")
    assert [cue.index for cue in found] == list(range(1, len(shown) + 1))
    for cue, expected in zip(found, shown, strict=True):
        assert cue.start.total_seconds() == pytest.approx(expected.start / 1000)
        assert cue.end.total_seconds() == pytest.approx(expected.end / 1000)
        assert cue.content == "\n".join(expected.lines).replace("-->", "→")


@few
@given(transcripts)
@example(one("over the minute", 59.9996, 3599.9999))
def test_vtt_is_read_by_a_strict_parser_and_holds_every_word(transcript: Transcript) -> None:
    document = subtitles.vtt(transcript)
    found = webvtt.from_buffer(io.StringIO(document)).captions
    shown = cues(transcript)
    assert len(found) == len(shown)
    for cue, expected in zip(found, shown, strict=True):
        assert cue.start_in_seconds == expected.start // 1000
        assert cue.end_in_seconds == expected.end // 1000
        assert (cue.voice or "") == escape(clean(expected.speaker or ""), quote=False)
    check_vtt(document, len(shown))


VTT_TIME = r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})"


def check_vtt(document: str, count: int) -> None:
    """The W3C's grammar for the files we write: header, then blocks of times and text."""
    header, *blocks = document.removesuffix("\n").split("\n\n")
    assert header == "WEBVTT"
    assert len(blocks) == count
    latest = 0.0
    for block in blocks:
        first, *payload = block.split("\n")
        times = re.fullmatch(f"{VTT_TIME} --> {VTT_TIME}", first)
        assert times, first
        start, end = (seconds(times.groups()[i : i + 4]) for i in (0, 4))
        assert latest <= start < end
        latest = start
        assert 1 <= len(payload) <= LINES
        text = "\n".join(payload)
        assert "-->" not in text
        plain = re.sub(r"^<v [^\n<>]+>|</v>$", "", text)
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", plain), text


def seconds(parts: tuple[str, ...]) -> float:
    hours, minutes, whole, milliseconds = map(int, parts)
    return 3600 * hours + 60 * minutes + whole + milliseconds / 1000


@pytest.mark.parametrize(
    ("moment", "clock"),
    [(59.9996, "00:01:00,000"), (3599.9999, "01:00:00,000"), (360000.0, "100:00:00,000")],
)
def test_times_roll_over(moment: float, clock: str) -> None:
    assert f"\n{clock} --> " in subtitles.srt(one("x", moment, moment + 1))


def test_nothing_said_is_a_valid_file() -> None:
    silence = Transcript((), "en", 3.0)
    assert {name: render(silence, Layout()) for name, render in subtitles.FORMATS.items()} == {
        "srt": "",
        "vtt": "WEBVTT\n",
        "tsv": "start\tend\ttext\n",
        "txt": "",
    }


def test_text_cannot_pass_for_times_or_markup() -> None:
    text = "1 00:00:01,000 --> 00:00:02,000 <i>&"
    assert subtitles.srt(one(text)).count("-->") == 1
    assert "--&gt; 00:00:02,000 &lt;i&gt;&amp;\n" in subtitles.vtt(one(text))


def test_speakers_are_named_as_many_as_they_are() -> None:
    spoken = tuple(Segment(f"t{n}", n, n + 1.0, (), f"SPEAKER_{n:02}") for n in range(40))
    transcript = Transcript(spoken, "en", 40.0)
    names = [f"SPEAKER_{n:02}" for n in range(40)]
    assert re.findall(r"\[(.*?)\]: t", subtitles.srt(transcript)) == names
    assert re.findall(r"^\[(.*?)\]: t", subtitles.txt(transcript), re.MULTILINE) == names
    document = io.StringIO(subtitles.vtt(transcript))
    assert [cue.voice for cue in webvtt.from_buffer(document).captions] == names
    assert [row.split("\t")[3] for row in subtitles.tsv(transcript).splitlines()[1:]] == names


@few
@given(transcripts)
def test_tsv_has_a_row_per_segment_that_says_something(transcript: Transcript) -> None:
    header, *rows = subtitles.tsv(transcript).split("\n")[:-1]
    columns = header.split("\t")
    assert columns[:3] == ["start", "end", "text"]
    assert all(len(row.split("\t")) == len(columns) for row in rows)
    assert squeezed("".join(row.split("\t")[2] for row in rows)) == said(transcript)
    assert all(int(row.split("\t")[0]) <= int(row.split("\t")[1]) for row in rows)


@few
@given(transcripts)
def test_txt_has_a_line_per_segment_that_says_something(transcript: Transcript) -> None:
    lines = subtitles.txt(transcript).split("\n")[:-1]
    assert len(lines) == len([s for s in transcript.segments if clean(s.text)])


def karaoke(document: str) -> list[tuple[int, int, str]]:
    found = subrip.parse(document, ignore_errors=False)
    millisecond = timedelta(milliseconds=1)
    return [(cue.start // millisecond, cue.end // millisecond, cue.content) for cue in found]


def test_words_are_underlined_while_they_are_spoken() -> None:
    transcript = conversation(("One", 1.0, 1.5), ("<two>", 1.5, 2.0), ("three", 2.4, 3.0))
    layout = Layout(highlight_words=True, max_line_width=10)
    assert karaoke(subtitles.srt(transcript, layout)) == [
        (1000, 1500, "<u>One</u> <two>\nthree"),
        (1500, 2000, "One <u><two></u>\nthree"),
        (2000, 2400, "One <two>\nthree"),
        (2400, 3000, "One <two>\n<u>three</u>"),
    ]
    captions = webvtt.from_buffer(io.StringIO(subtitles.vtt(transcript, layout))).captions
    assert [cue.raw_text for cue in captions][1] == "One <u>&lt;two&gt;</u>\nthree"


def test_words_of_two_at_once_are_underlined_by_turns() -> None:
    long = conversation(("One", 0.0, 0.6), ("two", 0.6, 2.0), speaker="Ann")
    short = conversation(("Yes", 0.2, 1.0), speaker="Ben")
    both = replace(long, segments=(*long.segments, *short.segments))
    layout = Layout(highlight_words=True, speaker_labels=False)
    starts = [start for start, _, _ in karaoke(subtitles.srt(both, layout))]
    assert starts == sorted(starts)
    assert starts[:3] == [0, 200, 600]


@few
@given(transcripts)
def test_highlighted_cues_follow_each_other_and_say_the_same(transcript: Transcript) -> None:
    plain = cues(transcript, label="[{}]:")
    found = karaoke(subtitles.srt(transcript, Layout(highlight_words=True)))
    assert all(start < end for start, end, _ in found)
    assert all(a[0] <= b[0] for a, b in pairwise(found))
    texts = {content.replace("<u>", "").replace("</u>", "") for _, _, content in found}
    assert texts == {"\n".join(cue.lines).replace("-->", "→") for cue in plain}
    assert {start for start, _, _ in found} >= {cue.start for cue in plain}


def test_speakers_may_be_left_out() -> None:
    transcript = conversation(("Hello", 0.0, 1.0), speaker="Ann")
    for name, render in subtitles.FORMATS.items():
        assert "Ann" in render(transcript, Layout()), name
        assert "Ann" not in render(transcript, Layout(speaker_labels=False)), name
