"""The all-in-one image, as docs/operations.md starts it, but for the GPU."""

import os
import re
import subprocess
import time
from collections.abc import Iterator

import openai
import pytest

from evaluation.scoring import plain_words, word_error_rate
from stack.settings import free_port
from tests.conftest import RECORDING, wait_until
from tests.pod.manifest import images
from tests.pod.podman import Podman, say

pytestmark = [pytest.mark.pod, pytest.mark.timeout(1800)]
NAME = "all-in-one"
VOLUMES = ("models", "state")
TOKEN = "a-token-of-all-in-one"


@pytest.fixture(scope="module")
def url(podman: Podman) -> Iterator[str]:
    found = images()
    port = str(free_port())
    given = {"PORT": port, "BRIDGE_TOKEN": TOKEN, "WHISPER_MODEL": "demo", "HF_TOKEN": ""}
    given["WEBHOOK_SECRET"] = "a-webhook-key-of-all-in-one"
    flags = [f"--env={name}={value}" for name, value in given.items()]
    flags += ["--read-only", "--cap-drop=all", "--memory=8g", "--tmpfs=/tmp"]
    flags += [f"--volume=all-in-one-{volume}:/{volume}" for volume in VOLUMES]
    flags += [f"--publish=127.0.0.1:{port}:{port}"]
    began = time.monotonic()
    try:
        image = f"{found['REGISTRY']}/{found['ALL_IN_ONE']}:{found['VERSION']}"
        podman("run", "-d", "--name", NAME, *flags, image)
        address = f"http://127.0.0.1:{port}"
        ask = ["curl", "-sf", "-m", "3", "-o", os.devnull, f"{address}/health-check"]
        wait_until(lambda: subprocess.run(ask).returncode == 0, "it is ready", 300, 0.5)
        say(f"all in one: ready {time.monotonic() - began:.1f} s after `run`")
        yield address
    finally:
        podman.run("rm", "-f", "-t", "1", NAME)
        for volume in VOLUMES:
            podman.run("volume", "rm", "-f", f"all-in-one-{volume}")


def test_it_transcribes_the_demo_recording_and_stops_cleanly(url: str, podman: Podman) -> None:
    with openai.OpenAI(api_key=TOKEN, base_url=f"{url}/v1", timeout=300) as client:
        heard = client.audio.transcriptions.create(model="whisper-1", file=RECORDING)
    spoken = re.search(r'"text": "([^"]*)"', RECORDING.with_suffix(".json").read_text())
    assert spoken
    assert word_error_rate(plain_words(spoken[1]), plain_words(heard.text)) < 0.1
    began = time.monotonic()
    podman("stop", "-t", "60", NAME)
    assert podman("inspect", "--format", "{{.State.ExitCode}}", NAME) == "0"
    say(f"all in one: stopped {time.monotonic() - began:.1f} s after SIGTERM")
