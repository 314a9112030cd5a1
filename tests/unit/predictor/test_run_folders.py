"""What Cog leaves behind of a run is gone when the next one begins."""

import tempfile
from pathlib import Path

import pytest

from predictor.run_folders import RUN, RunFolders


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = tmp_path / "coglet" / "predictions"
    for name in ("a-1", "b-1", "c-1"):
        (found / name / "inputs").mkdir(parents=True)
        (found / name / "outputs").mkdir()
    return found


def names(folders: Path) -> set[str]:
    return {path.name for path in folders.iterdir()}


def run(folders: RunFolders, name: str = "") -> None:
    with folders.used_by({RUN: name}):
        pass


def test_the_run_before_is_taken_away_and_this_one_stays(folders: Path) -> None:
    ours = RunFolders()
    for name, left in (("a-1", {"a-1", "b-1", "c-1"}), ("b-1", {"b-1", "c-1"})):
        with ours.used_by({RUN: name}):
            assert names(folders) == left
    run(ours)
    run(ours)
    assert names(folders) == {"c-1"}


def test_what_another_slot_may_still_use_stays(folders: Path) -> None:
    ours = RunFolders(slots=2)
    with ours.used_by({RUN: "a-1"}):
        run(ours, "b-1")
        run(ours, "c-1")
        assert names(folders) == {"a-1", "b-1", "c-1"}, "b-1's output may be on its way"
        run(ours)
        assert names(folders) == {"a-1", "c-1"}
    run(ours)
    assert names(folders) == {"a-1"}
    run(ours, "d-1")
    run(ours)
    assert names(folders) == set()


@pytest.mark.parametrize("name", ["..", "../predictions", "/", "", ".", "a-1/../c-1"])
def test_no_name_leads_elsewhere(folders: Path, name: str) -> None:
    ours = RunFolders()
    run(ours, name)
    run(ours)
    assert names(folders) == {"a-1", "b-1", "c-1"}


def test_a_tenants_run_is_taken_away_as_well(folders: Path) -> None:
    ours = RunFolders()
    (folders / "acme.x-1").mkdir()
    run(ours, "acme.x-1")
    assert "acme.x-1" in names(folders)
    run(ours)
    assert names(folders) == {"a-1", "b-1", "c-1"}
