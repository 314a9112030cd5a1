"""How Redis is started in the manifests, as processes: two of them never have one folder."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from stack.settings import free_port
from tests.conftest import wait_until
from tests.manifests.documents import EXAMPLES, FILES, SCALE, Documents, container, load, only

PASSWORD = "thepasswordofredis"
ENTRIES = [*FILES, SCALE]
needs_flock = pytest.mark.skipif(shutil.which("flock") is None, reason="needs util-linux")


@dataclass
class Started:
    """A Redis container without its container."""

    spec: dict[str, Any]
    data: Path
    temporary: Path

    def __post_init__(self) -> None:
        self.port = free_port()
        self.environ = {"PATH": os.environ["PATH"], "REDISCLI_AUTH": PASSWORD, "DRAIN_SECONDS": "5"}
        self.log = self.temporary / "log"
        self.temporary.mkdir()
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                self._here([*self.spec["command"], *self.spec["args"]]),
                env=self.environ,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def says(self, text: str) -> bool:
        return text in self.log.read_text()

    def probe(self, kind: str) -> bool:
        command = self._here(self.spec[f"{kind}Probe"]["exec"]["command"])
        asked = subprocess.run(command, env=self.environ, capture_output=True, timeout=20)
        return asked.returncode == 0

    def client(self) -> Redis:
        return Redis(port=self.port, password=PASSWORD)

    def _here(self, words: list[str]) -> list[str]:
        """The same words about this machine's folders and a free port."""
        changes = {
            "/tmp/": f"{self.temporary}/",
            "port 6379": f"port {self.port}",
            "redis-cli": f"redis-cli -p {self.port}",
            "exec 9>/data": f"exec 9>{self.data}",
            "dir /data": f"dir {self.data}",
        }
        for theirs, ours in changes.items():
            words = [word.replace(theirs, ours) for word in words]
        return words


def redis_of(documents: Documents) -> dict[str, Any]:
    if not any(d["kind"] == "StatefulSet" for d in documents):
        return container(documents, "redis")
    (found,) = only(documents, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    return dict(found)


@contextmanager
def entry(name: str, data: Path, temporary: Path) -> Iterator[Started]:
    data.mkdir(exist_ok=True)
    started = Started(redis_of(load(name)), data, temporary)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.process.pid, signal.SIGKILL)
        started.process.wait(20)


@needs_flock
@pytest.mark.parametrize("name", ENTRIES)
def test_a_second_redis_waits_for_the_first_ones_end_and_says_so(name: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with entry(name, data, tmp_path / "one") as one:
        wait_until(lambda: one.probe("readiness"), "the first one answers")
        with one.client() as client:
            client.set("kept", "yes")
        with entry(name, data, tmp_path / "two") as two:
            wait_until(lambda: two.says("another Redis has"), "the second one waits")
            assert two.probe("startup")
            assert two.probe("liveness")
            assert not two.probe("readiness")
            one.process.terminate()
            assert one.process.wait(20) == 0
            wait_until(lambda: two.probe("readiness"), "the second one has the folder")
            with two.client() as client:
                assert client.get("kept") == b"yes"
            assert not (two.temporary / "redis.waits").exists()


@needs_flock
@pytest.mark.parametrize("name", ENTRIES)
def test_a_redis_that_waits_ends_when_it_is_told_to(name: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        entry(name, data, tmp_path / "one") as one,
        entry(name, data, tmp_path / "two") as two,
    ):
        both = [one, two]
        wait_until(lambda: any(s.says("another Redis has") for s in both), "one of them waits")
        (waiting,) = (s for s in both if s.says("another Redis has"))
        waiting.process.terminate()
        assert waiting.process.wait(10) == 143


def test_the_restore_pods_first_process_heeds_sigterm() -> None:
    (holder,) = (d for d in load("k8s/examples/restore.yaml") if d["kind"] == "Pod")
    (restore,) = holder["spec"]["containers"]
    assert "k8s/examples/restore.yaml" in EXAMPLES
    # The first process of a container has no signal's usual effect: only in a namespace of its own.
    command = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine makes no namespaces")
    process = subprocess.Popen([*command, *restore["command"]], start_new_session=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    first: list[str] = []

    def begun() -> bool:
        first[:] = children.read_text().split()
        return bool(first) and "unshare" not in Path(f"/proc/{first[0]}/comm").read_text()

    try:
        wait_until(begun, "it runs")
        asked = subprocess.run([sys.executable, "-c", f"import os; os.kill({first[0]}, 15)"])
        assert asked.returncode == 0
        assert process.wait(10) in (0, 143)
    finally:
        process.kill()
        process.wait()
