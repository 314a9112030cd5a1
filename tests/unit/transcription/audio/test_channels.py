"""No channel is lost: neither where nobody says what it is, nor where they cancel each other."""

import io
import wave

import numpy as np
import pytest

from tests.fixtures.media import RATE, Sound, Voice, bursts, film, onsets
from transcription.audio import read

TIMES = [0.5, 1.5]
SPEECH = bursts(TIMES, 2.0)


def wav(channels: Sound) -> bytes:
    """Plain PCM without a channel mask, as recorders of many microphones write it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(len(channels))
        output.setsampwidth(2)
        output.setframerate(RATE)
        output.writeframes((channels.T * 32767).astype("<i2").tobytes())
    return file.getvalue()


def alone(number: int, of: int) -> Sound:
    """Speech on one channel, silence on the others."""
    channels = np.zeros((of, SPEECH.size), dtype=np.float32)
    channels[number] = SPEECH
    return channels


def codes(warnings: tuple[str, ...]) -> list[str]:
    return [warning.partition(":")[0] for warning in warnings]


@pytest.mark.parametrize(
    ("number", "of"),
    [
        (1, 2),
        (3, 4),
        *((number, 6) for number in range(6)),
        (3, 8),
        (7, 8),
        (11, 16),
        (31, 32),
        (63, 64),
    ],
)
def test_speech_on_any_channel_is_heard(number: int, of: int) -> None:
    recording = read(wav(alone(number, of)))
    assert onsets(recording.samples) == pytest.approx(TIMES, abs=0.01)
    assert np.abs(recording.samples).max() == pytest.approx(0.5 / of, rel=0.1)
    assert codes(recording.warnings) == (["channels_unnamed"] if of > 2 else [])


@pytest.mark.parametrize(
    ("container", "codec", "layout"),
    [
        ("mp4", "aac", "5.1"),
        ("mp4", "aac", "7.1"),
        ("flac", "flac", "7.1"),
        ("ogg", "libopus", "7.1"),
        ("ac3", "ac3", "5.1"),
        ("matroska", "wavpack", "7.1"),
        ("mov", "pcm_s24le", "5.1"),
        ("wav", "pcm_f64le", "quad"),
    ],
)
def test_named_channels_are_mixed_as_films_are(container: str, codec: str, layout: str) -> None:
    count = {"5.1": 6, "7.1": 8, "quad": 4}[layout]
    for number in (2, count - 1):
        recording = read(film(container, Voice(alone(number, count), codec, layout=layout)))
        assert onsets(recording.samples)[:2] == pytest.approx(TIMES, abs=0.03)
        assert recording.warnings == ()


def test_the_middle_of_a_film_is_loudest() -> None:
    front, middle = (
        np.abs(read(film("flac", Voice(alone(number, 6), "flac", layout="5.1"))).samples).max()
        for number in (0, 2)
    )
    assert middle > 1.3 * front


def test_a_channel_that_films_leave_out_is_heard_where_nothing_else_is() -> None:
    recording = read(film("flac", Voice(alone(3, 6), "flac", layout="5.1")))
    assert onsets(recording.samples) == pytest.approx(TIMES, abs=0.01)
    assert codes(recording.warnings) == ["channels_cancelled"]


@pytest.mark.parametrize(
    ("container", "codec"),
    [("wav", "pcm_s16le"), ("flac", "flac"), ("mp4", "alac"), ("mp4", "aac")],
)
def test_channels_that_cancel_each_other_are_not_mixed(container: str, codec: str) -> None:
    against = np.stack([SPEECH, -SPEECH])
    recording = read(film(container, Voice(against, codec, layout="stereo")))
    assert onsets(recording.samples)[:2] == pytest.approx(TIMES, abs=0.03)
    assert np.abs(recording.samples).max() == pytest.approx(0.5, rel=0.1)
    assert codes(recording.warnings) == ["channels_cancelled"]


def test_one_voice_that_cancels_beside_one_that_does_not_is_heard() -> None:
    other = bursts([1.0], 2.0, pitch=300.0)
    recording = read(wav(np.stack([SPEECH + other, other - SPEECH])))
    assert onsets(recording.samples) == pytest.approx([0.5, 1.0, 1.5], abs=0.02)


def test_two_voices_on_two_channels_are_mixed_alike() -> None:
    other = bursts([1.0], 2.0, pitch=300.0)
    recording = read(wav(np.stack([SPEECH, other])))
    assert onsets(recording.samples) == pytest.approx([0.5, 1.0, 1.5], abs=0.01)
    assert np.abs(recording.samples).max() == pytest.approx(0.25, rel=0.05)
    assert recording.warnings == ()
