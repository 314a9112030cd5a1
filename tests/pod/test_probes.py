"""The manifest's own probes, asked of real processes in every state that they can be in."""

import asyncio
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from stack import services
from stack.client import Client
from stack.services import Service
from stack.settings import ROOT, StackSettings, free_port, python_path
from tests.conftest import RECORDING, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONTAINERS = ("whisperx", "redis", "bridge")
KINDS = ("startup", "readiness", "liveness")
WELL, LOADING, UNREADY, BROKEN, GONE = "yyy", "nny", "yny", "ynn", "nnn"
# state -> what startup, readiness and liveness say of whisperx, redis and bridge. The kubelet asks
# the other two only once the startup probe has said yes, and ends what is not live.
TABLE = {
    "starting": (GONE, WELL, UNREADY),
    "loading": (LOADING, WELL, UNREADY),
    "ready": (WELL, WELL, WELL),
    "busy": (WELL, WELL, WELL),
    "draining": (WELL, WELL, UNREADY),
    "worker dead": (BROKEN, WELL, UNREADY),
    "setup failed": (BROKEN, WELL, UNREADY),
    "redis dead": (WELL, GONE, UNREADY),
}


def probes() -> dict[str, dict[str, Any]]:
    documents = yaml.safe_load_all((ROOT / "k8s/whisperx-stack.yaml").read_text())
    (deployment,) = (d for d in documents if d["kind"] == "Deployment")
    return {c["name"]: c for c in deployment["spec"]["template"]["spec"]["containers"]}


class PodProcesses:
    """The three processes, each started and killed on its own."""

    def __init__(self, folder: Path) -> None:
        self.gate = folder / "gate"
        ports = {name: str(free_port()) for name in ("BRIDGE_PORT", "COG_PORT")}
        self.settings = StackSettings.from_env(
            {
                **os.environ,
                **ports,
                "STATE_DIR": str(folder),
                "BRIDGE_TOKEN": "a-token-for-tests",
                "WEBHOOK_SECRET": "a-secret-for-tests",
                "MODELS": "demo",
                "SETUP_GATE": str(self.gate),
                "COG_PREDICT_TYPE_STUB": "evaluation/predictors/gated.py:Predictor",
            }
        )
        self.services = {
            "whisperx": services.cog(self.settings),
            "redis": services.redis(self.settings),
            "bridge": services.bridge(self.settings),
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._probes = probes()
        self._log = folder / "log"

    def start(self, name: str) -> None:
        service: Service = self.services[name]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                service.command,
                cwd=ROOT,
                env=dict(service.environ),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert process.stdin is not None
        process.stdin.write(service.stdin.encode())
        process.stdin.close()
        self.processes[name] = process

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def answers(self) -> tuple[str, ...]:
        """Every probe's answer, as TABLE writes them."""
        return tuple(
            "".join("y" if self.ask(name, kind) else "n" for kind in KINDS) for name in CONTAINERS
        )

    def ask(self, container: str, kind: str) -> bool:
        probe = self._probes[container][f"{kind}Probe"]
        if "httpGet" in probe:
            return self._get(probe["httpGet"]["path"], probe["timeoutSeconds"])
        # Here Redis has a port that is free, and not its own.
        port = self.settings.own_redis_port
        command = [
            word.replace("redis-cli", f"redis-cli -p {port}") for word in probe["exec"]["command"]
        ]
        environ = {
            "PATH": python_path(),
            "PORT": str(self.settings.cog_port),
            "REDISCLI_AUTH": self.settings.redis_password,
        }
        done = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, timeout=probe["timeoutSeconds"]
        )
        return done.returncode == 0

    def _get(self, path: str, seconds: float) -> bool:
        try:
            with urllib.request.urlopen(self.settings.url + path, timeout=seconds) as response:
                return bool(200 <= response.status < 400)
        except (OSError, urllib.error.HTTPError):
            return False

    def comes_to(self, state: str) -> None:
        wait_until(lambda: self.answers() == TABLE[state], f"the probes say: {state}", 20)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[PodProcesses]:
    built = PodProcesses(tmp_path)
    yield built
    for name in list(built.processes):
        built.kill(name)


def worker_of(cog: int) -> int:
    found = subprocess.run(["pgrep", "-P", str(cog)], capture_output=True, text=True).stdout
    return int(found.split()[0])


async def test_the_probes_tell_every_state(processes: PodProcesses) -> None:
    processes.start("redis")
    processes.start("bridge")
    processes.comes_to("starting")
    processes.start("whisperx")
    processes.comes_to("loading")
    processes.gate.touch()
    processes.comes_to("ready")

    async with aiohttp.ClientSession() as session:
        client = Client(session, processes.settings.url, processes.settings.bridge_token)
        created = await client.create_from_file(RECORDING, initial_prompt="sleep=4")
        while (await client.get(created["id"]))["status"] != "processing":
            await asyncio.sleep(0.05)
        assert processes.answers() == TABLE["busy"]
        processes.processes["bridge"].send_signal(signal.SIGTERM)
        processes.comes_to("draining")
        # While it drains it still answers: no client reads that the record does not exist.
        assert (await client.get(created["id"]))["status"] == "processing"
    assert processes.processes["bridge"].wait(20) == 0
    processes.start("bridge")
    processes.comes_to("ready")

    os.kill(worker_of(processes.processes["whisperx"].pid), signal.SIGKILL)
    processes.comes_to("worker dead")
    processes.kill("whisperx")
    processes.gate.write_text("no such model")
    processes.start("whisperx")
    processes.comes_to("setup failed")
    processes.kill("whisperx")
    processes.gate.write_text("")
    processes.start("whisperx")
    processes.comes_to("ready")
    processes.kill("redis")
    processes.comes_to("redis dead")


def test_a_dead_redis_and_a_failed_setup_restart_their_own_container_alone() -> None:
    for state, ended in {
        "worker dead": {"whisperx"},
        "setup failed": {"whisperx"},
        "redis dead": {"redis"},
        "loading": set(),
        "busy": set(),
        "draining": set(),
    }.items():
        answers = dict(zip(CONTAINERS, TABLE[state], strict=True))
        assert {name for name, said in answers.items() if said[2] == "n"} == ended
