"""The steps, in their order: each returns what was seen, or raises StepFailed."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from evaluation.scoring import plain_words, word_error_rate
from stack.settings import ROOT
from tests.cluster import manifest
from tests.cluster.kubectl import Kubectl, StepFailed, until
from tests.cluster.observations import Outage, outages, ready, restarts, with_redis
from tests.conftest import RECORDING
from tests.manifests.documents import documented

READY_SECONDS = 900
CLOCKS = 1.0  # seconds by which two clocks of one cluster may differ
LABEL = "app=whisperx-stack"
# The first process of a container is safe from signals of its own namespace; its children are not.
END_CHILDREN = """
import os, pathlib, signal
for child in pathlib.Path("/proc/1/task/1/children").read_text().split():
    os.kill(int(child), signal.SIGKILL)
"""
END_REDIS = 'kill -9 "$(pidof redis-server)"'


@dataclass
class Cluster:
    """What the steps share."""

    kubectl: Kubectl
    registry: str
    models: str
    folder: Path
    first: dict[str, Any] = field(default_factory=dict)
    """The prediction of the first transcript."""

    def pods(self) -> dict[str, Any]:
        found: dict[str, Any] = self.kubectl.get("pods", "-l", LABEL)
        return found

    def pod(self) -> dict[str, Any]:
        """The one that is ready."""
        until(lambda: any(map(ready, self.pods()["items"])), "a pod is ready", READY_SECONDS)
        return next(filter(ready, self.pods()["items"]))

    def call(self, *words: str) -> Any:
        return json.loads(self.kubectl("exec", manifest.CALLER, "--", *_caller(*words)))

    def create(self) -> str:
        return str(self.call("create", "/tmp/talk.wav")["id"])

    def get(self, prediction_id: str) -> dict[str, Any]:
        """The prediction; nothing while the API is away."""
        try:
            found: dict[str, Any] = self.call("get", prediction_id)
        except StepFailed:
            return {}
        return found

    def running(self) -> str:
        """A prediction that runs."""
        created = self.create()
        begun = ("processing", "succeeded", "failed", "canceled")
        until(lambda: self.get(created).get("status") in begun, "it runs", pause=0.2)
        return created

    def succeeded(self, prediction_id: str) -> dict[str, Any]:
        """The prediction, once it has ended well."""
        last: dict[str, Any] = {}

        def ended() -> bool:
            last.update(self.get(prediction_id))
            return bool(last.get("completed_at"))

        until(ended, f"prediction {prediction_id} has ended", READY_SECONDS)
        if last["status"] != "succeeded":
            raise StepFailed(f"a prediction {last['status']}: {last['error']}")
        return last

    @contextmanager
    def watched(self) -> Iterator[list[Outage]]:
        """The Service is asked again and again; the outages are there at the end of the block."""
        command = ["kubectl", "exec", manifest.CALLER, "--", *_caller("watch", "/tmp/stop")]
        self.kubectl("exec", manifest.CALLER, "--", "rm", "-f", "/tmp/stop")
        found: list[Outage] = []
        process = subprocess.Popen(
            command, env=self.kubectl.environ, stdout=subprocess.PIPE, text=True
        )
        try:
            yield found
        finally:
            self.kubectl("exec", manifest.CALLER, "--", "touch", "/tmp/stop")
            lines, _ = process.communicate(timeout=60)
            found += outages(lines.splitlines())


def _caller(*words: str) -> tuple[str, ...]:
    return ("python", "/tmp/caller.py", *words)


def apply(cluster: Cluster) -> str:
    """Everything is accepted, also where pods have to be restricted."""
    kubectl = cluster.kubectl
    kubectl("create", "namespace", kubectl.namespace)
    enforced = "pod-security.kubernetes.io/enforce=restricted"
    kubectl("label", "namespace", kubectl.namespace, enforced)
    kubectl.apply([*manifest.stack(cluster.registry, cluster.models)])
    kubectl.apply([manifest.caller(cluster.registry)])
    return "accepted by strict validation and the restricted pod security standard"


def becomes_ready(cluster: Cluster) -> str:
    """The pod becomes ready, and so does the one that calls it."""
    kubectl = cluster.kubectl
    wait = f"--timeout={READY_SECONDS}s"
    kubectl("rollout", "status", "deployment/whisperx-stack", wait, seconds=READY_SECONDS + 30)
    kubectl("wait", "--for=condition=Ready", f"pod/{manifest.CALLER}", "--timeout=120s")
    for name, path in (
        ("caller.py", Path(__file__).with_name("caller.py")),
        ("talk.wav", RECORDING),
    ):
        kubectl("cp", str(path), f"{manifest.CALLER}:/tmp/{name}")
    return f"pod {cluster.pod()['metadata']['name']}"


def transcript(cluster: Cluster) -> str:
    """The demo recording, through the Service."""
    cluster.first = cluster.succeeded(cluster.create())
    heard = plain_words(" ".join(s["text"] for s in cluster.first["output"]["segments"]))
    truth = json.loads(RECORDING.with_suffix(".json").read_text())["text"]
    rate = word_error_rate(plain_words(truth), heard)
    if rate > 0.1:
        raise StepFailed(f"word error rate {rate:.1%}")
    return f"word error rate {rate:.1%}"


def kill_redis(cluster: Cluster) -> str:
    """Redis is killed while a prediction runs."""
    return _killed(cluster, "redis", ("sh", "-c", END_REDIS))


def kill_cog(cluster: Cluster) -> str:
    """Cog is killed while a prediction runs."""
    return _killed(cluster, "whisperx", ("python", "-c", END_CHILDREN))


def _killed(cluster: Cluster, container: str, command: tuple[str, ...]) -> str:
    before = restarts(cluster.pod(), container)
    prediction = cluster.running()
    cluster.kubectl("exec", "deploy/whisperx-stack", "-c", container, "--", *command)
    until(lambda: restarts(cluster.pods()["items"][0], container) > before, "it is started again")
    cluster.succeeded(prediction)
    cluster.pod()
    return "started again; the prediction that ran succeeded"


def lose_pod(cluster: Cluster) -> str:
    """The pod goes without a chance to drain, as with its node."""
    name, prediction = cluster.pod()["metadata"]["name"], cluster.running()
    cluster.kubectl("delete", "pod", name, "--force", "--grace-period=0", "--wait=false")
    cluster.succeeded(prediction)
    return f"prediction succeeded in pod {cluster.pod()['metadata']['name']}"


def drain(cluster: Cluster) -> str:
    """A rollout under load: one prediction runs, two wait, one comes during the drain."""
    old = cluster.pod()["metadata"]["name"]
    running, *queued = [cluster.running(), cluster.create(), cluster.create()]
    with cluster.watched() as away:
        cluster.kubectl("rollout", "restart", "deployment/whisperx-stack")
        until(lambda: _leaving(cluster, old), "the old pod is stopped", pause=0.1)
        if cluster.get(running).get("completed_at"):
            raise StepFailed("the prediction ended before the drain began: nothing was seen")
        late = cluster.create()
        for prediction in (*queued, late):
            cluster.succeeded(prediction)
        cluster.pod()
    ended = datetime.fromisoformat(cluster.succeeded(running)["completed_at"]).timestamp()
    early = [one for one in away if one.began < ended - CLOCKS]
    if early:
        raise StepFailed(f"no answer {ended - early[0].began:.1f} s before the drain was over")
    longest = max((one.seconds for one in away), default=0.0)
    return (
        f"4 of 4 succeeded; the API answered through the drain, then was away for {longest:.1f} s"
    )


def _leaving(cluster: Cluster, name: str) -> bool:
    found = [p for p in cluster.pods()["items"] if p["metadata"]["name"] == name]
    return all("deletionTimestamp" in pod["metadata"] for pod in found)


def delete(cluster: Cluster) -> str:
    """`kubectl delete pod` during a run: no two Redis at once, and nothing is run twice."""
    old, prediction = cluster.pod()["metadata"]["name"], cluster.running()
    cluster.kubectl("delete", "pod", old, "--wait=false")

    def replaced() -> bool:
        pods = cluster.pods()
        if len(both := with_redis(pods)) > 1:
            raise StepFailed(f"two Redis at once: {', '.join(both)}")
        return any(ready(pod) and pod["metadata"]["name"] != old for pod in pods["items"])

    until(replaced, "the new pod is ready", READY_SECONDS)
    cluster.succeeded(prediction)
    return "never two Redis at once; its prediction succeeded"


def restore(cluster: Cluster) -> str:
    """The documented backup and restore, word by word, while a prediction runs."""
    cluster.running()
    (cluster.folder / "k8s").symlink_to(ROOT / "k8s")
    for command in documented("Back up and restore"):
        cluster.kubectl.shell(command, cluster.folder)
    cluster.pod()
    until(lambda: cluster.get(cluster.first["id"]), "the first result is there again")
    if cluster.get(cluster.first["id"])["output"] != cluster.first["output"]:
        raise StepFailed("the first result is another one")
    return "the first result is there again"


STEPS: tuple[Callable[[Cluster], str], ...] = (
    *(apply, becomes_ready, transcript, kill_redis, kill_cog, lose_pod, drain, delete, restore),
)
