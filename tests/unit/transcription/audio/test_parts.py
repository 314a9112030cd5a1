"""Files that hold several recordings, and files whose end did not arrive."""

from pathlib import Path

import pytest

from tests.fixtures.media import Voice, bursts, film, onsets
from transcription.audio import read
from transcription.errors import InvalidAudio
from transcription.probe import probe

FIRST, SECOND = bursts([0.5, 1.5], 2.0), bursts([0.3, 1.2], 2.0, pitch=300.0)
BOTH = [0.5, 1.5, 2.3, 3.2]
KINDS = [
    ("wav", "pcm_s16le"),
    ("wav", "adpcm_ima_wav"),
    ("w64", "pcm_s16le"),
    ("avi", "mp3"),
    ("aiff", "pcm_s16be"),
    ("au", "pcm_mulaw"),
    ("caf", "alac"),
    ("mp4", "aac"),
    ("mov", "alac"),
    ("flv", "aac"),
    ("flac", "flac"),
    ("ogg", "libopus"),
    ("wv", "wavpack"),
    ("tta", "tta"),
    ("asf", "mp3"),
]
# FFmpeg reads on by itself.
ROWS = [("matroska", "aac"), ("webm", "libopus")]
ROWS += [("mp3", "libmp3lame"), ("adts", "aac"), ("ac3", "ac3"), ("mpegts", "mp2")]


def codes(warnings: tuple[str, ...]) -> list[str]:
    return [warning.partition(":")[0] for warning in warnings]


@pytest.mark.parametrize(("container", "codec"), [*KINDS, *ROWS])
def test_recordings_in_one_file_are_heard_one_after_the_other(
    container: str, codec: str, tmp_path: Path
) -> None:
    data = film(container, Voice(FIRST, codec)) + film(container, Voice(SECOND, codec))
    file = tmp_path / "recording"
    file.write_bytes(data)
    for source in (data, file):
        recording = read(source)
        assert onsets(recording.samples) == pytest.approx(BOTH, abs=0.07)
        several = "several_recordings" in codes(recording.warnings)
        assert several == ((container, codec) in KINDS)
    if (container, codec) in KINDS:
        assert probe(file).duration == pytest.approx(4.0, abs=0.2)
        with pytest.raises(InvalidAudio, match="limit of 3 seconds"):
            read(file, max_seconds=3)


def test_joined_recordings_may_differ() -> None:
    data = b"".join(
        film("wav", Voice(bursts([0.5], 1.0, rate), "pcm_s16le", rate=rate))
        for rate in (8_000, 44_100, 48_000)
    )
    recording = read(data)
    assert onsets(recording.samples) == pytest.approx([0.5, 1.5, 2.5], abs=0.01)
    assert recording.warnings[0].startswith("several_recordings: The file holds 3 recordings")


def test_joined_streams_may_differ_in_codec_rate_and_channels() -> None:
    stereo = bursts([0.5], 1.0, 44_100)[None].repeat(2, axis=0)
    data = b"".join(
        film("ogg", voice)
        for voice in (
            Voice(stereo, "flac", rate=44_100, layout="stereo"),
            Voice(bursts([0.5], 1.0), "libopus"),
            Voice(bursts([0.5], 1.0, 16_000), "flac", rate=16_000),
        )
    )
    recording = read(data)
    assert onsets(recording.samples) == pytest.approx([0.5, 1.5, 2.5], abs=0.03)
    assert codes(recording.warnings) == ["several_recordings"]


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", bytes(4)])
def test_streamed_recordings_say_no_length(length: bytes, tmp_path: Path) -> None:
    """A WAV file that was written to a pipe: its head was never completed."""
    parts = []
    for sound in (FIRST, SECOND):
        data = bytearray(film("wav", Voice(sound, "pcm_s16le")))
        place = data.index(b"data") + 4
        data[4:8] = data[place : place + 4] = length
        parts.append(bytes(data))
    file = tmp_path / "recording"
    for content, right in ((parts[0], BOTH[:2]), (b"".join(parts), BOTH)):
        file.write_bytes(content)
        for source in (content, file):
            recording = read(source)
            assert onsets(recording.samples) == pytest.approx(right, abs=0.01)
            assert "cut_short" not in codes(recording.warnings)


@pytest.mark.parametrize(
    ("container", "codec", "place", "length"),
    [
        ("au", "pcm_mulaw", 8, b"\xff" * 4),
        ("w64", "pcm_s16le", 16, b"\xff" * 7 + b"\x7f"),
        ("asf", "mp3", None, b"\xff" * 8),
    ],
)
def test_other_heads_that_were_never_completed(
    container: str, codec: str, place: int | None, length: bytes
) -> None:
    data = bytearray(film(container, Voice(FIRST, codec)))
    if place is None:  # of the file's size, in an object of the head
        place = data.index(b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11") + 40
    data[place : place + len(length)] = length
    recording = read(bytes(data))
    assert onsets(recording.samples) == pytest.approx(BOTH[:2], abs=0.07)
    assert recording.warnings == ()


CUT = [
    *(kind for kind in KINDS if kind[1] not in {"aac", "alac", "libopus"}),
    ("matroska", "aac"),
    ("webm", "libopus"),
    ("flv", "aac"),
    ("mp3", "libmp3lame"),
]


@pytest.mark.parametrize(("container", "codec"), CUT)
def test_a_missing_end_is_told(container: str, codec: str) -> None:
    data = film(container, Voice(bursts([0.5, 1.5, 2.5, 3.5], 4.0), codec))
    assert "cut_short" not in codes(read(data).warnings)
    recording = read(data[: round(len(data) * 0.6)])
    (warning,) = (each for each in recording.warnings if each.startswith("cut_short"))
    assert warning.startswith(("cut_short: The file says 4.", "cut_short: The file says 3.9"))
    assert onsets(recording.samples)[0] == pytest.approx(0.5, abs=0.03)


def test_what_looks_like_another_track_of_a_cut_file_is_not_counted() -> None:
    data = film("flv", Voice(bursts([0.5, 1.5, 2.5, 3.5], 4.0), "aac"))
    for share in range(50, 100, 2):
        found = codes(read(data[: len(data) * share // 100]).warnings)
        assert "several_tracks" not in found


def test_a_picture_that_lasts_longer_than_the_sound_is_no_missing_end() -> None:
    for container in ("matroska", "mp4", "flv"):
        codec = "aac"
        pictures = None if container == "flv" else (0.0, 6.0)
        recording = read(film(container, Voice(FIRST, codec), video=pictures))
        assert recording.warnings == ()
