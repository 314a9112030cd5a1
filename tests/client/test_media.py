"""Which track of a film is taken, and that its sound is taken as it is."""

import threading
from pathlib import Path

import av
import pytest

from client.failures import Unusable
from client.media import Interrupted, NoAudio, extract, look
from tests.client.films import Sound, film
from tests.conftest import RECORDING

EN = Sound(RECORDING, "eng", seconds=2.0)


def begins(path: Path) -> float:
    """When the sound begins, counted from when the file does."""
    with av.open(str(path)) as container:
        first = next(packet for packet in container.demux(audio=0) if packet.pts is not None)
        assert first.pts is not None
        assert first.time_base is not None
        return float(first.pts * first.time_base) - (container.start_time or 0) / av.time_base


@pytest.mark.parametrize(
    ("wanted", "language", "number"),
    [
        (None, None, 3),  # the default one
        (None, "es", 2),
        (None, "de", 3),  # not there: the default one
        ("1", "es", 1),
        ("mix", None, None),
    ],
)
def test_the_track_that_is_taken(
    wanted: str | None, language: str | None, number: int | None, tmp_path: Path
) -> None:
    made = film(
        tmp_path / "film.mkv",
        Sound(RECORDING, "eng", title="Director's Commentary", default=True, seconds=1.0),
        Sound(RECORDING, "spa", seconds=1.0),
        Sound(RECORDING, "en-GB", default=True, seconds=1.0),
    )
    media = look(made)
    assert media.video
    assert [track.language for track in media.tracks] == ["en", "es", "en"]
    chosen = media.choose(wanted, language)
    assert (chosen.number if chosen else None) == number
    with pytest.raises(Unusable, match="has 3 audio tracks, so no --track 4"):
        media.choose("4", None)


@pytest.mark.parametrize("ending", ["mkv", "mp4", "avi", "ts", "mov"])
def test_the_sound_of_a_film_is_the_same_bytes_each_time(ending: str, tmp_path: Path) -> None:
    made = film(tmp_path / f"film.{ending}", EN)
    first, second = tmp_path / "first", tmp_path / "second"
    track = look(made).choose(None, None)
    for target in (first, second):
        assert extract(made, track, target, threading.Event())
    assert first.read_bytes() == second.read_bytes()
    assert not look(first).video
    with av.open(str(first)) as container:
        seconds = sum(frame.samples for frame in container.decode(audio=0)) / 16_000
    assert seconds == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize("ending", ["mkv", "mp4", "ts"])
def test_sound_that_begins_late_begins_late_when_it_is_sent(ending: str, tmp_path: Path) -> None:
    made = film(tmp_path / f"film.{ending}", Sound(RECORDING, "eng", late=3.0, seconds=1.0))
    sent = tmp_path / "sent"
    assert begins(made) == pytest.approx(3.0, abs=0.1)
    assert extract(made, look(made).tracks[0], sent, threading.Event())
    assert begins(sent) == pytest.approx(begins(made), abs=0.03)
    with av.open(str(sent)) as container:
        pictures = sum(packet.size > 0 for packet in container.demux(video=0))
    assert pictures == 1


def test_all_tracks_can_be_taken(tmp_path: Path) -> None:
    made = film(tmp_path / "film.mkv", EN, Sound(RECORDING, "spa", seconds=1.0))
    assert extract(made, None, tmp_path / "sent", threading.Event())
    assert len(look(tmp_path / "sent").tracks) == 2


def test_sound_that_no_container_takes_is_sent_with_its_film(tmp_path: Path) -> None:
    raw = tmp_path / "talk.g722"
    with av.open(str(raw), "w", format="g722") as made:
        stream = made.add_stream("g722", rate=16_000)
        stream.layout = "mono"
        with av.open(str(RECORDING)) as source:
            for frame in source.decode(audio=0):
                made.mux(stream.encode(frame))
    track = look(raw).choose(None, None)
    assert not extract(raw, track, tmp_path / "sent", threading.Event())


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    made = film(tmp_path / "film.mkv", EN)
    with pytest.raises(Unusable, match="no space for its sound"):
        extract(made, look(made).tracks[0], Path("/dev/full"), threading.Event())


def test_what_holds_no_sound_is_told(tmp_path: Path) -> None:
    for name, content in (("empty.wav", b""), ("text.wav", b"words " * 99)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(NoAudio):
            look(tmp_path / name)


def test_an_interruption_ends_the_copying(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    made = film(tmp_path / "film.mkv", EN)
    with pytest.raises(Interrupted):
        extract(made, look(made).tracks[0], tmp_path / "sent", stop)


def test_a_name_is_a_name_and_no_protocol(tmp_path: Path) -> None:
    for name in ("concat:a|b.mkv", "http:x.mkv", "%03d.mkv", "-i.mkv"):
        assert look(film(tmp_path / "film.mkv", EN).rename(tmp_path / name)).tracks
