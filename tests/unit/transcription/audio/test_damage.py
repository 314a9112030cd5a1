"""Damage costs what is damaged and nothing else: not the recording, and no second of its clock."""

import random
from collections.abc import Iterator

import pytest

from tests.conftest import RECORDING
from tests.fixtures.media import Voice, film
from tests.fixtures.shifts import resampled, shifts
from transcription.audio import SAMPLE_RATE, decode, read

SPEECH = resampled(decode(RECORDING)[: 8 * SAMPLE_RATE])
KINDS = [
    ("matroska", "aac"),
    ("matroska", "libopus"),
    ("mp4", "aac"),
    ("mov", "alac"),
    ("mpegts", "aac"),
    ("mpegts", "mp2"),
    ("webm", "libopus"),
    ("ogg", "libopus"),
    ("flv", "aac"),
    ("flac", "flac"),
    ("wav", "pcm_s16le"),
    ("caf", "alac"),
    # These have no clock: bytes tell how much is missing.
    ("adts", "aac"),
    ("mp3", "libmp3lame"),
    ("ac3", "ac3"),
    ("eac3", "eac3"),
]


def noise(data: bytes, start: float, end: float, seed: int) -> bytes:
    """``data`` with noise between two parts of its length."""
    first, last = round(len(data) * start), round(len(data) * end)
    return data[:first] + random.Random(seed).randbytes(last - first) + data[last:]


@pytest.mark.parametrize(("container", "codec"), KINDS)
def test_noise_in_the_middle_moves_nothing_behind_it(container: str, codec: str) -> None:
    data = film(container, Voice(SPEECH, codec))
    right = decode(data)
    for seed in range(3):
        found = decode(noise(data, 0.47, 0.53, seed))
        assert len(found) == pytest.approx(len(right), abs=0.05 * SAMPLE_RATE)
        late = shifts(found, right)
        assert len(late) >= 9
        assert max(map(abs, late)) < 0.05


def test_one_byte_costs_one_packet() -> None:
    """faster-whisper 988 and its like: a damaged packet refused the whole recording."""
    data = film("matroska", Voice(SPEECH, "aac"))
    recordings = [read(noise(data, part / 40, part / 40 + 2e-5, part)) for part in range(6, 36)]
    lengths = [len(recording.samples) / SAMPLE_RATE for recording in recordings]
    assert lengths == pytest.approx([8.0] * len(lengths), abs=0.05)
    assert any(each.startswith("damaged: ") for one in recordings for each in one.warnings)


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("mov", "alac"), ("3gp", "aac")])
def test_a_hole_of_a_third_keeps_the_length(container: str, codec: str) -> None:
    data = film(container, Voice(SPEECH, codec))
    first, last = round(len(data) * 0.3), round(len(data) * 0.6)
    recording = read(data[:first] + bytes(last - first) + data[last:])
    assert len(recording.samples) / SAMPLE_RATE == pytest.approx(8.0, abs=0.05)
    codes = [warning.partition(":")[0] for warning in recording.warnings]
    assert codes == ["damaged", "silence_added"]


def packets(data: bytes) -> Iterator[int]:
    """Where the packets of an AAC stream begin, by the lengths in their heads."""
    start = 0
    while start < len(data):
        yield start
        start += (int.from_bytes(data[start + 3 : start + 6], "big") >> 5) & 0x1FFF


@pytest.mark.parametrize("count", [3, 12])
def test_packets_that_a_demuxer_passes_over_without_a_word_take_their_time(count: int) -> None:
    data = film("adts", Voice(SPEECH, "aac"))
    starts = list(packets(data))
    for first in range(80, 300, 40):
        start, end = starts[first], starts[first + count]
        found = decode(data[:start] + bytes(end - start) + data[end:])
        assert max(map(abs, shifts(found, decode(data)))) < 0.05


def test_a_track_that_damage_makes_up_costs_nothing() -> None:
    """FLV's packets begin with their codec; zeros are one that no other packet has."""
    data = film("flv", Voice(SPEECH, "aac"))
    start = 13
    while start < len(data) * 2 // 3:
        size = int.from_bytes(data[start + 1 : start + 4], "big")
        start += 11 + size + 4
    damaged = data[: start + 11] + bytes(size) + data[start + 11 + size :]
    found = read(damaged)
    assert len(found.samples) / SAMPLE_RATE == pytest.approx(8.0, abs=0.1)
    assert max(map(abs, shifts(found.samples, decode(data)))) < 0.05
