"""Replicate's client for Python, version 2, and what its tests share."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.clients.helpers import MODEL, URI
from tests.clients.versions import REPLICATE_PY2, wanted
from tests.conftest import RunningStack

PRELUDE = f"""
import json, sys, time
from pathlib import Path
import replicate
from replicate import Replicate

MODEL, URI = {MODEL!r}, {URI!r}
recording = Path(sys.argv[1])
client = Replicate()

def asked(wishes="", **more):
    return {{"audio_file": URI, "initial_prompt": wishes, **more}}

def until(prediction, *statuses):
    while prediction.status not in statuses:
        time.sleep(0.05)
        prediction = client.predictions.get(prediction_id=prediction.id)
    return prediction

def finished(prediction):
    return until(prediction, "succeeded", "failed", "canceled")

def raised(call, **arguments):
    try:
        call(**arguments)
    except Exception as error:
        return [type(error).__name__, str(error)]

owner, name = MODEL.split("/")
version = client.models.get(model_owner=owner, model_name=name).latest_version.id
"""
Script = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replicate-2")
    install = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder)]
    subprocess.run(
        [*install, *wanted(REPLICATE_PY2)], check=True, timeout=110, stderr=subprocess.DEVNULL
    )
    return folder


@pytest.fixture
def script(stack: RunningStack, packages: Path, recording: Path) -> Script:
    """Runs code with the client; what it assigns to ``result``."""

    async def run(code: str, url: str = "", token: str = "") -> Any:
        environ = {
            **os.environ,
            "PYTHONPATH": str(packages),
            "REPLICATE_API_TOKEN": token or stack.token,
            "REPLICATE_BASE_URL": f"{url or stack.url}/v1",
        }
        program = f"{PRELUDE}\n{dedent(code)}\nprint(json.dumps(result))"
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-W", "ignore", "-c", program, str(recording)],
            env=environ,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
