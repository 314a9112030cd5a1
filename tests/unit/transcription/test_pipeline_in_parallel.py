"""Diarization beside recognition, with an engine that follows a script."""

import threading
from collections.abc import Sequence

import pytest

from tests.contract.scripted_engine import ScriptedEngine
from tests.unit.transcription.recordings import recording
from transcription.audio import Samples
from transcription.errors import OutOfMemory
from transcription.findings import Diarization, Language, Progress, Window
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.transcript import Segment


class Mute(ScriptedEngine):
    def say(self, window: Window, language: Language, options: Options) -> Sequence[Segment]:
        return ()


class Meeting(ScriptedEngine):
    """Recognizes only once diarization has begun, diarizes until it may end."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may_end, self.ended = (threading.Event() for _ in range(3))
        self.error: Exception | None = None

    def say(self, window: Window, language: Language, options: Options) -> Sequence[Segment]:
        assert self.begun.wait(10)
        return super().say(window, language, options)

    def diarize(self, samples: Samples, options: Options, progress: Progress) -> Diarization:
        try:
            self.begun.set()
            if self.error is not None:
                raise self.error
            while not self.may_end.wait(0.001):
                progress(0.5)
            return super().diarize(samples, options, progress)
        finally:
            self.ended.set()


def test_diarization_runs_while_recognition_does() -> None:
    engine = Meeting()
    here, threads = threading.get_ident(), set()

    def watch(_share: float) -> None:
        threads.add(threading.get_ident())
        engine.may_end.set()

    report = Pipeline(engine).transcribe(recording(2.0), Options(), watch)
    assert {segment.speaker for segment in report.transcript.segments} == {"SPEAKER_00"}
    assert threads == {here}


class Canceled(BaseException):
    """As Cog's own, no Exception."""


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_a_canceled_transcription_leaves_no_diarization_behind(share: float) -> None:
    engine = Meeting()

    def cancel(reached: float) -> None:
        if reached >= share:
            raise Canceled

    before = threading.active_count()
    with pytest.raises(Canceled):
        Pipeline(engine).transcribe(recording(2.0), Options(), cancel)
    assert engine.ended.is_set()
    assert threading.active_count() == before


def test_speech_without_words_does_not_wait_for_its_speakers() -> None:
    class MuteMeeting(Meeting):
        say = Mute.say

    engine = MuteMeeting()
    assert Pipeline(engine).transcribe(recording(2.0), Options()).transcript.segments == ()
    assert engine.ended.is_set()


def test_a_failed_diarization_fails_the_transcription() -> None:
    engine = Meeting()
    engine.error = OutOfMemory("too long")
    with pytest.raises(OutOfMemory, match="too long"):
        Pipeline(engine).transcribe(recording(2.0), Options())
