"""Recordings of every kind, made here, decoded and probed."""

import io
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from transcription.audio import SAMPLE_RATE, decode
from transcription.audio.decode import read
from transcription.errors import InvalidAudio
from transcription.probe import probe

TONE = 440.0  # Hz
SECONDS = 1.5


def tone(rate: int, channels: int = 1, length: float = SECONDS) -> np.ndarray:
    wave = 0.5 * np.sin(2 * np.pi * TONE * np.arange(int(rate * length)) / rate)
    return np.tile((wave * 32767).astype(np.int16), (channels, 1))


def recording(
    container: str, codec: str, rate: int = 44_100, layout: str = "mono", length: float = SECONDS
) -> bytes:
    """A sine tone in the given container."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, AudioStream)
        samples = tone(rate, 1 if layout == "mono" else 2, length)
        resampler = av.AudioResampler(
            format=stream.format.name, layout=layout, rate=rate, frame_size=stream.frame_size or 0
        )
        frame = av.AudioFrame.from_ndarray(samples, format="s16p", layout=layout)
        frame.sample_rate = rate
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return file.getvalue()


def wav_of_nothing() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(SAMPLE_RATE)
    return file.getvalue()


def silent_film() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(5):
            output.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(stream.encode(None))
    return file.getvalue()


def live_webm() -> bytes:
    """WebM as browsers record it: written to a pipe, so without a duration."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += data
            return len(data)

    pipe = Pipe()
    with av.open(pipe, "w", format="webm", options={"live": "1"}) as output:
        stream = output.add_stream("libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(48_000), format="s16p", layout="mono")
        frame.sample_rate = 48_000
        resampler = av.AudioResampler(
            format=stream.format.name, layout="mono", rate=48_000, frame_size=960
        )
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return bytes(pipe.data)


def loudest_frequency(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)[spectrum.argmax()])


@pytest.mark.parametrize(
    ("container", "codec", "rate", "layout"),
    [
        ("wav", "pcm_s16le", 8_000, "mono"),
        ("wav", "pcm_s16le", 16_000, "mono"),
        ("wav", "pcm_f32le", 48_000, "stereo"),
        ("mp3", "mp3", 44_100, "stereo"),
        ("flac", "flac", 44_100, "mono"),
        ("ogg", "libopus", 48_000, "mono"),
        ("mp4", "aac", 44_100, "stereo"),
        ("webm", "libopus", 48_000, "mono"),
    ],
)
def test_becomes_16_khz_mono(
    container: str, codec: str, rate: int, layout: str, tmp_path: Path
) -> None:
    data = recording(container, codec, rate, layout)
    samples = decode(data)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert len(samples) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.1)
    assert loudest_frequency(samples) == pytest.approx(TONE, abs=2)
    assert 0.4 < np.abs(samples).max() < 0.75

    file = tmp_path / "recording"
    file.write_bytes(data)
    np.testing.assert_array_equal(decode(file), samples)
    info = probe(file)
    assert info.duration == pytest.approx(SECONDS, abs=0.1)
    assert (info.sample_rate, info.channels) == (rate, 1 if layout == "mono" else 2)
    assert info.codec in (codec, codec.removeprefix("lib"), "mp3float")


def test_a_recording_may_not_tell_its_length(tmp_path: Path) -> None:
    file = tmp_path / "live.webm"
    file.write_bytes(live_webm())
    assert probe(file).duration is None
    assert len(decode(file)) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"This is no recording. " * 40, "is a text"),
        (silent_film(), "no audio track"),
        (wav_of_nothing(), "no sound"),
        # Playlists would have FFmpeg open other files and addresses.
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n", "is a playlist"),
        (b"ffconcat version 1.0\nfile '/etc/hostname'\n", "is a playlist"),
    ],
    ids=["empty", "text", "film", "header alone", "hls", "concat"],
)
def test_what_is_no_recording_says_why(data: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "recording"
    file.write_bytes(data)
    for source in (data, file):
        with pytest.raises(InvalidAudio, match=reason) as caught:
            decode(source)
        assert caught.value.field == "audio_file"
        assert str(tmp_path) not in str(caught.value)


def test_damage_in_the_middle_is_passed_over() -> None:
    data = bytearray(recording("mp3", "mp3", length=5.0))
    middle = len(data) // 2
    data[middle : middle + 600] = bytes(600)
    assert len(decode(bytes(data))) / SAMPLE_RATE == pytest.approx(5.0, abs=0.4)


def test_too_long_is_refused_while_decoding() -> None:
    with pytest.raises(InvalidAudio, match="limit of 1 seconds"):
        decode(live_webm(), max_seconds=1)
    assert len(decode(live_webm(), max_seconds=2)) > SAMPLE_RATE


def test_numbers_that_are_none_become_silence() -> None:
    data = bytearray(recording("wav", "pcm_f32le", 16_000))
    data[-4000:-3000] = np.full(250, np.nan, dtype="<f4").tobytes()
    assert np.isfinite(decode(bytes(data))).all()


def test_the_ends_of_other_tracks_are_no_damage() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        for stream in [output.add_stream("aac", rate=16_000, layout="mono") for _ in range(3)]:
            frame = av.AudioFrame.from_ndarray(tone(16_000), format="s16p", layout="mono")
            frame.sample_rate = 16_000
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    assert read(file.getvalue(), track="1").warnings == ()
