"""The stages in their order, with an engine that follows a script."""

import itertools
import threading
from collections.abc import Iterator

import pytest

from tests.contract.scripted_engine import SENTENCES, ScriptedEngine
from tests.unit.transcription.recordings import Watched, recording
from tests.unit.transcription.test_pipeline_in_parallel import Mute
from transcription.audio import Samples
from transcription.checkpoint import Batch
from transcription.errors import InvalidAudio, InvalidInput, ModelUnavailable
from transcription.findings import Diarization, Language, Progress, Window
from transcription.notices import notice
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.transcript import Segment, Turn


def test_a_conversation_becomes_a_transcript() -> None:
    engine = Watched()
    report = Pipeline(engine).transcribe(recording(2.0, 2.0), Options(chunk_size=3))
    transcript = report.transcript
    assert [segment.text for segment in transcript.segments] == [*SENTENCES, *SENTENCES]
    assert [segment.speaker for segment in transcript.segments] == [
        "SPEAKER_00",
        "SPEAKER_00",
        "SPEAKER_01",
        "SPEAKER_01",
    ]
    assert all(word.speaker == s.speaker for s in transcript.segments for word in s.words)
    assert transcript.duration == pytest.approx(6.5)
    assert (transcript.language, transcript.language_probability) == ("en", 0.75)
    assert transcript.speaker_embeddings == {"SPEAKER_00": (0.5, -0.5), "SPEAKER_01": (0.5, -0.5)}
    assert transcript.warnings == ()
    assert report.loads == 0


def test_segments_are_told_as_they_are_recognized() -> None:
    batches: list[tuple[bool, Batch]] = []
    engine = Watched()
    report = Pipeline(engine).transcribe(
        recording(2.0, 2.0),
        Options(chunk_size=3),
        found=lambda batch: batches.append(("align" in engine.calls, batch)),
    )
    # Before the next stage was called, in order, and with the text that the transcript has.
    assert not any(aligning for aligning, _ in batches)
    segments = [segment for _, batch in batches for segment in batch.segments]
    assert [segment.start for segment in segments] == sorted(s.start for s in segments)
    assert " ".join(segment.text for segment in segments) == report.transcript.text


class Ticks:
    """A clock per thread that shows 0, 1, 2, …: threads that look do not change each other's."""

    def __init__(self) -> None:
        self.counts: dict[int, Iterator[int]] = {}

    def __call__(self) -> float:
        return float(next(self.counts.setdefault(threading.get_ident(), itertools.count())))


def test_stages_are_timed_and_so_is_the_whole() -> None:
    report = Pipeline(ScriptedEngine(), clock=Ticks()).transcribe(recording(2.0), Options())
    stages = ["decode", "find_speech", "detect_language", "recognize", "align", "diarize"]
    assert list(report.seconds) == stages
    assert set(report.seconds.values()) == {1.0}
    assert report.elapsed == 11.0  # one more than five stages that looked twice


@pytest.mark.parametrize(
    "options",
    [
        Options(),
        Options(language="en"),
        Options(align_output=False, diarization=False),
        Options(task="translate"),
    ],
)
@pytest.mark.parametrize("sound", [(), (2.0,), (2.0, 5.0, 1.0)])
def test_progress_rises_to_one(options: Options, sound: tuple[float, ...]) -> None:
    seen: list[float] = []
    Pipeline(ScriptedEngine()).transcribe(recording(*sound), options, seen.append)
    assert seen == sorted(set(seen))
    assert seen[-1] == 1.0


def test_only_what_was_asked_is_done() -> None:
    engine = Watched()
    options = Options(language="en", align_output=False, diarization=False)
    report = Pipeline(engine).transcribe(recording(2.0), options)
    assert engine.calls == ["prepare", "find_speech", "recognize"]
    (segment,) = report.transcript.segments
    assert segment.words == ()
    assert segment.speaker is None
    assert report.transcript.speaker_embeddings is None
    assert report.transcript.language_probability is None


def test_silence_is_an_empty_success() -> None:
    engine = Watched()
    transcript = Pipeline(engine).transcribe(recording(), Options()).transcript
    assert transcript.segments == ()
    assert transcript.warnings == (notice("no_speech"),)
    assert engine.calls == ["prepare", "find_speech"]
    # Nothing was heard, so nothing is known of its language.
    assert (transcript.language, transcript.language_probability) == ("en", 0.0)


def test_windows_in_which_nothing_is_said_are_no_speech() -> None:
    class Mute(ScriptedEngine):
        def say(self, window: Window, language: Language, options: Options) -> tuple[Segment, ...]:
            return ()

    transcript = Pipeline(Mute()).transcribe(recording(2.0), Options()).transcript
    assert transcript.segments == ()
    assert transcript.warnings == (notice("no_speech"),)


def test_a_language_may_be_all_that_is_asked() -> None:
    engine = Watched()
    seen: list[float] = []
    options = Options(task="detect_language")
    transcript = Pipeline(engine).transcribe(recording(2.0), options, seen.append).transcript
    assert engine.calls == ["prepare", "find_speech", "detect_language"]
    assert (transcript.language, transcript.language_probability) == (engine.language, 0.75)
    assert (transcript.segments, transcript.warnings, seen[-1]) == ((), (), 1.0)


def test_a_language_without_aligner_is_a_warning() -> None:
    options = Options(language="haw")
    transcript = Pipeline(ScriptedEngine()).transcribe(recording(2.0), options).transcript
    assert all(segment.words for segment in transcript.segments)
    assert {segment.speaker for segment in transcript.segments} == {"SPEAKER_00"}
    assert "haw" in transcript.warnings[0]


def test_a_translation_is_not_aligned() -> None:
    options = Options(task="translate")
    transcript = Pipeline(ScriptedEngine()).transcribe(recording(2.0), options).transcript
    assert transcript.warnings == (notice("not_aligned"),)
    assert transcript.segments[0].words == ()


class Deaf(ScriptedEngine):
    def diarize(self, samples: Samples, options: Options, progress: Progress) -> Diarization:
        return Diarization(())


def test_no_turns_leave_the_speakers_open() -> None:
    transcript = Pipeline(Deaf()).transcribe(recording(2.0), Options()).transcript
    assert transcript.warnings == (notice("no_speakers"),)
    assert {segment.speaker for segment in transcript.segments} == {None}


@pytest.mark.parametrize(
    ("engine", "options", "error"),
    [
        (Watched(has_diarizer=False), Options(), ModelUnavailable),
        (Watched(), Options(whisper_model="gigantic"), InvalidInput),
    ],
)
def test_what_cannot_be_done_fails_before_any_work(
    engine: Watched, options: Options, error: type[Exception]
) -> None:
    with pytest.raises(error):
        Pipeline(engine).transcribe(b"not even looked at", options)
    assert engine.calls == ["prepare"]


def test_recordings_have_a_limit() -> None:
    with pytest.raises(InvalidAudio, match="limit of 2 seconds"):
        Pipeline(ScriptedEngine(), max_seconds=2).transcribe(recording(2.0), Options())


def test_speech_without_words_is_an_empty_transcript() -> None:
    transcript = Pipeline(Mute()).transcribe(recording(2.0), Options()).transcript
    assert transcript.segments == ()
    assert transcript.text == ""


def test_speakers_share_a_window_in_a_language_without_aligner() -> None:
    class Dialogue(ScriptedEngine):
        def diarize(self, samples: Samples, options: Options, progress: Progress) -> Diarization:
            (window,) = self.find_speech(samples, options)
            middle = (window.start + window.end) / 2
            return Diarization(
                (Turn("B", window.start, middle), Turn("A", middle, window.end)),
            )

    early: list[Batch] = []
    report = Pipeline(Dialogue()).transcribe(
        recording(4.0), Options(language="haw"), found=early.append
    )
    assert [segment.speaker for segment in report.transcript.segments] == ["B", "A"]
    assert all(segment.words for segment in report.transcript.segments)
    assert [segment.speaker for batch in early for segment in batch.segments] == [None]
    (warning,) = report.transcript.warnings
    assert "haw" in warning
