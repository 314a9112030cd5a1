"""Who is called what: voices matched with clips, one to one, above a threshold."""

import wave
from pathlib import Path

import numpy as np
import pytest

from tests.contract.scripted_engine import ScriptedEngine
from tests.unit.transcription.recordings import recording
from transcription.audio import SAMPLE_RATE, Samples
from transcription.errors import InvalidInput
from transcription.findings import Diarization, Voice
from transcription.known_speakers import named, voices
from transcription.options import KNOWN_SPEAKER_THRESHOLD, REFERENCES, Options
from transcription.pipeline import Pipeline
from transcription.transcript import Turn

TURNS = (Turn("SPEAKER_00", 0, 1), Turn("SPEAKER_01", 1, 2), Turn("SPEAKER_00", 2, 3))


def voice(degrees: float) -> tuple[float, float]:
    """A voice on a circle: as alike as the angle between two is small."""
    return float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))


def heard(*degrees: float) -> Diarization:
    embeddings = {f"SPEAKER_{index:02}": voice(each) for index, each in enumerate(degrees)}
    return Diarization(TURNS, embeddings)


def test_speakers_get_the_names_of_the_voices_they_are_like() -> None:
    found, missing = named(heard(0, 90), {"Ann": voice(85), "Bob": voice(10)})
    assert [turn.speaker for turn in found.turns] == ["Bob", "Ann", "Bob"]
    assert found.embeddings == {"Bob": voice(0), "Ann": voice(90)}
    assert missing == ()


def test_who_is_like_nobody_keeps_the_number() -> None:
    found, missing = named(heard(0, 90), {"Ann": voice(180), "Bob": voice(5)})
    assert [turn.speaker for turn in found.turns] == ["Bob", "SPEAKER_01", "Bob"]
    assert missing == ("Ann",)


def test_the_threshold_is_a_cosine() -> None:
    edge = float(np.degrees(np.arccos(KNOWN_SPEAKER_THRESHOLD)))
    assert named(heard(0), {"Ann": voice(edge - 1)})[1] == ()
    assert named(heard(0), {"Ann": voice(edge + 1)})[1] == ("Ann",)
    assert named(heard(0), {"Ann": (7 * voice(1)[0], 7 * voice(1)[1])})[1] == ()


def test_one_to_one_and_best_on_the_whole() -> None:
    # Each for itself would take Ann twice; the nearest pair first would leave the other unnamed.
    found, missing = named(heard(0, 40), {"Ann": voice(30), "Bob": voice(75)})
    assert [turn.speaker for turn in found.turns][:2] == ["Ann", "Bob"]
    assert missing == ()


def test_a_pair_below_the_threshold_displaces_nobody() -> None:
    # The largest sum of all similarities would pair both; one of these pairs is no match.
    found, missing = named(heard(0, 59), {"Ann": voice(50), "Bob": voice(170)})
    assert [turn.speaker for turn in found.turns][:2] == ["SPEAKER_00", "Ann"]
    assert missing == ("Bob",)


def test_nobody_known_changes_nothing() -> None:
    assert named(heard(0), {}) == (heard(0), ())
    assert named(Diarization(()), {"Ann": voice(0)}) == (Diarization(()), ("Ann",))


def clip(path: Path, seconds: float, loudness: float = 0.4) -> str:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        samples = np.full(int(seconds * SAMPLE_RATE), loudness * 32767)
        file.writeframes(samples.astype("<i2").tobytes())
    return str(path)


@pytest.mark.parametrize(
    ("seconds", "loudness", "reason"),
    [
        (1.9, 0.4, "shorter than 2 seconds"),
        (10.2, 0.4, "longer than the limit of 10"),
        (3.0, 0.0, "no voice"),
    ],
)
def test_unusable_clips_are_refused_by_number(
    tmp_path: Path, seconds: float, loudness: float, reason: str
) -> None:
    clips = (clip(tmp_path / "good", 3), clip(tmp_path / "bad", seconds, loudness))
    options = Options(known_speaker_names=("Ann", "Bob"), known_speaker_references=clips)
    with pytest.raises(InvalidInput, match=reason) as caught:
        voices(options, ScriptedEngine())
    assert caught.value.field == REFERENCES
    assert "clip 2" in caught.value.reason
    assert str(tmp_path) not in str(caught.value)


def test_a_clip_in_which_nobody_speaks_is_refused(tmp_path: Path) -> None:
    class Credulous(ScriptedEngine):
        """As real models: they make a vector of silence, too."""

        def embed(self, samples: Samples) -> Voice | None:
            return (1.0, 0.0)

    options = Options(
        known_speaker_names=("Ann",),
        known_speaker_references=(clip(tmp_path / "silent", 3, 0.0),),
    )
    with pytest.raises(InvalidInput, match="no voice"):
        voices(options, Credulous())


def test_what_is_no_audio_is_refused_by_number(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"no audio")
    options = Options(
        known_speaker_names=("Ann",), known_speaker_references=(str(tmp_path / "bad"),)
    )
    with pytest.raises(InvalidInput, match="clip 1") as caught:
        voices(options, ScriptedEngine())
    assert caught.value.field == REFERENCES


def test_names_are_in_the_transcript_and_who_is_missing_in_its_warnings(tmp_path: Path) -> None:
    # The scripted engine's speakers are at -45 degrees, a clip at nine times its loudness.
    near, far = np.radians(315) / 9, np.radians(100) / 9
    clips = (clip(tmp_path / "ann", 3, float(near)), clip(tmp_path / "bob", 3, float(far)))
    options = Options(
        known_speaker_names=("Ann", "Bob"), known_speaker_references=clips, chunk_size=3
    )
    transcript = Pipeline(ScriptedEngine()).transcribe(recording(2.0), options).transcript
    assert {segment.speaker for segment in transcript.segments} == {"Ann"}
    assert {word.speaker for s in transcript.segments for word in s.words} == {"Ann"}
    assert set(transcript.speaker_embeddings or {}) == {"Ann"}
    assert transcript.warnings == (
        "speaker_not_heard: Nobody in the recording was recognized as Bob.",
    )


@pytest.mark.parametrize(
    ("usual", "asked", "called"),
    [
        (0.5, None, "Ann"),
        (0.5, 0.9, "SPEAKER_00"),
        (0.9, None, "SPEAKER_00"),
        (0.9, 0.5, "Ann"),
        (0.9, 0.0, "Ann"),
    ],
)
def test_the_threshold_is_the_requests_else_the_operators(
    tmp_path: Path, usual: float, asked: float | None, called: str
) -> None:
    forty_degrees_off = float(np.radians(315 - 40)) / 9  # a cosine of 0.77
    options = Options(
        known_speaker_names=("Ann",),
        known_speaker_references=(clip(tmp_path / "ann", 3, forty_degrees_off),),
        known_speaker_threshold=asked,
    )
    pipeline = Pipeline(ScriptedEngine(), known_speaker_threshold=usual)
    transcript = pipeline.transcribe(recording(2.0), options).transcript
    assert {segment.speaker for segment in transcript.segments} == {called}


def test_embeddings_are_left_out_when_unwanted() -> None:
    options = Options(speaker_embeddings=False)
    transcript = Pipeline(ScriptedEngine()).transcribe(recording(2.0), options).transcript
    assert transcript.speaker_embeddings is None
    assert transcript.segments[0].speaker == "SPEAKER_00"
