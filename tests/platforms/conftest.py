"""What the platform tests share: their interpreter, a loopback web server, a closed network."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stack.settings import ROOT
from tests.conftest import RECORDING

# Seconds. Importing torch, litserve and modal alone takes minutes of a machine that is busy.
PATIENCE = 240.0
PYTHON = ROOT / ".venv-platforms" / "bin" / "python"


@dataclass
class Seen:
    """A request that the web server got."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    def json(self) -> Any:
        return json.loads(self.body)


# Answers a request: (status, content type, body).
Answer = Callable[[Seen], tuple[int, str, bytes]]


@dataclass
class WebServer:
    """A real server on loopback; ``answers`` are asked in order of the longest prefix."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)

    def of(self, prefix: str) -> list[Seen]:
        """The requests below ``prefix``, in order."""
        return [request for request in list(self.seen) if request.path.startswith(prefix)]

    def answer(self, request: Seen) -> tuple[int, str, bytes]:
        self.seen.append(request)
        for prefix in sorted(self.answers, key=len, reverse=True):
            if request.path.startswith(prefix):
                return self.answers[prefix](request)
        return 404, "text/plain", b"nothing here"


def file(path: Path) -> Answer:
    return lambda _request: (200, "audio/wav", path.read_bytes())


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    with serving() as site:
        yield site


@contextlib.contextmanager
def serving() -> Iterator[WebServer]:
    site = WebServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # clients that are killed
                super().handle()

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            request = Seen(self.command, self.path, dict(self.headers), self.rfile.read(length))
            status, kind, body = site.answer(request)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the library looks for this name

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    site.answers["/conversation.wav"] = file(RECORDING)
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Started:
    """A process with all its children."""

    process: subprocess.Popen[bytes]
    output: Path

    def log(self) -> str:
        return self.output.read_text(errors="replace")

    def kill(self) -> None:
        """As when a container is gone: everything at once, nobody is asked."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def stop(self) -> int:
        """SIGTERM to the first process, as a container is stopped; its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.kill()


class Starter:
    """Starts programs of the platforms on the demo models."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._leaving = folder / "leaving.txt"
        self._started: list[Started] = []

    def environ(self, **more: str) -> dict[str, str]:
        closed = "http://127.0.0.1:9"  # what does not ask Python's sockets asks this proxy
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RUNPOD", "MODAL"))
        }
        return inherited | {
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests/platforms/loopback'}",
            "PYTHONUNBUFFERED": "1",
            "LEAVING": str(self._leaving),
            "HTTP_PROXY": closed,
            "HTTPS_PROXY": closed,
            "NO_PROXY": "127.0.0.1,localhost",
            "MODELS": "demo",
            "HF_HUB_OFFLINE": "1",
            "ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
            **more,
        }

    def start(self, *arguments: str, cwd: Path = ROOT, **environ: Any) -> Started:
        assert PYTHON.exists(), "the platforms' libraries are not installed: make install-platforms"
        output = self._folder / f"{len(self._started)}.log"
        with output.open("wb") as log:
            process = subprocess.Popen(
                [str(PYTHON), "-W", "ignore", *arguments],
                cwd=cwd,
                env=self.environ(**environ),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started.append(Started(process, output))
        return self._started[-1]

    def finish(self) -> None:
        for started in self._started:
            started.kill()
        assert not self._leaving.exists(), self._leaving.read_text()


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    found = Starter(tmp_path)
    try:
        yield found
    finally:
        found.finish()
