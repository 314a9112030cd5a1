"""A server of Lightning's kind, and receivers of its webhooks."""

import base64
import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stack.settings import free_port
from tests.conftest import wait_until
from tests.platforms.conftest import PATIENCE, Seen, Started, Starter, WebServer

SECRET = "a-secret-for-tests"


class Server:
    """A running LitServe server."""

    def __init__(self, starter: Starter, queue_dir: Path, **environ: Any) -> None:
        self._port = free_port()
        self.started: Started = starter.start(
            "-m",
            "platforms.lightning.server",
            HOST="127.0.0.1",
            PORT=str(self._port),
            QUEUE_DIR=str(queue_dir),
            DEVICE="cpu",
            LIGHTNING_WEBHOOK_SECRET=SECRET,
            **environ,
        )

    def wait(self) -> "Server":
        wait_until(self._ready, "LitServe is ready", PATIENCE)
        return self

    def _ready(self) -> bool:
        assert self.started.process.poll() is None, self.started.log()
        try:
            return self.get("/health")[0] == 200
        except OSError:
            return False

    def predict(self, **body: Any) -> tuple[int, Any]:
        status, text = self._call("/predict", json.dumps(body).encode())
        return status, json.loads(text)

    def get(self, path: str) -> tuple[int, bytes]:
        return self._call(path, None)

    def _call(self, path: str, body: bytes | None) -> tuple[int, bytes]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def takes(_request: Seen) -> tuple[int, str, bytes]:
    return 200, "text/plain", b""


class Fails:
    """A receiver that refuses each webhook a number of times before it takes it."""

    def __init__(self, times: int) -> None:
        self._times = times
        self._tries: Counter[str] = Counter()

    def __call__(self, request: Seen) -> tuple[int, str, bytes]:
        job = request.json()["job_id"]
        self._tries[job] += 1
        return (500 if self._tries[job] <= self._times else 200), "text/plain", b""


def check_signatures(delivery: Seen) -> None:
    """As a receiver checks: Standard Webhooks, and the older header."""
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    key = hmac.new(SECRET.encode(), b"webhook signing key", hashlib.sha256).digest()[:24]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + delivery.body
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{signature}"
    assert headers["webhook-id"] == delivery.json()["job_id"]
    older = hmac.new(SECRET.encode(), delivery.body, hashlib.sha256).hexdigest()
    assert headers["x-lightning-signature"] == older


class Sent:
    """Jobs that a server accepted, and what their receivers got."""

    def __init__(self, web_server: WebServer) -> None:
        self._site = web_server
        self.ids: list[str] = []

    def add(self, answers: Iterable[tuple[int, Any]]) -> None:
        for status, answer in answers:
            assert (status, answer["status"]) == (202, "accepted"), answer
            self.ids.append(answer["job_id"])

    def tries(self) -> list[int]:
        """How often each was delivered, in order."""
        counts = Counter(request.json()["job_id"] for request in self._site.of("/hook"))
        return [counts[job] for job in self.ids]

    def last(self, number: int) -> Any:
        """The last delivery for the job with that number."""
        (first, *_) = [
            body
            for request in self._site.of("/hook")
            if (body := request.json())["job_id"] == self.ids[number]
        ]
        return first
