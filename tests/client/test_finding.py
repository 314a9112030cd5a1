"""Which recordings a tree holds, and what their results are called."""

import os
from pathlib import Path

import pytest

from client.failures import Exit, Failure, shown
from client.finding import Found, find, folders


def found(*sources: str | Path, out: Path | None = None) -> tuple[list[Found], list[str]]:
    said: list[str] = []
    return list(find(map(str, sources), out, said.append)), said


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_tree_is_walked_in_order_and_companions_are_passed_over(tmp_path: Path) -> None:
    wanted = [touch(tmp_path / name) for name in ("a.mp3", "b/Film [x].mkv", "b/c/no ending")]
    for name in ("a.srt", "b/film.nfo", "b/poster.JPG", ".hidden.mp3", "@eaDir/a.mp3", "x.part"):
        touch(tmp_path / name)
    there, said = found(tmp_path)
    assert [item.path for item in there] == wanted
    assert not any(item.certain for item in there)
    assert said == []


def test_links_are_followed_and_circles_are_not(tmp_path: Path) -> None:
    real = touch(tmp_path / "elsewhere" / "talk.wav")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "linked.wav").symlink_to(real)
    (tree / "round").symlink_to(tree)
    (tree / "folder").symlink_to(real.parent)
    (tree / "gone.wav").symlink_to("nowhere")
    there, said = found(tree)
    assert [item.path for item in there] == [tree / "linked.wav", tree / "folder" / "talk.wav"]
    assert said == [f"{tree}/gone.wav: is a link to nothing; passed over"]


def test_names_that_are_no_text_are_found_and_shown(tmp_path: Path) -> None:
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.wav"))
    touch(strange)
    touch(tmp_path / "-rf.wav")
    there, _ = found(tmp_path)
    assert {item.path for item in there} == {strange, tmp_path / "-rf.wav"}
    assert all(item.name.isprintable() for item in there)
    assert shown(strange.name) == r"\udcff\n.wav"


def test_results_of_a_tree_go_to_a_tree(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "b" / "talk.wav")
    (item,), _ = found(tmp_path / "in", out=tmp_path / "out")
    assert (item.folder, item.stem) == (tmp_path / "out" / "b", "talk")
    (item,), _ = found(tmp_path / "in" / "b" / "talk.wav", out=tmp_path / "out")
    assert item.folder == tmp_path / "out"


def test_recordings_that_share_a_stem_have_results_of_their_own(tmp_path: Path) -> None:
    for name in ("talk.mp3", "talk.wav", "other.wav", "other.txt"):
        touch(tmp_path / name)
    there, _ = found(tmp_path)
    assert [item.stem for item in there] == ["other", "talk.mp3", "talk.wav"]


def test_each_recording_is_found_once(tmp_path: Path) -> None:
    talk = touch(tmp_path / "talk.wav")
    there, _ = found(talk, tmp_path, talk)
    assert len(there) == 1
    assert there[0].certain


@pytest.mark.parametrize(
    ("url", "stem"),
    [
        ("https://example.org/a/My%20talk.mp3?x=1", "My talk"),
        ("http://example.org/", "example"),
        ("https://example.org/a%2Fb.mp3", "b"),
    ],
)
def test_an_address_gives_its_results_a_name(url: str, stem: str, tmp_path: Path) -> None:
    (item,), _ = found(url)
    assert (item.folder, item.stem) == (Path(), stem)
    assert folders([url, str(tmp_path)]) == [str(tmp_path)]


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no such file or folder") as caught:
        found(tmp_path / "nothing.wav")
    assert caught.value.status is Exit.USAGE
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Failure, match="neither a file nor a folder"):
        found(tmp_path / "pipe")
