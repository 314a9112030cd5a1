"""The bridge in an environment of its own: no torch, no numpy, only what its lock names."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
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


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield port
    process.terminate()
    process.wait(10)


def test_neither_torch_nor_numpy_is_installed_or_needed(python: Path) -> None:
    code = (
        "import importlib.util as u, sys, bridge.__main__, transcription.probe\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)\n"
        "print([m for m in ('torch', 'numpy', 'whisperx') if u.find_spec(m)])"
    )
    answer = subprocess.run([python, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr


def test_it_serves(python: Path, redis_port: int, tmp_path: Path) -> None:
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "BRIDGE_PORT": str(port),
        "INTERNAL_PORT": "0",
        "FILES_DIR": str(tmp_path / "files"),
        "BRIDGE_TOKEN": "a-token-for-tests",
        "WEBHOOK_SECRET": "a-secret-for-tests",
    }
    process = subprocess.Popen([python, "-m", "bridge"], cwd=ROOT, env=environ)
    try:
        wait_until(lambda: _status(port, "/health") == 200, "the bridge answers", 20)
        assert _status(port, "/health-check") == 503, "there is no Cog"
        assert _status(port, "/v1/predictions/x") == 401
    finally:
        process.terminate()
        began = time.monotonic()
        assert process.wait(20) == 0
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("variable", ["BRIDGE_TOKEN", "WEBHOOK_SECRET"])
def test_without_a_secret_it_stops_and_says_which(python: Path, variable: str) -> None:
    environ = {"BRIDGE_TOKEN": "a-token-for-tests", "WEBHOOK_SECRET": "a-secret-for-tests"}
    del environ[variable]
    answer = subprocess.run(
        [python, "-m", "bridge"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=20
    )
    assert answer.returncode == 2
    assert variable in answer.stderr


def _status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
