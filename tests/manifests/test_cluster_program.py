"""The program of tests/cluster as far as it goes without a cluster: what it applies and concludes.

No cluster was there when these were written. The pods below have the fields of Kubernetes' API
that are read, and the kubectl below is none: the program is run against it, Kubernetes is not.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stack.settings import ROOT
from tests.cluster import manifest
from tests.cluster.observations import Outage, Row, outages, ready, restarts, table, with_redis
from tests.cluster.steps import STEPS
from tests.conftest import RECORDING
from tests.manifests.checks import problems
from tests.manifests.documents import container, variables


def test_what_is_applied_has_secrets_an_address_and_small_models() -> None:
    documents = manifest.stack("registry.example/us", "demo")
    assert problems(documents) == []
    given = [v for d in documents if d["kind"] == "Secret" for v in d["stringData"].values()]
    assert len(given) == len(set(given)) == 4
    assert not any("<" in value for value in given)
    bridge = container(documents, "bridge")
    assert bridge["image"].startswith("registry.example/us/whisperx-bridge:")
    assert variables(bridge)["MODELS"] == "demo"
    assert variables(container(documents, "whisperx"))["MODELS"] == "demo"
    (caller,) = manifest.caller("registry.example/us")["spec"]["containers"]
    assert caller["image"] == bridge["image"]


def test_outages_are_from_the_first_refusal_to_the_next_answer() -> None:
    lines = ["1.0 200", "1.2 0", "1.4 503", "1.6 200", "1.8 200", "2.0 0", "2.5 0"]
    assert outages(lines) == [Outage(1.2, 1.6), Outage(2.0, 2.5)]
    assert outages(["1.0 200", "1.2 200"]) == []


def pod(name: str, state: str, *, is_ready: bool = True, **metadata: str) -> dict[str, Any]:
    status = {"name": "redis", "state": {state: {}}, "restartCount": 2, "ready": is_ready}
    conditions = [{"type": "Ready", "status": str(is_ready)}]
    return {
        "metadata": {"name": name, **metadata},
        "status": {"containerStatuses": [status], "conditions": conditions},
    }


def test_two_redis_at_once_are_seen() -> None:
    leaving = pod("old", "running", deletionTimestamp="2026-11-26T12:00:00Z")
    waiting = {"metadata": {"name": "new"}, "status": {"phase": "Pending"}}
    assert with_redis({"items": [leaving, waiting]}) == ["old"]
    assert with_redis({"items": [leaving, pod("new", "running")]}) == ["old", "new"]
    assert with_redis({"items": [pod("old", "terminated"), pod("new", "waiting")]}) == []
    assert not ready(leaving)
    assert not ready(waiting)
    assert not ready(pod("new", "running", is_ready=False))
    assert ready(pod("new", "running"))
    assert restarts(leaving, "redis") == 2
    assert restarts(waiting, "redis") == 0


def test_the_table_tells_what_failed() -> None:
    rows = [Row("apply", False, 1.25, "accepted"), Row("drain", True, 2.0, "a | b")]
    lines = table(rows).splitlines()
    assert lines[2:] == ["| apply | held | 1.2 | accepted |", "| drain | FAILED | 2.0 | a / b |"]


@pytest.mark.parametrize("there", [True, False])
def test_without_a_cluster_one_line_says_so(there: bool, tmp_path: Path) -> None:
    # Ours has no cluster behind it; in an empty folder there is no kubectl either.
    path = os.environ["PATH"] if there else str(tmp_path)
    environ = {"PATH": path, "PYTHONPATH": str(ROOT), "KUBECONFIG": str(tmp_path / "none")}
    command = [sys.executable, "-W", "ignore", "-m", "tests.cluster"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("cluster: kubectl ")


def run(folder: Path, fault: str = "") -> tuple[int, dict[str, str], list[list[str]]]:
    """Its status, what became of each step, and what kubectl was asked."""
    fake = folder / "bin" / "kubectl"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\nexec {sys.executable} -S {ROOT}/tests/fixtures/kubectl.py "$@"\n')
    fake.chmod(0o755)
    state = folder / "state.json"
    restarts = dict.fromkeys(("whisperx", "redis", "bridge"), 0)
    begun = {"pod": 1, "leaving": "", "restarts": restarts, "predictions": {}, "restored": False}
    state.write_text(json.dumps({**begun, "asked": []}))
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.cluster",
            "--registry",
            "registry.example/us",
        ],
        cwd=ROOT,
        env={
            "PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "FAKE_STATE": str(state),
            "FAKE_TRUTH": str(RECORDING.with_suffix(".json")),
            "FAULT": fault,
        },
        capture_output=True,
        text=True,
        timeout=110,
    )
    rows = [line.split(" | ") for line in done.stdout.splitlines()[2:]]
    outcomes = {row[0].removeprefix("| "): row[1] for row in rows}
    assert len(outcomes) == len(STEPS), done.stdout + done.stderr
    return done.returncode, outcomes, json.loads(state.read_text())["asked"]


@pytest.mark.slow
def test_it_goes_through_every_step_and_removes_what_it_made(tmp_path: Path) -> None:
    status, outcomes, asked = run(tmp_path)
    assert (status, set(outcomes.values())) == (0, {"held"}), outcomes
    (made,) = (words[2] for words in asked if words[:2] == ["create", "namespace"])
    assert asked[-1][:3] == ["delete", "namespace", made]
    assert ["scale", "deployment/whisperx-stack", "--replicas=0"] in asked
    assert shutil.which("kubectl", path=str(tmp_path / "bin"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "failed"), [("drop", {"drain"}), ("two", {"delete"}), ("empty", {"restore"})]
)
def test_it_sees_what_is_amiss(fault: str, failed: set[str], tmp_path: Path) -> None:
    status, outcomes, _ = run(tmp_path, fault)
    assert status == 1
    assert {step for step, outcome in outcomes.items() if outcome == "FAILED"} == failed
