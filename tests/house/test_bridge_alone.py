"""The bridge in an environment of its own: no torch, no numpy, only what its lock names."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stack.settings import ROOT, free_port
from tests.conftest import wait_until

pytestmark = pytest.mark.slow  # makes a virtual environment and installs into it


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bridge-venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    lock = ROOT / "requirements" / "bridge.txt"
    install = [python, "-m", "pip", "install", "-q", "--no-deps", "-r", lock]
    subprocess.run(install, check=True, timeout=100, stderr=subprocess.DEVNULL)
    return python


@contextmanager
def redis(port: int, folder: Path) -> Iterator[None]:
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with redis(port, tmp_path):
        yield port


def test_neither_torch_nor_numpy_is_installed_or_needed(python: Path) -> None:
    code = (
        "import importlib.util as u, sys, bridge.__main__, transcription.probe\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)\n"
        "print([m for m in ('torch', 'numpy', 'whisperx') if u.find_spec(m)])"
    )
    answer = subprocess.run([python, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr


@contextmanager
def serving(python: Path, folder: Path, redis_port: int, **environ: str) -> Iterator[int]:
    """A bridge without a Cog; its port."""
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "BRIDGE_PORT": str(port),
        "INTERNAL_PORT": "0",
        "FILES_DIR": str(folder / "files"),
        "BRIDGE_TOKEN": "a-token-for-tests",
        "WEBHOOK_SECRET": "a-secret-for-tests",
        **environ,
    }
    process = subprocess.Popen([python, "-m", "bridge"], cwd=ROOT, env=environ)
    try:
        wait_until(lambda: _status(port, "/health") == 200, "the bridge answers", 20)
        yield port
    finally:
        process.terminate()
        began = time.monotonic()
        assert process.wait(20) == 0
    assert time.monotonic() - began < 15


def test_it_serves(python: Path, redis_port: int, tmp_path: Path) -> None:
    with serving(python, tmp_path, redis_port) as port:
        assert _status(port, "/health-check") == 503, "there is no Cog"
        assert _status(port, "/v1/predictions/x") == 401


def test_it_starts_before_redis_and_opens_its_queue_later(python: Path, tmp_path: Path) -> None:
    redis_port = free_port()
    with serving(python, tmp_path, redis_port) as port:
        assert _health(port) == "REDIS_UNREACHABLE"
        with redis(redis_port, tmp_path):
            # Cog is what is missing once the queue is open.
            wait_until(lambda: _health(port) == "UNREACHABLE", "the queue is open", 20)


def test_who_sends_no_headers_or_no_body_is_let_go(
    python: Path, redis_port: int, tmp_path: Path
) -> None:
    with serving(python, tmp_path, redis_port, UPLOAD_IDLE_TIMEOUT="1") as port:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
            slow.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            assert slow.recv(100) == b"", "closed"
        head = (
            b"POST /predictions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer a-token-for-tests\r\nContent-Length: 1000\r\n\r\n{"
        )
        with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
            slow.sendall(head)
            assert slow.recv(1000).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("variable", ["BRIDGE_TOKEN", "WEBHOOK_SECRET"])
def test_without_a_secret_it_stops_and_says_which(python: Path, variable: str) -> None:
    environ = {"BRIDGE_TOKEN": "a-token-for-tests", "WEBHOOK_SECRET": "a-secret-for-tests"}
    del environ[variable]
    answer = subprocess.run(
        [python, "-m", "bridge"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=20
    )
    assert answer.returncode == 2
    assert variable in answer.stderr


def _health(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as response:
        return str(json.load(response)["status"])


def _status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
