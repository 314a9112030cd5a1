"""What `make doctor` says of a machine, well or not, and what it never says."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from stack.doctor import CHECKS, GATED
from stack.settings import ROOT, free_port

HIDDEN = {
    "BRIDGE_TOKEN": "a-token-that-is-hidden",
    "WEBHOOK_SECRET": "a-secret-that-is-hidden",
    "HUGGINGFACE_TOKEN": "hf_thisIsHiddenAsWell",
    "REDIS_PASSWORD": "hidden-from-everybody",
}


def doctor(folder: Path, **environ: str) -> tuple[int, dict[str, tuple[str, str]], str]:
    """Its status, and by check its mark and what it found."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "stack", "doctor"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "OMP_WAIT_POLICY": "PASSIVE",
            "HOME": str(folder),
            "STATE_DIR": str(folder / "state"),
            "MODELS": "demo",
            "DEVICE": "cpu",
            "HF_ENDPOINT": f"http://127.0.0.1:{free_port()}",
            **{name: str(free_port()) for name in ("BRIDGE_PORT", "COG_PORT")},
            **HIDDEN,
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.stderr == ""
    found = {}
    for line in done.stdout.splitlines():
        mark, name, text = line.split(maxsplit=2)
        found[name] = (mark, text)
    return done.returncode, found, done.stdout


def test_a_machine_that_has_everything(tmp_path: Path) -> None:
    status, found, text = doctor(tmp_path)
    assert status == 0, text
    assert list(found) == list(CHECKS)
    assert {mark for mark, _ in found.values()} == {"ok", "--"}
    assert found["device"][1].startswith("cpu, int8, ")
    assert "torch " in found["packages"][1]
    assert found["hub"] == ("--", "the hub does not answer")
    assert not any(secret in text for secret in HIDDEN.values())
    assert not (tmp_path / "state" / "log").exists(), "nothing was started"


def test_everything_that_is_amiss_is_said_at_once(tmp_path: Path) -> None:
    nobody = f"redis://:hidden-from-everybody@127.0.0.1:{free_port()}/0"
    status, found, text = doctor(
        tmp_path, BRIDGE_TOKEN="short", MODELS="huge", DEVICE="tpu", REDIS_URL=nobody
    )
    assert status == 2
    bad = {name for name, (mark, _) in found.items() if mark == "BAD"}
    assert bad == {"secrets", "bridge", "Redis", "models", "device"}, text
    assert found["Redis"][1].startswith("REDIS_URL: "), "its own fault and not the token's"
    assert not any(secret in text for secret in HIDDEN.values())


def test_a_variable_of_the_bridge_is_named(tmp_path: Path) -> None:
    status, found, text = doctor(tmp_path, QUEUE_LIMIT="many")
    assert (status, found["bridge"][0]) == (2, "BAD"), text
    assert "QUEUE_LIMIT must be a whole number" in found["bridge"][1]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (200, "", ("ok", f"may fetch {GATED}")),
        (403, "GatedRepo", ("BAD", "has not accepted the conditions")),
        (401, "", ("BAD", "the hub answered 401 to HUGGINGFACE_TOKEN")),
    ],
)
def test_what_the_hub_says_of_the_token(
    tmp_path: Path, status: int, code: str, expected: tuple[str, str]
) -> None:
    with hub(status, code) as (url, asked):
        _, found, text = doctor(tmp_path, HF_ENDPOINT=url)
    assert found["hub"] == ("ok", "answers")
    mark, text = expected
    assert found["token"][0] == mark, text
    assert text in found["token"][1]
    assert asked == {f"Bearer {HIDDEN['HUGGINGFACE_TOKEN']}"}
    assert HIDDEN["HUGGINGFACE_TOKEN"] not in text


@contextmanager
def hub(status: int, code: str) -> Iterator[tuple[str, set[str]]]:
    """Answers as the hub does when it is asked for a repository; the tokens it was given."""
    asked: set[str] = set()

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            if "auth-check" in self.path:
                asked.add(self.headers["Authorization"])
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
