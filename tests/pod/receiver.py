"""A receiver of webhooks inside the pod's network: real HTTP, on the pod's own loopback."""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stack.settings import free_port
from tests.conftest import wait_until

_PROGRAM = """
import http.server, json, sys
port, path = int(sys.argv[1]), sys.argv[2]

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(path, "a") as file:
            file.write(json.dumps(body) + "\\n")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
open(path, "a").close()
server.serve_forever()
"""


class Receiver:
    """Writes down what it gets."""

    def __init__(self, pid: int, path: Path) -> None:
        self._pid = pid
        self._path = path
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def received(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._path.read_text().splitlines()]

    def __enter__(self) -> Self:
        inside = ["nsenter", "--target", str(self._pid), "--net"]
        command = [sys.executable, "-c", _PROGRAM, str(self.port), str(self._path)]
        self._process = subprocess.Popen([*inside, *command])
        wait_until(self._path.exists, "the receiver listens", 10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait(5)
