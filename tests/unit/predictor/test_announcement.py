"""The worker tells the bridge what it is, whether or not there is one."""

import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from predictor import announcement
from predictor.announcement import announce

Heard = queue.Queue[tuple[str, object]]


@pytest.fixture
def bridge() -> Iterator[tuple[str, Heard]]:
    heard: Heard = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            # The first answer is an error: announcements go on regardless.
            self.send_response(500 if heard.empty() else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            heard.put((self.path, json.loads(body)))

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()


def test_announces_at_once_and_again(
    bridge: tuple[str, Heard], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcement, "INTERVAL", 0.01)
    url, heard = bridge
    over = announce(url, lambda: {"models": ["demo"]})
    for _ in range(3):
        assert heard.get(timeout=10) == ("/worker", {"models": ["demo"]})
    threads = [thread for thread in threading.enumerate() if thread.name == "worker-announcement"]
    assert all(thread.daemon for thread in threads)
    over.set()
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_needs_no_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcement, "INTERVAL", 0.01)
    asked = threading.Semaphore(0)

    def describe() -> dict[str, str]:
        asked.release()
        return {}

    over = announce("http://127.0.0.1:9", describe)
    for _ in range(3):
        assert asked.acquire(timeout=10)
    over.set()
