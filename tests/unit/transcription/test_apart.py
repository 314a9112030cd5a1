"""Channels that are heard apart, and languages that every window has of its own."""

import io
import wave
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.contract.scripted_engine import ScriptedEngine
from tests.unit.transcription.recordings import Watched, recording
from transcription.apart import Sound, heard
from transcription.audio import SAMPLE_RATE, read
from transcription.checkpoint import Batch
from transcription.errors import InvalidAudio, InvalidInput
from transcription.findings import Language, Window
from transcription.notices import notice
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.spoken import by_language, prevailing
from transcription.transcript import Segment

SEPARATE = Options(channels="separate", chunk_size=3)


def channels(*spans: Sequence[tuple[float, float]], end: float = 6.0) -> bytes:
    """A recording with a channel for each; there is noise in its spans."""
    random = np.random.default_rng(0)
    rows = np.zeros((len(spans), int(end * SAMPLE_RATE)))
    for row, own in zip(rows, spans, strict=True):
        for start, stop in own:
            inside = slice(int(start * SAMPLE_RATE), int(stop * SAMPLE_RATE))
            row[inside] = random.uniform(-0.5, 0.5, inside.stop - inside.start)
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams((len(spans), 2, SAMPLE_RATE, 0, "NONE", ""))
        output.writeframes((rows.T * 32767).astype("<i2").tobytes())
    return file.getvalue()


def test_one_channel_is_read_alone() -> None:
    both = channels([(1.0, 2.0)], [(3.0, 4.0)])
    for channel, (start, stop) in enumerate([(1, 2), (3, 4)]):
        found = read(both, channel=channel)
        loud = np.flatnonzero(np.abs(found.samples) > 0.01) / SAMPLE_RATE
        assert (round(loud[0]), round(loud[-1])) == (start, stop)
        assert found.channels == 2
    assert np.abs(read(both, channel=0).samples).max() == pytest.approx(0.5, abs=0.01)
    assert not read(both, channel=2).samples.any()
    assert read(recording(1.0)).channels == 1


def test_both_at_once_lose_nothing() -> None:
    engine = Watched()
    source = channels([(1.0, 2.5)], [(1.5, 3.0), (5.0, 5.5)])
    report = Pipeline(engine).transcribe(source, SEPARATE)
    said = [(s.text, s.channel, s.speaker) for s in report.transcript.segments]
    first, second = (1, "SPEAKER_00"), (2, "SPEAKER_01")
    assert said[:1] == [("Good morning.", *first)]
    assert sorted(said, key=lambda each: each[1:]) == [
        ("Good morning.", *first), ("How are you?", *first),
        ("Good morning.", *second), ("How are you?", *second),
        ("Good morning.", *second), ("How are you?", *second),
    ]  # fmt: skip
    starts = [segment.start for segment in report.transcript.segments]
    assert starts == sorted(starts)
    assert starts[-1] < 6.0
    assert report.transcript.duration == 6.0
    words = [word for s in report.transcript.segments for word in s.words]
    assert all(word.speaker and word.end <= 6.0 for word in words)
    assert "diarize" not in engine.calls


def test_no_diarizer_is_needed_and_no_speaker_named_where_nobody_asks() -> None:
    source = channels([(1.0, 2.0)], [(3.0, 4.0)])
    engine = ScriptedEngine(has_diarizer=False)
    asked = Options(channels="separate", diarization=False)
    for options, speakers in ((SEPARATE, {"SPEAKER_00", "SPEAKER_01"}), (asked, {None})):
        transcript = Pipeline(engine).transcribe(source, options).transcript
        assert {segment.speaker for segment in transcript.segments} == speakers
        assert {segment.channel for segment in transcript.segments} == {1, 2}


def test_what_is_told_early_has_the_recordings_times_and_can_be_gone_on_behind() -> None:
    source = channels([(1.0, 2.0), (4.0, 5.0)], [(2.5, 3.5)])
    batches: list[Batch] = []
    whole = Pipeline(ScriptedEngine()).transcribe(source, SEPARATE, found=batches.append).transcript
    early = [segment for batch in batches for segment in batch.segments]
    assert [segment.channel for segment in early] == [1, 2, 1]
    assert [segment.start for segment in early] == pytest.approx([1.0, 2.5, 4.0], abs=0.1)
    resumed = Pipeline(ScriptedEngine()).transcribe(source, SEPARATE, earlier=batches[:2])
    assert resumed.resumed == 2
    assert resumed.transcript.text == whole.text
    for one, other in zip(whole.segments, resumed.transcript.segments, strict=True):
        assert one.channel == other.channel
        assert one.start == pytest.approx(other.start)


def test_channels_that_hold_the_same_are_one_speaker() -> None:
    mono = np.frombuffer(recording(1.0)[44:], "<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams((2, 2, SAMPLE_RATE, 0, "NONE", ""))
        output.writeframes(np.stack([mono, mono], axis=1).tobytes())
    transcript = Pipeline(ScriptedEngine()).transcribe(file.getvalue(), SEPARATE).transcript
    assert {segment.channel for segment in transcript.segments} == {1}
    assert len(transcript.segments) == 2
    assert notice("one_channel") in transcript.warnings


def test_the_limit_counts_the_seconds_of_all_channels() -> None:
    source = channels([(1.0, 2.0)], [(3.0, 4.0)])
    assert heard(read, source, Options(), 6.0).channels == 1
    with pytest.raises(InvalidAudio, match="longer"):
        heard(read, source, SEPARATE, 11.9)
    assert heard(read, source, SEPARATE, 12.0).channels == 2


def test_a_segment_is_laid_where_it_was_told_from() -> None:
    sound = Sound(np.zeros(4 * SAMPLE_RATE, np.float32), channels=2, apart=True)
    laid = Segment("a", 2.5, 3.0)
    placed = sound.placed(laid, speakers=True)
    assert (placed.start, placed.end, placed.channel, placed.speaker) == (0.5, 1.0, 2, "SPEAKER_01")
    assert (sound.laid(placed).start, sound.laid(placed).end) == (2.5, 3.0)
    assert sound.placed(Segment("b", 2.0, 2.1), speakers=False).channel == 2


def test_windows_come_in_the_order_in_which_they_are_said() -> None:
    found = iter([[Window(0, 1), Window(3, 4)], [Window(2, 3)]])
    sound = Sound(np.zeros(10 * SAMPLE_RATE, np.float32), channels=2, apart=True)
    assert sound.windows(lambda _: next(found)) == [Window(0, 1), Window(7, 8), Window(3, 4)]


@pytest.mark.parametrize(
    ("inputs", "field"),
    [
        ({"channels": "separate", "num_speakers": 2}, "num_speakers"),
        ({"channels": "separate", "max_speakers": 2}, "max_speakers"),
        ({"channels": "separate", "audio_track": "mix"}, "audio_track"),
        ({"multilingual": True, "language": "de"}, "multilingual"),
        ({"multilingual": True, "align_model": "x"}, "align_model"),
    ],
)
def test_what_cannot_be_asked_together(inputs: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Options.from_inputs(inputs)
    assert caught.value.field == field


class Polyglot(ScriptedEngine):
    """English, then Spanish, which has no aligner."""

    def say(self, window: Window, language: Language, options: Options) -> Sequence[Segment]:
        own = "en" if window.start < 3 else "es"
        (said,) = super().say(window, language, options)
        return [Segment(said.text, said.start, said.end, language=own)]

    def detect_language(self, *_: Any) -> Language:
        raise AssertionError("the languages are the windows'")


def test_every_window_has_its_language() -> None:
    source = channels([(1.0, 2.0), (4.0, 6.0)], end=7.0)
    asked = Options(multilingual=True, chunk_size=3, diarization=False)
    transcript = Pipeline(Polyglot()).transcribe(source, asked).transcript
    assert [segment.language for segment in transcript.segments] == ["en", "en", "es"]
    assert (transcript.language, transcript.language_probability) == ("es", None)
    assert transcript.warnings == ("No alignment model for 'es'.",)


def test_the_language_in_which_most_is_said() -> None:
    said = [
        Segment("a", 0, 2, language="en"),
        Segment("b", 2, 5, language="fr"),
        Segment("c", 5, 6),
    ]
    assert [(code, len(own)) for code, own in by_language(said, Language("en"))] == [
        ("en", 2), ("fr", 1),
    ]  # fmt: skip
    assert prevailing(said[:2], Language("en")).code == "fr"
    assert prevailing([], Language("de")).code == "de"
