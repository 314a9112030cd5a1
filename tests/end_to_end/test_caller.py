"""tests/cluster/caller.py, which calls from inside a cluster, calls a stack of this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

from stack.settings import ROOT, free_port
from tests.conftest import RunningStack, wait_until


def call(url: str, token: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", str(ROOT / "tests/cluster/caller.py"), *words],
        env={"PATH": os.environ["PATH"], "API_URL": url, "BRIDGE_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_uploads_a_recording_and_gets_its_prediction(
    stack: RunningStack, short_recording: Path
) -> None:
    created = json.loads(call(stack.url, stack.token, "create", str(short_recording)).stdout)

    def get() -> dict[str, object]:
        found: dict[str, object] = json.loads(
            call(stack.url, stack.token, "get", created["id"]).stdout
        )
        return found

    wait_until(lambda: get()["completed_at"], "it has ended", 60)
    assert get()["status"] == "succeeded"


def test_its_failures_are_told(stack: RunningStack, short_recording: Path) -> None:
    refused = call(stack.url, "another-token", "create", str(short_recording))
    assert (refused.returncode, refused.stderr[:4]) == (1, "401 ")
    nobody = call(f"http://127.0.0.1:{free_port()}", stack.token, "get", "x")
    assert nobody.returncode == 1
    assert nobody.stderr.startswith("no answer: ")


def test_it_watches_until_it_is_told_to_stop(stack: RunningStack, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    process = subprocess.Popen(
        [sys.executable, "-I", str(ROOT / "tests/cluster/caller.py"), "watch", str(stop)],
        env={"PATH": os.environ["PATH"], "API_URL": stack.url},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().split()[1] == "200"
    stop.touch()
    process.communicate(timeout=30)
    assert process.returncode == 0
