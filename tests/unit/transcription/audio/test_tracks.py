"""Files of several audio tracks: the one that players choose, one by its number, or all."""

from pathlib import Path

import pytest

from tests.fixtures.media import Voice, bursts, film, onsets
from transcription.audio import read
from transcription.errors import InvalidInput
from transcription.options import Options
from transcription.probe import probe

FIRST, SECOND = bursts([0.5, 2.5], 4.0), bursts([1.5, 3.5], 4.0, pitch=300.0)
KINDS = [("matroska", "aac"), ("matroska", "libopus"), ("mp4", "aac"), ("mov", "alac")]


def two(container: str, codec: str, **second: object) -> bytes:
    return film(container, Voice(FIRST, codec), Voice(SECOND, codec, **second))  # type: ignore[arg-type]


@pytest.mark.parametrize(("container", "codec"), KINDS)
def test_the_default_track_is_heard(container: str, codec: str) -> None:
    silent = Voice(0 * FIRST, codec)
    recording = read(film(container, silent, Voice(SECOND, codec, default=True)))
    assert onsets(recording.samples) == pytest.approx([1.5, 3.5], abs=0.03)
    (warning,) = recording.warnings
    assert warning.startswith("several_tracks: The file has 2 audio tracks; number 2 was heard.")


def test_without_a_default_the_widest_is_heard() -> None:
    """MPEG streams have no defaults."""
    stereo = Voice(SECOND.repeat(1)[None].repeat(2, axis=0), "mp2", layout="stereo")
    for voices, right in (
        ([Voice(FIRST, "mp2"), stereo], [1.5, 3.5]),
        ([Voice(FIRST, "mp2"), Voice(SECOND, "mp2")], [0.5, 2.5]),
    ):
        recording = read(film("mpegts", *voices))
        assert onsets(recording.samples) == pytest.approx(right, abs=0.03)


def test_a_track_of_next_to_nothing_is_not_preferred() -> None:
    ghost = Voice(bursts([0.1], 0.5)[None].repeat(2, axis=0), "aac", layout="stereo", default=True)
    recording = read(film("matroska", Voice(FIRST, "aac"), ghost))
    assert onsets(recording.samples) == pytest.approx([0.5, 2.5], abs=0.03)
    assert recording.warnings[0].startswith("several_tracks: The file has 2 audio tracks; number 1")


@pytest.mark.parametrize(("container", "codec"), [*KINDS, ("mpegts", "aac")])
def test_a_track_by_its_number(container: str, codec: str) -> None:
    data = two(container, codec, default=True)
    for number, right in (("1", [0.5, 2.5]), ("2", [1.5, 3.5])):
        recording = read(data, track=number)
        assert onsets(recording.samples) == pytest.approx(right, abs=0.03)
        assert recording.warnings == ()


@pytest.mark.parametrize(("container", "codec"), [*KINDS, ("mpegts", "aac")])
def test_all_tracks_at_once(container: str, codec: str) -> None:
    recording = read(two(container, codec), track="mix")
    assert onsets(recording.samples) == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.03)
    assert recording.warnings == ()


def test_tracks_are_mixed_by_their_clocks() -> None:
    recording = read(two("matroska", "aac", start=2.0), track="mix")
    assert onsets(recording.samples) == pytest.approx([0.5, 2.5, 3.5, 5.5], abs=0.03)


def test_a_mix_is_no_louder_than_full_scale() -> None:
    loud = Voice(1.9 * FIRST, "flac")
    recording = read(film("matroska", loud, loud, loud), track="mix")
    assert abs(recording.samples).max() == pytest.approx(1.0, abs=0.01)


def test_a_track_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "recording"
    file.write_bytes(two("mp4", "aac"))
    for look in (read, probe):
        with pytest.raises(InvalidInput, match="3: the recording has 2 audio tracks") as caught:
            look(file, track="3")
        assert caught.value.field == "audio_track"
    assert probe(file, track="2").duration == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("track", ["0", "-1", "1.5", "first", "", "١"])
def test_what_is_no_track_is_refused(track: str) -> None:
    with pytest.raises(InvalidInput, match="nor mix") as caught:
        Options(audio_track=track)
    assert caught.value.field == "audio_track"
