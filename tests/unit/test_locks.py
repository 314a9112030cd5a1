"""What ships is installed from files with hashes, and from nothing else."""

import re
from collections.abc import Iterator

import pytest

from scripts import lock
from stack.settings import ROOT

LOCKED = sorted(path.name for path in lock.LOCKED.glob("*.txt"))
RECIPES = (
    *ROOT.glob("images/*.Dockerfile"),
    ROOT / "platforms/Dockerfile",
    ROOT / "scripts/install.sh",
    ROOT / "scripts/torch-cpu.sh",
    ROOT / "scripts/image-pins.sh",
)


def test_the_locks_have_the_pins() -> None:
    assert lock.outdated() == [], "run: make lock"


@pytest.mark.parametrize("name", LOCKED)
def test_every_package_has_hashes_and_no_index_is_named(name: str) -> None:
    text = (lock.LOCKED / name).read_text()
    joined = text.replace("\\\n", " ").splitlines()
    for line in joined:
        pin, *hashes = line.split()
        assert re.fullmatch(r"[\w.-]+==[\w.+!-]+", pin), line[:80]
        assert hashes, pin
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), pin


def test_both_builds_of_torch_are_listed() -> None:
    known = dict(line.split()[::-1] for line in lock.OWN.read_text().splitlines())
    (version,) = lock.pins((lock.LOCKED / "torch-cpu.txt").read_text()).values()
    own = (lock.LOCKED / f"{lock.WITHOUT_CUDA}.txt").read_text()
    assert lock.pins(own) == {"torch": f"{version}+cpu"}
    assert all(name.startswith(f"torch-{version}+cpu-") for name in known)
    assert re.findall("[0-9a-f]{64}", own) == list(known.values())
    whole = lock.pins((lock.LOCKED / f"{lock.WITH_CUDA}.txt").read_text())
    models = lock.pins((lock.PINS / "models-cpu.txt").read_text())
    assert whole["torch"] == version
    assert {name: whole[name] for name in whole.keys() & models.keys()} == {
        name: models[name] for name in whole.keys() & models.keys()
    }


def installs() -> Iterator[tuple[str, str]]:
    for path in RECIPES:
        for line in path.read_text().replace("\\\n", " ").splitlines():
            for command in re.split(r"&&|;|\|\|", line):
                if re.search(r"\bpip\"? install", command):
                    yield path.name, command


def test_every_install_of_what_ships_asks_for_hashes() -> None:
    found = list(installs())
    assert len(found) >= 8
    assert [each for each in found if "--require-hashes" not in each[1]] == []
