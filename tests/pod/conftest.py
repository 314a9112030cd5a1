"""One pod for the tests of this folder; they are run in the order in which they stand."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.pod.machine import CannotRun
from tests.pod.manifest import images
from tests.pod.podman import Pod, Podman, say
from tests.pod.receiver import Receiver


@pytest.fixture(scope="session")
def podman() -> Podman:
    try:
        found = Podman()
        found.prepare()
    except CannotRun as why:
        pytest.skip(f"no pod can be run here: {why}")
    registry = images()["REGISTRY"]
    for name in (images()["BRIDGE"], images()["PREDICTOR_CPU"]):
        size = found.size(f"{registry}/{name}:{images()['VERSION']}")
        say(f"{name}: {size / 1e6:.0f} MB above its base")
    return found


@pytest.fixture(scope="session")
def pod(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    # The receiver of webhooks listens on the pod's own loopback.
    environ = {
        "bridge": {"ALLOWED_PRIVATE_HOSTS": "127.0.0.1", "MODELS": "demo"},
        "whisperx": {"MODELS": "demo"},  # what is killed and drained has to be back in seconds
    }
    running = Pod(podman, tmp_path_factory.mktemp("pod"), environ)
    running.forget()
    began = time.monotonic()
    running.play()
    try:
        wait_until(lambda: running.probe("bridge", "readiness"), "the pod is ready", 300, 0.3)
        say(f"ready {time.monotonic() - began:.1f} s after `kube play`")
        yield running
    finally:
        running.forget()


@pytest.fixture
def receiver(pod: Pod, tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(pod.pid("redis"), tmp_path / "webhooks.jsonl") as listening:
        yield listening
