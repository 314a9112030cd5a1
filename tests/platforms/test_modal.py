"""Modal's app without an account: `.local()` starts the stack, the tests speak to its port."""

import asyncio
import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from platforms.modal.awake import Awake, unfinished
from stack.client import Client
from stack.settings import ROOT, free_port
from tests.conftest import RECORDING, wait_until
from tests.platforms.conftest import PATIENCE, PYTHON, Started, Starter, WebServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TOKEN = "a-token-for-tests"
# What Modal's runner does in a container: enter, serve until the end, exit.
CONTAINER = """
import signal, threading
from modal import _partial_function as hooks
from platforms.modal.app import Service
service = Service()
service.web.local()
print("serving", flush=True)
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
ended.wait()
instance = service._cached_user_cls_instance()
for leave in hooks._find_callables_for_obj(instance, hooks._PartialFunctionFlags.EXIT).values():
    leave()
print("stopped", flush=True)
"""


@dataclass
class Container:
    """The app in a container, as far as this machine can be one."""

    url: str
    started: Started


@pytest.fixture
def container(starter: Starter, tmp_path: Path, web_server: WebServer) -> Iterator[Container]:
    port = free_port()
    started = starter.start(
        "-c",
        CONTAINER,
        BRIDGE_PORT=str(port),
        COG_PORT=str(free_port()),
        BRIDGE_HOST="127.0.0.1",
        BRIDGE_TOKEN=TOKEN,
        WEBHOOK_SECRET="a-secret-for-tests",
        STATE_DIR=str(tmp_path / "state"),
        PUBLIC_URL=web_server.url,
    )

    def serving() -> bool:
        assert started.process.poll() is None, started.log()
        return "serving" in started.log()

    wait_until(serving, "the app serves", PATIENCE)
    yield Container(f"http://127.0.0.1:{port}", started)
    if started.process.poll() is None:  # a test that failed: the stack has groups of its own
        started.stop()
    starter.finish()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)


def test_local_app_serves_the_bridge_and_stays_awake_while_it_works(
    container: Container, web_server: WebServer
) -> None:
    assert get(f"{container.url}/health-check")["reason"] is None
    asyncio.run(every_wire_format(container.url))
    asyncio.run(work(container.url, web_server))

    # The check that runs after a deployment.
    check = subprocess.run(
        [str(PYTHON), "-W", "ignore", "-m", "platforms.modal.check", container.url],
        cwd=ROOT,
        env={"BRIDGE_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert check.returncode == 0, check.stderr
    assert "segments in" in check.stdout
    wrong = subprocess.run(
        [*check.args], cwd=ROOT, env={"BRIDGE_TOKEN": "wrong", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert wrong.returncode == 1
    assert "token" in wrong.stderr

    assert container.started.stop() == 0
    assert "stopped" in container.started.log()
    with pytest.raises(OSError, match="refused"):
        get(f"{container.url}/health")


async def every_wire_format(url: str) -> None:
    """What the REST service before had is here, being the bridge's own."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(base_url=url, headers=headers) as session:
        for path, member in (("/languages", "total"), ("/api-info", "endpoints")):
            async with session.get(path) as response:
                assert member in await response.json()
        async with session.get("/health") as response:
            assert {"status", "model", "gpu_available"} <= (await response.json()).keys()
        with RECORDING.open("rb") as file:
            form = aiohttp.FormData({"file": file, "language": "en"})
            async with session.post("/transcribe", data=form) as response:
                body = await response.json()
    assert body["text"].startswith("Hello Maria")
    assert body["segments"][0]["words"][0]["word"] == "Hello"


async def work(url: str, web_server: WebServer) -> None:
    """One prediction; while it is unfinished, the public address is called."""
    async with aiohttp.ClientSession() as session:
        client = Client(session, url, TOKEN)
        assert not await asyncio.to_thread(unfinished, url, TOKEN)
        created = await client.create_from_file(RECORDING, language="en")
        assert await asyncio.to_thread(unfinished, url, TOKEN)
        began = time.monotonic()
        awake = Awake(url, TOKEN, lambda: f"{web_server.url}/public", interval=0.1)
        prediction = await client.finish(created["id"])
        half = (began + time.monotonic()) / 2
    assert prediction["status"] == "succeeded", prediction["error"]
    assert prediction["output"]["segments"][0]["text"].startswith("Hello Maria")
    assert any(call.at < half for call in web_server.of("/public/health"))
    assert not await asyncio.to_thread(unfinished, url, TOKEN)
    awake.stop()


def test_download_fetches_what_the_environment_names(starter: Starter) -> None:
    run = starter.start(
        "-c", "from platforms.modal.app import download; print('names:', download.local())"
    )
    assert run.process.wait(PATIENCE) == 0, run.log()
    assert "names: ['demo']" in run.log()


ASKED = """
import json, modal
asked = {}
ask = modal.App.cls
def note(app, **arguments):
    asked.update(arguments)
    return ask(app, **arguments)
modal.App.cls = note
from platforms.modal.app import app
kept = {name: value for name, value in asked.items() if isinstance(value, (int, str))}
print(json.dumps({"app": app.name, "volumes": list(asked["volumes"]), **kept}))
"""


def test_app_asks_modal_for_the_promised_machine(starter: Starter) -> None:
    run = starter.start("-c", ASKED)
    assert run.process.wait(PATIENCE) == 0, run.log()
    assert json.loads(run.log().splitlines()[-1]) == {
        "app": "whisperx-stack",
        "volumes": ["/models"],
        "gpu": "A10G",
        "timeout": 600,
        "scaledown_window": 120,
        "min_containers": 0,
        "max_containers": 1,
        "enable_memory_snapshot": True,
    }
