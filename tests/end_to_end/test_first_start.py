"""The first start: an error is one line, and no two stacks meet."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from benchmarks.fault_stack import PREDICTOR
from stack.client import Client
from stack.settings import ROOT, free_port
from tests.conftest import RunningStack, start_stack, stop_stack, wait_until

SECRETS = {"BRIDGE_TOKEN": "a-token-for-tests", "WEBHOOK_SECRET": "a-secret-for-tests"}


def program(name: str, state: Path, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "stack", name],
        cwd=ROOT,
        env={**os.environ, "MODELS": "demo", "STATE_DIR": str(state), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def refusal(state: Path, **environ: str) -> str:
    """The one line of a `make up` that refuses to start."""
    began = time.monotonic()
    process = program("up", state, **SECRETS, **environ)
    said, line = process.communicate(timeout=60)
    assert time.monotonic() - began < 8, "three seconds on a machine that has nothing else to do"
    assert (process.returncode, said) == (2, "")
    (only,) = line.splitlines()
    return only


@contextmanager
def demo(state: Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    process = program("demo", state, **environ)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


def said_until(process: subprocess.Popen[str], what: str) -> None:
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if what in line:
            return
    pytest.fail(f"it never said {what!r}: {said}")


def test_a_second_stack_in_the_same_folder(stack: RunningStack) -> None:
    ports = {"BRIDGE_PORT": str(free_port()), "COG_PORT": str(free_port())}
    line = refusal(stack.state_dir, **ports)
    assert line.startswith(f"stack: STATE_DIR: {stack.state_dir} is in use by ")
    assert f"(process {stack.process.pid}); choose another with STATE_DIR=FOLDER" in line
    assert stack.healthy()


def test_a_second_stack_on_the_same_ports(stack: RunningStack, tmp_path: Path) -> None:
    port = stack.url.rpartition(":")[2]
    line = refusal(tmp_path, BRIDGE_PORT=port)
    assert line.startswith(f"stack: BRIDGE_PORT: port {port} is taken by ")
    assert f"(process {stack.pid('bridge')})" in line
    assert stack.healthy()


def test_what_the_bridge_refuses_is_shown_and_not_tried_again(tmp_path: Path) -> None:
    python = tmp_path / "python"  # refuses what no check before the start could know
    refused = "bridge: what only a running one can see is wrong"
    python.write_text(
        f'#!/bin/sh\n[ "$*" = \'-m bridge\' ] || exec {sys.executable} "$@"\n'
        f"echo '{refused}' >&2; exit 2\n"
    )
    python.chmod(0o755)
    ports = {"BRIDGE_PORT": str(free_port()), "COG_PORT": str(free_port())}
    process = program("up", tmp_path, **SECRETS, **ports, BRIDGE_PYTHON=str(python))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.splitlines()[-1] == f"stack: {refused}"
    assert (tmp_path / "log" / "bridge.log").read_text().count(refused) == 1


def test_a_stopped_stack_says_how_long_it_waits(tmp_path: Path) -> None:
    stack = start_stack(tmp_path, COG_PREDICT_TYPE_STUB=PREDICTOR)
    stack.process.send_signal(signal.SIGINT)
    assert stack.process.wait(60) == 0
    said = (tmp_path / "stack.log").read_text().splitlines()
    assert f"stack: the page: {stack.url}/" in said
    assert any(line.startswith(f"stack: ready: {stack.url}/v1 ") for line in said)
    assert "stack: the token: that of BRIDGE_TOKEN" in said
    assert any(line.startswith("stack: the models: demo, on the ") for line in said)
    waits = "stack: stopping; a running prediction has 30 s to finish, then the next start goes on"
    assert said[-1].startswith(waits)


def test_a_demo_that_is_interrupted_leaves_one_line_and_no_recording(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with demo(tmp_path) as process:
        said_until(process, "sending conversation.wav")
        wait_until(lambda: list((folder / "files").glob("[!.]*")), "the recording has arrived")
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 5
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert err.splitlines()[-1] == "demo: stopped; nothing of it is kept"
    assert len([line for line in err.splitlines() if line.startswith("demo:")]) == 1
    assert list((folder / "files").glob("[!.]*")) == []
    assert not (folder / "redis").exists()


@pytest.mark.slow
async def test_a_second_interruption_ends_a_running_prediction_at_once(
    tmp_path: Path, short_recording: Path
) -> None:
    stack = start_stack(tmp_path, COG_PREDICT_TYPE_STUB=PREDICTOR)
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(session, stack.url, stack.token)
            made = await client.create_from_file(short_recording, initial_prompt="sleep=600")
            async for prediction in client.follow(made["id"]):
                if prediction["status"] == "processing":
                    break
        stack.process.send_signal(signal.SIGINT)
        wait_until(lambda: "stopping;" in (tmp_path / "stack.log").read_text(), "it waits")
        assert stack.process.poll() is None
        began = time.monotonic()
        stack.process.send_signal(signal.SIGINT)
        assert stack.process.wait(60) == 0
        assert time.monotonic() - began < 5
    finally:
        if stack.process.poll() is None:
            stop_stack(stack)


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("first", ["up", "demo"])
async def test_a_demo_beside_a_stack_takes_nothing_from_it(
    first: str, tmp_path: Path, short_recording: Path
) -> None:
    process = program("demo", tmp_path) if first == "demo" else None
    if process is not None:
        said_until(process, "sending conversation.wav")
    stack = start_stack(tmp_path, COG_PREDICT_TYPE_STUB=PREDICTOR)
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(session, stack.url, stack.token)
            running, queued = [
                (await client.create_from_file(short_recording, initial_prompt=prompt))["id"]
                for prompt in ("sleep=600", "logs=1")
            ]
            process = process or program("demo", tmp_path)
            said, errors = process.communicate(timeout=150)
            await client.cancel(running)
            ended = await client.finish(queued)
        assert ended["status"] == "succeeded", ended
        assert "Hello Maria" in said, errors
    finally:
        stop_stack(stack)
