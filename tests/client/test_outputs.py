"""Which results are there already, and how new ones get to their place."""

import os
from pathlib import Path

import pytest

from client.finding import Found
from client.journal import Journal, key
from client.outputs import Destination, prepare, write
from client.wishes import Wishes


@pytest.mark.parametrize(
    ("beside", "wanted", "there"),
    [
        ("film.srt", "en", True),  # tells no language
        ("film.en.srt", "en", True),
        ("film.eng.srt", "en", True),
        ("film.en-US.srt", "en", True),
        ("film.English.SRT", "en", True),
        ("film.en.sdh.srt", "en", True),
        ("film.en.hi.srt", "en", True),  # hard of hearing
        ("film.hi.srt", "hi", True),  # Hindi
        ("film.hi.srt", "en", False),
        ("film.sdh.srt", "en", True),
        ("film.default.en.srt", "en", True),
        ("film.en.ass", "en", True),  # other people's format, but subtitles
        ("film.de.srt", "en", False),
        ("film.de.srt", None, True),  # nobody knows the language
        ("film.en.forced.srt", "en", False),  # what foreigners say, no more
        ("film.forced.srt", None, False),
        ("film.2.srt", None, False),  # of another film
        ("film two.en.srt", "en", False),
        ("film.en.vtt", "en", False),
        ("film.en.txt", "en", False),
    ],
)
def test_subtitles_are_known_as_players_know_them(
    beside: str, wanted: str | None, there: bool, tmp_path: Path
) -> None:
    (tmp_path / beside).touch()
    found = Destination(tmp_path, "film", tagged=True).existing("srt", wanted)
    assert found == (tmp_path / beside if there else None)


def test_names_of_results(tmp_path: Path) -> None:
    film, talk = Destination(tmp_path, "film", tagged=True), Destination(tmp_path, "talk")
    assert film.path("srt", "es").name == "film.es.srt"
    assert film.path("json", "es").name == "film.json"
    assert talk.path("srt", "es").name == "talk.srt"
    (tmp_path / "film.es.json").touch()
    assert film.existing("json", "es") is None
    assert Destination(tmp_path / "nowhere", "film", tagged=True).existing("srt", "en") is None


def test_a_result_replaces_nothing_unless_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "new" / "talk.srt"
    prepare(path.parent)
    assert write(path, b"first", replace=False)
    assert not write(path, b"second", replace=False)
    assert path.read_bytes() == b"first"
    assert write(path, b"third", replace=True)
    assert path.read_bytes() == b"third"
    assert [other.name for other in path.parent.iterdir()] == ["talk.srt"]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_file_system_without_links_gets_its_result_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert write(tmp_path / "talk.srt", b"first", replace=False)
    assert not write(tmp_path / "talk.srt", b"second", replace=False)
    assert (tmp_path / "talk.srt").read_bytes() == b"first"


def test_the_journal_remembers_as_long_as_everything_stays(tmp_path: Path) -> None:
    talk, result = tmp_path / "talk.wav", tmp_path / "talk.srt"
    talk.write_bytes(b"sound")
    result.touch()
    found, wishes = Found(str(talk), talk, tmp_path, "talk"), Wishes(formats=("srt",))
    path = tmp_path / "state" / "done.jsonl"
    Journal(path).note(key(found, wishes), [result])
    with path.open("a") as file:
        file.write('{"key": "half of a li')
    assert Journal(path).results(key(found, wishes)) == [str(result)]
    assert Journal(path).results(key(found, Wishes(formats=("vtt",)))) == []
    talk.write_bytes(b"other sound")
    assert Journal(path).results(key(found, wishes)) == []
    talk.write_bytes(b"sound")
    result.unlink()
    assert Journal(path).results(key(found, wishes)) == []
