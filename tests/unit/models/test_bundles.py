"""torchaudio's aligners: fetched to where torchaudio looks, on from where a download broke off."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from models import bundles, registry
from models.network import Network, NotGiven
from models.registry import Family, Model

WEIGHTS = b"weights " * 200_000
BUNDLES = registry.ALIGNERS[Family.PRODUCTION]


class Publisher(BaseHTTPRequestHandler):
    """Serves one file, in ranges; ``cut`` bytes of it at a time."""

    cut: int | None = None
    asked: list[str | None]

    def do_GET(self) -> None:
        begin = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.asked.append(self.headers["Range"])
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(WEIGHTS) - begin))
        self.end_headers()
        self.wfile.write(WEIGHTS[begin:][: self.cut])

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    handler = type("ThisPublisher", (Publisher,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setattr(bundles, "PUBLISHER", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield handler
        server.shutdown()


@pytest.fixture
def english() -> Model:
    return BUNDLES["en"]


def test_a_download_that_broke_off_goes_on_where_it_was(publisher: Any, english: Model) -> None:
    publisher.cut = 500_000
    with pytest.raises(NotGiven, match="it goes on from there"):
        bundles.fetch(english)
    assert not bundles.file_of(english).exists()
    publisher.cut = None
    bundles.fetch(english)
    assert bundles.file_of(english).read_bytes() == WEIGHTS
    assert publisher.asked == [None, "bytes=500000-"]
    bundles.fetch(english)
    assert len(publisher.asked) == 2
    assert not list(bundles.file_of(english).parent.glob("*.part"))


def test_a_publisher_who_is_away_is_named(
    english: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(bundles, "PUBLISHER", "http://127.0.0.1:9/")
    with pytest.raises(NotGiven, match="does not answer"):
        bundles.reach(Network(), afresh=True)


def test_the_files_are_torchaudios_own() -> None:
    torchaudio = pytest.importorskip("torchaudio")
    theirs = {name: getattr(torchaudio.pipelines, name)._path for name in bundles.FILES}
    assert theirs == dict(bundles.FILES)
    places = {model.name for model in BUNDLES.values() if model.place is registry.Place.TORCHAUDIO}
    assert places == set(bundles.FILES)
