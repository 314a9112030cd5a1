"""The bridge in an environment of its own: no torch, no numpy, only what its lock names."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from stack.settings import ROOT, free_port
from tests.conftest import clip_uri, wait_until
from tests.fixtures import lone

pytestmark = pytest.mark.slow  # makes a virtual environment and installs into it


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bridge-venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    lock = ROOT / "requirements/locked/bridge.txt"
    install: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--require-hashes",
        "-r",
        lock,
    ]
    subprocess.run(install, check=True, timeout=100, stderr=subprocess.DEVNULL)
    return python


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with lone.redis(tmp_path, port):
        yield port


def test_neither_torch_nor_numpy_is_installed_or_needed(python: Path) -> None:
    code = (
        "import importlib.util as u, sys, bridge.__main__, transcription.probe\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)\n"
        "print([m for m in ('torch', 'numpy', 'whisperx') if u.find_spec(m)])"
    )
    answer = subprocess.run([python, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr


def test_it_serves(python: Path, redis_port: int, tmp_path: Path) -> None:
    with lone.bridge(tmp_path, redis_port, python) as bridge:
        assert bridge.status("/health-check") == 503, "there is no Cog"
        assert bridge.status("/v1/predictions/x") == 401
        began = time.monotonic()
    assert time.monotonic() - began < 15


def test_it_starts_before_redis_and_opens_its_queue_later(python: Path, tmp_path: Path) -> None:
    redis_port = free_port()
    with lone.bridge(tmp_path, redis_port, python) as bridge:
        assert bridge.health() == "REDIS_UNREACHABLE"
        assert bridge.asked("/v1/predictions/x") == (503, "The record store does not answer.")
        with lone.redis(tmp_path, redis_port):
            # Cog is what is missing once the queue is open.
            wait_until(lambda: bridge.health() == "UNREACHABLE", "the queue is open")


def test_a_redis_without_room_is_told_as_one_that_is_away(
    python: Path, redis_port: int, tmp_path: Path
) -> None:
    with lone.bridge(tmp_path, redis_port, python) as bridge, Redis(port=redis_port) as redis:
        wait_until(lambda: bridge.health() == "UNREACHABLE", "the queue is open")
        redis.config_set("maxmemory", "1")
        body = json.dumps({"input": {"audio_file": clip_uri("Peter")}}).encode()
        assert bridge.asked("/v1/predictions", body) == (503, "The record store does not answer.")
        redis.config_set("maxmemory", "0")


def test_who_sends_no_headers_or_no_body_is_let_go(
    python: Path, redis_port: int, tmp_path: Path
) -> None:
    with lone.bridge(tmp_path, redis_port, python, UPLOAD_IDLE_TIMEOUT="1") as bridge:
        with socket.create_connection(("127.0.0.1", bridge.port), timeout=20) as slow:
            slow.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            assert slow.recv(100) == b"", "closed"
        head = (
            b"POST /predictions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer a-token-for-tests\r\nContent-Length: 1000\r\n\r\n{"
        )
        with socket.create_connection(("127.0.0.1", bridge.port), timeout=20) as slow:
            slow.sendall(head)
            assert slow.recv(1000).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("variable", ["BRIDGE_TOKEN", "WEBHOOK_SECRET"])
def test_without_a_secret_it_stops_and_says_which(python: Path, variable: str) -> None:
    environ = {"BRIDGE_TOKEN": "a-token-for-tests", "WEBHOOK_SECRET": "a-secret-for-tests"}
    del environ[variable]
    answer = subprocess.run(
        [python, "-m", "bridge"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 2
    assert variable in answer.stderr


def test_with_another_version_of_docket_it_stops_and_says_which(tmp_path: Path) -> None:
    described = tmp_path / "pydocket-9.9.9.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: pydocket\nVersion: 9.9.9\n")
    environ = {"BRIDGE_TOKEN": "a-token-for-tests", "WEBHOOK_SECRET": "a-secret-for-tests"}
    answer = subprocess.run(
        [sys.executable, "-m", "bridge"],
        cwd=ROOT,
        env={**environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 2
    assert "pydocket 0.27.0 is needed, 9.9.9 is installed" in answer.stderr
