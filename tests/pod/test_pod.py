"""k8s/cpu as a real pod: our images, podman, the kernel's own view. `make test-pod`."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from replicate.client import Client

from evaluation.scoring import plain_words, word_error_rate
from stack.settings import ROOT
from tests.conftest import RECORDING, wait_until
from tests.manifests.documents import documented
from tests.pod.podman import Pod, say
from tests.pod.receiver import Receiver

pytestmark = [pytest.mark.pod, pytest.mark.timeout(1800)]
CONTAINERS = ("whisperx", "redis", "bridge")
TERMINAL = ("succeeded", "failed", "canceled")


@pytest.fixture(scope="module")
def client(pod: Pod) -> Iterator[Client]:
    made = Client(api_token=pod.token, base_url=pod.url)
    yield made
    made._client.close()


def create(client: Client, path: Path, **options: Any) -> Any:
    with path.open("rb") as recording:
        return client.predictions.create(
            version="whisperx/whisperx-stack", input={"audio_file": recording}, **options
        )


def get(client: Client, prediction_id: str) -> Any:
    """The prediction, None while the bridge cannot be asked."""
    try:
        return client.predictions.get(prediction_id)
    except Exception:
        return None


def wait_for(client: Client, prediction_id: str, *statuses: str) -> Any:
    def there() -> bool:
        found = get(client, prediction_id)
        return found is not None and found.status in statuses

    wait_until(there, f"the prediction is {' or '.join(statuses)}", 300, 0.2)
    return client.predictions.get(prediction_id)


@pytest.fixture(scope="module")
def first(client: Client) -> Any:
    """The demo recording, transcribed."""
    began = time.monotonic()
    created = create(client, RECORDING)
    ended = wait_for(client, created.id, *TERMINAL)
    say(f"the demo recording was transcribed in {time.monotonic() - began:.1f} s")
    return ended


def test_the_official_client_gets_the_demo_recording_transcribed(first: Any) -> None:
    assert first.status == "succeeded"
    heard = " ".join(segment["text"] for segment in first.output["segments"])
    truth = RECORDING.with_suffix(".json").read_text()
    spoken = re.search(r'"text": "([^"]*)"', truth)
    assert spoken
    assert word_error_rate(plain_words(spoken[1]), plain_words(heard)) < 0.1
    assert len({segment["speaker"] for segment in first.output["segments"]}) == 2


@pytest.mark.parametrize(
    ("container", "said"),
    [("bridge", ["accepted", "processing", "succeeded"]), ("whisperx", ["transcribed"])],
)
def test_the_logs_are_json_and_name_the_prediction(
    pod: Pod, first: Any, container: str, said: list[str]
) -> None:
    lines = [json.loads(line) for line in pod.logs(container).splitlines() if line[:1] == "{"]
    if container == "whisperx":  # Cog wraps what its worker writes
        inner = [line.get("fields", {}).get("message", "") for line in lines]
        lines = [json.loads(message) for message in inner if message[:1] == "{"]
    about = [line["message"] for line in lines if line.get("prediction") == first.id]
    assert [message.rpartition(" ")[2] for message in about] == said


@pytest.mark.parametrize("kind", ["startup", "readiness", "liveness"])
@pytest.mark.parametrize("container", CONTAINERS)
def test_every_probe_of_a_working_pod_says_yes(pod: Pod, container: str, kind: str) -> None:
    assert pod.probe(container, kind)


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_kernel_sees_what_the_manifest_asks_for(pod: Pod, container: str) -> None:
    status = Path(f"/proc/{pod.pid(container)}/status").read_text()
    seen = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.MULTILINE))
    assert seen["Uid"].split() == ["10001"] * 4
    assert int(seen["CapEff"], 16) == int(seen["CapBnd"], 16) == 0
    assert seen["NoNewPrivs"] == "1"
    assert seen["Seccomp"] == "2"
    written = pod.exec(container, "sh", "-c", "echo x > /written")
    assert "Read-only file system" in written.stderr
    limit = pod.container(container)["resources"]["limits"]["memory"]
    assert memory_limit(pod.pid(container)) == int(limit.removesuffix("Gi")) << 30
    say(f"{container}: uid 10001, no capabilities, read-only root, memory limit {limit}")


def memory_limit(pid: int) -> int:
    """As the kernel enforces it, in cgroups of either version."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return int(Path(f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes").read_text())
    return int(Path(f"/sys/fs/cgroup{path}/memory.max").read_text())


def test_only_the_bridge_can_be_reached_from_outside_the_pod(pod: Pod) -> None:
    listening = subprocess.run(
        ["nsenter", "--target", str(pod.pid("redis")), "--net", "ss", "-Htln"],
        capture_output=True,
        text=True,
    )
    assert listening.returncode == 0, listening.stderr
    open_to_all = set(re.findall(r"(?:0\.0\.0\.0|\*|\[::\]):(\d+)\s", listening.stdout))
    assert open_to_all == {"8080", "9090"}


def carry_out(command: str, pod: Pod, folder: Path) -> None:
    """What kubectl would do, done by podman; the commands inside the containers are the same."""
    restore = "k8s/examples/restore.yaml"
    match shlex.split(command):
        case ["kubectl", "exec", *words]:
            target = words[words.index("--") - 1]
            name = f"{target}-restore" if target == "whisperx-restore" else pod.name(target)
            line = shlex.join([*pod.podman.command, "exec", "-i", name])
            line += " " + command.partition(" -- ")[2]
            done = subprocess.run(line, shell=True, cwd=folder, env=pod.podman.environ, timeout=60)
            assert done.returncode == 0, command
        case ["kubectl", "scale", "deployment/whisperx-stack", "--replicas=0"]:
            pod.down()
            pod.podman("volume", "rm", "whisperx-redis")  # the loss
        case ["kubectl", "scale", "deployment/whisperx-stack", "--replicas=1"]:
            pod.play()
        case ["kubectl", "wait", "--for=delete", *_]:
            pass  # `down` has waited
        case ["kubectl", "apply", "-f", file] if file == restore:
            holder = next(yaml.safe_load_all((ROOT / restore).read_text()))
            for probe in ("readinessProbe", "livenessProbe"):
                assert holder["spec"]["containers"][0].pop(probe)
            pod.podman("kube", "play", "-", stdin=yaml.safe_dump(holder))
        case ["kubectl", "delete", "-f", file] if file == restore:
            pod.podman("pod", "rm", "-f", "-t", "1", "whisperx-restore")
        case ["kubectl", "wait", "--for=condition=Ready", "pod/whisperx-restore"]:
            ready = ["exec", "whisperx-restore-restore", "test", "-w", "/data"]
            assert pod.podman.run(*ready).returncode == 0
        case _:
            pytest.fail(f"nobody has tried: {command}")


def test_a_backup_is_made_and_restored_as_operations_says(
    pod: Pod, client: Client, first: Any, tmp_path: Path
) -> None:
    for command in documented("Back up and restore"):
        carry_out(command, pod, tmp_path)
    wait_until(lambda: get(client, first.id), "the result is there again", 300, 0.3)
    assert client.predictions.get(first.id).output == first.output
    wait_until(lambda: pod.probe("bridge", "readiness"), "the pod is ready again", 300, 0.3)
    say("a backup was restored into an empty volume")


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_killed_container_comes_back_and_nothing_is_lost(
    pod: Pod, client: Client, first: Any, container: str
) -> None:
    created = create(client, RECORDING)
    wait_for(client, created.id, "processing", *TERMINAL)
    if container == "redis":
        # Its file is written once a second.
        time.sleep(1.1)
    killed = pod.pid(container)
    began = time.monotonic()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: pod.pid(container) not in (0, killed), f"{container} runs again", 60)
    back = time.monotonic() - began
    ended = wait_for(client, created.id, *TERMINAL)
    assert ended.status == "succeeded" or (ended.status == "failed" and ended.error)
    assert client.predictions.get(first.id).output == first.output
    wait_until(lambda: pod.probe("bridge", "readiness"), "the pod is ready again", 300, 0.3)
    say(
        f"{container} killed: back after {back:.1f} s, the running job {ended.status} "
        f"{time.monotonic() - began:.1f} s after the kill"
    )


def test_a_stopped_pod_finishes_its_job_and_keeps_its_queue(
    pod: Pod, client: Client, receiver: Receiver
) -> None:
    options = {"webhook": receiver.url, "webhook_events_filter": ["completed"]}
    running = create(client, RECORDING, **options)
    queued = create(client, RECORDING)
    wait_for(client, running.id, "processing")
    pids = {name: pod.pid(name) for name in CONTAINERS}
    began = time.monotonic()
    stops = {
        name: subprocess.Popen(
            [*pod.podman.command, "stop", "-t", "110", pod.name(name)],
            env=pod.podman.environ,
            stdout=subprocess.DEVNULL,
        )
        for name in CONTAINERS
    }
    gone: dict[str, float] = {}

    def all_gone() -> bool:
        for name, pid in pids.items():
            if name not in gone and not Path(f"/proc/{pid}").exists():
                gone[name] = time.monotonic() - began
        return len(gone) == len(pids)

    wait_until(all_gone, "all containers have stopped", 100)
    for stop in stops.values():
        stop.wait(30)
    say("stopped after " + ", ".join(f"{name} {gone[name]:.1f} s" for name in sorted(gone)))
    assert gone["bridge"] <= gone["whisperx"]
    # Redis may end first by the time that the bridge's interpreter takes to end.
    last_lines = pod.logs("bridge").rpartition("stopping: finishing")[2]
    assert "Redis does not answer" not in last_lines
    assert '"stopped"' in last_lines
    (body,) = [body for body in receiver.received() if body["id"] == running.id]
    assert body["status"] == "succeeded"

    pod.down()
    pod.play()
    for prediction in (running, queued):
        ended = wait_for(client, prediction.id, *TERMINAL)
        assert ended.status == "succeeded", ended.error
    say("started again on its volumes, it finished the queue")
