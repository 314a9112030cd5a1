"""Files whose clock counts: audio that begins late, gaps, clocks that are set anew."""

import itertools

import numpy as np
import pytest

from tests.fixtures.media import Voice, bursts, film, onsets
from transcription.audio import read

TIMES = [0.5, 1.5, 2.5, 3.5]
SOUND = bursts(TIMES, 4.0)
CONTAINERS = [
    ("matroska", "aac"),
    ("matroska", "libopus"),
    ("matroska", "wavpack"),
    ("mp4", "aac"),
    ("mp4", "flac"),
    ("mov", "alac"),
    ("3gp", "aac"),
    ("mpegts", "aac"),
    ("mpegts", "mp2"),
    ("mpegts", "ac3"),
    ("mpeg", "mp2"),
    ("avi", "ac3"),
    ("avi", "aac"),
    ("nut", "mp3"),
    ("asf", "mp3"),
]


@pytest.mark.parametrize(
    ("container", "codec"),
    [*CONTAINERS, ("ogg", "libopus"), ("flv", "aac"), ("avi", "mp3")],
)
def test_nothing_is_added_to_a_clock_without_gaps(container: str, codec: str) -> None:
    recording = read(film(container, Voice(SOUND, codec)))
    assert recording.warnings == ()
    assert onsets(recording.samples) == pytest.approx(TIMES, abs=0.025)


def test_vorbis_in_avi_is_heard_though_its_chunks_tell_no_time() -> None:
    both = np.stack([SOUND, SOUND])  # FFmpeg's own encoder knows nothing but stereo
    vorbis = Voice(both, "vorbis", layout="stereo", options={"strict": "experimental"})
    recording = read(film("avi", vorbis))
    assert recording.warnings == ()
    assert onsets(recording.samples) == pytest.approx(TIMES, abs=0.025)
    assert len(recording.samples) / 16_000 == pytest.approx(4.0, abs=0.02)


@pytest.mark.parametrize(("container", "codec"), CONTAINERS)
def test_audio_that_begins_after_the_picture_is_not_early(container: str, codec: str) -> None:
    recording = read(film(container, Voice(SOUND, codec, start=3.0), video=(0, 7)))
    assert onsets(recording.samples) == pytest.approx([3 + time for time in TIMES], abs=0.025)
    (warning,) = recording.warnings
    assert warning.startswith("silence_added: 3.0 s")


@pytest.mark.parametrize("container", ["mpegts", "matroska"])
def test_a_picture_that_begins_late_moves_nothing(container: str) -> None:
    recording = read(film(container, Voice(SOUND, "mp2"), video=(2, 4)))
    assert onsets(recording.samples) == pytest.approx(TIMES, abs=0.025)


@pytest.mark.parametrize(
    ("container", "codec"), [*CONTAINERS, ("ogg", "libopus"), ("webm", "libopus"), ("flv", "aac")]
)
def test_gaps_are_silence(container: str, codec: str) -> None:
    gaps = [(1.0, 2.0), (3.0, 0.5)]
    # Ogg tells the time once a page, so a gap stands where the next page begins.
    pages = {"page_duration": "20000"} if container == "ogg" else {}
    recording = read(film(container, Voice(SOUND, codec, gaps=gaps), options=pages))
    near = 0.07 if container == "avi" else 0.03  # it counts whole packets
    assert onsets(recording.samples) == pytest.approx([0.5, 3.5, 4.5, 6.0], abs=near)
    assert len(recording.samples) / 16_000 == pytest.approx(6.5, abs=0.02 + near)
    (warning,) = recording.warnings
    assert warning.startswith(("silence_added: 2.5 s", "silence_added: 2.4 s"))


def test_a_gap_beyond_the_limit_is_not_filled() -> None:
    data = film("matroska", Voice(SOUND, "aac", gaps=[(2.0, 50_000.0)]))
    recording = read(data)
    assert onsets(recording.samples) == pytest.approx(TIMES, abs=0.025)
    assert [warning.partition(":")[0] for warning in recording.warnings] == ["clock_jumped"]


@pytest.mark.parametrize("start", [3.0, 70_000.0])
def test_a_broadcast_begins_with_its_first_sound(start: float) -> None:
    recording = read(film("mpegts", Voice(SOUND, "mp2", start=start)))
    assert onsets(recording.samples) == pytest.approx(TIMES, abs=0.025)
    assert recording.warnings == ()


@pytest.mark.parametrize(("container", "codec"), [("ogg", "libopus"), ("nut", "mp3")])
def test_a_file_of_audio_alone_may_begin_late(container: str, codec: str) -> None:
    recording = read(film(container, Voice(SOUND, codec, start=3.0)))
    assert onsets(recording.samples) == pytest.approx([3 + time for time in TIMES], abs=0.025)


def test_a_recording_of_a_live_stream_begins_with_its_first_sound() -> None:
    recording = read(film("matroska", Voice(SOUND, "libopus", start=7_000.0)))
    assert onsets(recording.samples) == pytest.approx(TIMES, abs=0.025)
    assert recording.warnings == ()  # its end is said in the stream's clock


@pytest.mark.parametrize("starts", list(itertools.permutations([0.0, 5_000.0], 2)))
def test_joined_broadcasts_follow_each_other(starts: tuple[float, float]) -> None:
    parts = [film("mpegts", Voice(SOUND, "mp2", start=start)) for start in starts]
    recording = read(b"".join(parts))
    both = [*TIMES, *(4.0 + time for time in TIMES)]
    assert onsets(recording.samples) == pytest.approx(both, abs=0.05)


def test_a_pause_of_the_sound_while_the_picture_goes_on_is_kept() -> None:
    voice = Voice(SOUND, "mp2", gaps=[(2.0, 20.0)])
    recording = read(film("mpegts", voice, video=(0, 24)))
    assert onsets(recording.samples) == pytest.approx([0.5, 1.5, 22.5, 23.5], abs=0.03)
