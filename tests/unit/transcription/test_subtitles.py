"""Every format is valid and complete, whatever the transcript holds; parsers by others say so."""

import io
import math
import re
from itertools import pairwise

import pytest
import srt as subrip
import webvtt
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transcription import subtitles
from transcription.subtitles import LINES, LONGEST, NARROW, WIDE, cues
from transcription.transcript import Segment, Transcript, Word

# Words as they are spoken in many scripts, and text that looks like markup, times or line ends.
texts = st.text(max_size=120) | st.sampled_from(
    [
        "",
        "-->",
        "1\n00:00:01,000 --> 00:00:02,000",
        "\n\nNOTE <b>bold</b> & <c.red>",
        "WEBVTT",
        "</v>",
        "a\u2028b\x0bc\x00d",
        "こんにちは、世界。" * 6,
        "정말 좋은 아침입니다 " * 6,
        "x" * 200,
        "It cost 2.250 € — 30 % more than 1999! " * 5,
    ]
)
times = st.floats(0, 1e5) | st.sampled_from([59.9996, 3599.9999, 0.0, 1e-9])
# What other predictors have sent: nothing, or no number.
broken_times = times | st.sampled_from([math.nan, math.inf, -1.0]) | st.none()
# A busy machine is slow at times.
few = settings(max_examples=50)
speakers = st.none() | st.integers(0, 99).map(lambda n: f"SPEAKER_{n:02}") | texts


def segments(moments: st.SearchStrategy[float | None]) -> st.SearchStrategy[Segment]:
    words = st.builds(Word, texts, moments, moments, st.none() | st.floats(0, 1))
    free = st.builds(Segment, texts, moments, moments, st.lists(words, max_size=6).map(tuple))
    return st.builds(_with_words, free, st.booleans(), speakers)


def _with_words(segment: Segment, own: bool, speaker: str | None) -> Segment:
    """Mostly, words are those of the text."""
    words = segment.words
    if own:
        words = tuple(Word(text, segment.start, segment.end) for text in segment.text.split())
    return Segment(segment.text, segment.start, segment.end, words, speaker)


transcripts = st.lists(segments(broken_times), max_size=6).map(
    lambda found: Transcript(tuple(found), "en", 10.0)
)


def one(text: str, start: float = 0.0, end: float = 1.0, **more: object) -> Transcript:
    return Transcript((Segment(text, start, end, **more),), "en", 1.0)  # type: ignore[arg-type]


def said(transcript: Transcript) -> str:
    """All that is spoken, without spaces and control characters."""
    return "".join(re.sub(r"\s", "", subtitles._clean(s.text)) for s in transcript.segments)


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@few
@given(transcripts)
@example(one("over the minute", 59.9996, 3599.9999))
@example(one("", 0.0, 0.0))
def test_srt_is_read_by_a_strict_parser_and_holds_every_word(transcript: Transcript) -> None:
    found = list(subrip.parse(subtitles.srt(transcript), ignore_errors=False))
    shown = cues(transcript)
    assert [cue.index for cue in found] == list(range(1, len(shown) + 1))
    for cue, expected in zip(found, shown, strict=True):
        assert cue.start.total_seconds() == pytest.approx(expected.start / 1000)
        assert cue.end.total_seconds() == pytest.approx(expected.end / 1000)
        assert cue.content == subtitles._srt_text(expected).strip()


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
        assert (cue.voice or "") == subtitles._escaped(subtitles._clean(expected.speaker or ""))
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


@few
@given(transcripts)
def test_no_word_is_lost_or_told_twice(transcript: Transcript) -> None:
    shown = "".join(line for cue in cues(transcript) for line in cue.lines)
    assert squeezed(shown) == said(transcript)


@few
@given(transcripts)
def test_cues_last_and_never_go_back(transcript: Transcript) -> None:
    found = cues(transcript)
    assert all(0 <= cue.start < cue.end for cue in found)
    assert all(a.start <= b.start for a, b in pairwise(found))


@few
@given(transcripts)
def test_lines_fit_the_screen(transcript: Transcript) -> None:
    for cue in cues(transcript):
        assert 1 <= len(cue.lines) <= LINES
        for line in cue.lines:
            assert line == line.strip()
            # Only what cannot be broken is longer.
            assert subtitles._width(line) <= NARROW * WIDE or " " not in line


def test_chinese_lines_are_shorter_and_need_no_spaces() -> None:
    text = "今天天气很好我们一起去公园散步吧然后再去吃饭看电影最后回家睡觉"
    (cue,) = cues(one(text))
    assert cue.lines == (text[:WIDE], text[WIDE:])
    assert len(cues(one(text * 2))) == 2


def test_punctuation_begins_no_line() -> None:
    (cue,) = cues(one("好" * (WIDE - 1) + "吗。" + "好"))
    assert not cue.lines[1].startswith("。")
    text = "right"
    (cue,) = cues(one(f"{text}.", words=(Word(text, 0.0, 0.5),)))
    assert cue.lines == ("right.",)


def test_long_speech_is_cut_by_the_times_of_its_words() -> None:
    words = tuple(Word(f"word{n}", float(n), n + 0.8) for n in range(20))
    found = cues(one(" ".join(word.text for word in words), 0.0, 20.0, words=words))
    assert found[0].lines == ("word0 word1 word2 word3 word4 word5 word6",)
    assert [(cue.start, cue.end) for cue in found][:2] == [(0, 6800), (7000, 13800)]
    assert all(cue.end - cue.start <= LONGEST for cue in found)


def test_words_that_the_text_does_not_hold_leave_it_as_it_is() -> None:
    found = cues(one("what was said", 1.0, 2.0, words=(Word("other", 1.0, 2.0),)))
    assert [(cue.start, cue.end, cue.lines) for cue in found] == [(1000, 2000, ("what was said",))]


@pytest.mark.parametrize(
    ("moment", "clock"),
    [(59.9996, "00:01:00,000"), (3599.9999, "01:00:00,000"), (360000.0, "100:00:00,000")],
)
def test_times_roll_over(moment: float, clock: str) -> None:
    assert f"\n{clock} --> " in subtitles.srt(one("x", moment, moment + 1))


def test_nothing_said_is_a_valid_file() -> None:
    silence = Transcript((), "en", 3.0)
    assert {name: render(silence) for name, render in subtitles.FORMATS.items()} == {
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
    assert len(lines) == len([s for s in transcript.segments if subtitles._clean(s.text)])
