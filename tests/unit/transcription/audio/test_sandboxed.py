"""A sandbox decodes to the same samples, to the bit, and refuses in the same words."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from evaluation.sounds import as_wav
from tests.fixtures.media import Voice, bursts, film
from tests.fuzz.decoding import KINDS, Kind, damaged, whole
from transcription.audio import SAMPLE_RATE, Recording, read
from transcription.audio.sandboxed import Decoder
from transcription.errors import InvalidAudio, InvalidInput

SPEECH = bursts([0.2, 0.7], 1.0, SAMPLE_RATE)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    found = Decoder()
    yield found
    found.close()


def outcome(decode: Callable[[], Recording]) -> tuple[bytes | str, ...]:
    try:
        recording = decode()
    except InvalidInput as error:
        return type(error).__name__, error.field, error.reason
    return recording.samples.tobytes(), *recording.warnings


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_format_whole_and_damaged(decoder: Decoder, kind: Kind, tmp_path: Path) -> None:
    for data in (whole(kind)[0], damaged(kind, 0)[0], damaged(kind, 1)[0]):
        file = tmp_path / f"recording.{kind.container}"
        file.write_bytes(data)
        expected = outcome(lambda file=file: read(file))  # type: ignore[misc]
        assert outcome(lambda file=file: decoder.read(file)) == expected  # type: ignore[misc]
        found = outcome(lambda data=data: decoder.read(data))  # type: ignore[misc]
        assert found == outcome(lambda data=data: read(data))  # type: ignore[misc]


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_f32le", "pcm_u8", "flac"])
@pytest.mark.parametrize("channel", [None, 0, 1])
def test_one_channel_of_several_is_handed_over(
    decoder: Decoder, codec: str, channel: int | None
) -> None:
    """The loudest, where they cancel each other; at the models' rate, where nothing is copied."""
    sound = np.stack([SPEECH, -SPEECH])
    data = film("matroska", Voice(sound, codec, rate=SAMPLE_RATE, layout="stereo"))
    expected = outcome(lambda: read(data, channel=channel))
    assert len(expected[0]) > SAMPLE_RATE
    assert outcome(lambda: decoder.read(data, channel=channel)) == expected


@pytest.mark.parametrize("data", [b"", b"<html></html>", b"RIFF\x00\x00\x00\x00WAVE", b"text"])
def test_what_is_no_recording_is_refused_alike(decoder: Decoder, data: bytes) -> None:
    assert outcome(lambda: decoder.read(data)) == outcome(lambda: read(data))


def test_bounds_and_tracks_are_refused_alike(decoder: Decoder) -> None:
    data = whole(KINDS[0])[0]
    with pytest.raises(InvalidInput, match="audio_track: 2"):
        decoder.read(data, track="2")
    with pytest.raises(InvalidAudio, match="longer than the limit of 2 seconds"):
        decoder.read(data, max_seconds=2.0)


def test_models_may_write_into_the_samples(decoder: Decoder) -> None:
    samples = decoder.read(whole(KINDS[0])[0]).samples
    samples[:] = 0.0
    assert not samples.any()


def test_how_long_a_recording_is_without_decoding_it(decoder: Decoder, tmp_path: Path) -> None:
    silence = np.zeros(3 * SAMPLE_RATE, np.float32)
    file = tmp_path / "stereo.wav"
    file.write_bytes(as_wav(silence, silence))
    assert decoder.seconds(file, None, apart=False) == 3.0
    assert decoder.seconds(file, "1", apart=True) == 6.0
    with pytest.raises(InvalidInput, match="audio_track: 2"):
        decoder.seconds(file, "2", apart=False)
    file.write_bytes(b"text")
    with pytest.raises(InvalidAudio):
        decoder.seconds(file, None, apart=False)
