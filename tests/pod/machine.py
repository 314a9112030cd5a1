"""Whether this machine can run pods at all, asked with nothing of ours in them.

`make test-pod` is skipped where it cannot. What fails after `try_out` was well is a fault of ours.
"""

import base64
import contextlib
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from stack.settings import free_port
from tests.conftest import wait_until

if TYPE_CHECKING:
    from tests.pod.podman import Podman

TOOLS = ("podman", "mmdebstrap", "nsenter", "ss", "curl")
DISK = 10e9  # bytes: the images twice, while one is written
MEMORY = 5e9  # bytes: the predictor's limit, and the rest
PASSWORD = "read-from-a-secret"
POD = "trial"


class CannotRun(Exception):
    """Pods cannot be run here; the message says why."""


def look_at(state: Path) -> None:
    """What can be said without trying. Raises CannotRun."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise CannotRun(f"{', '.join(missing)}: not installed (docs/operations.md)")
    if os.geteuid() != 0:
        raise CannotRun("pods are run as root here: processes are killed by their host's pid")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if memory < MEMORY:
        raise CannotRun(f"{memory / 1e9:.0f} GB of memory; it takes {MEMORY / 1e9:.0f}")
    free = shutil.disk_usage(state).free
    if free < DISK:
        raise CannotRun(f"{free / 1e9:.0f} GB left on the disk; it takes {DISK / 1e9:.0f}")


def try_out(podman: "Podman", base: str) -> None:
    """Runs a pod with limits, a secret, a volume and a port, kills it, and builds an image that
    installs a package. Raises CannotRun, with what it was that did not work.
    """
    port = free_port()
    step = "a pod is started"
    try:
        _remove(podman)
        _play(podman, base, port)
        step = "its port is reached"
        wait_until(lambda: _answers(port), step, 20)
        step = "a command is run in it, and its secret and volume are there"
        podman("exec", f"{POD}-web", "sh", "-c", f'test "$PASSWORD" = {PASSWORD} && touch /data/x')
        step = "its network is entered"
        pid = _pid(podman)
        inside = ["nsenter", "--target", str(pid), "--net", "ss", "-Htln"]
        subprocess.run(inside, check=True, capture_output=True, timeout=10)
        step = "it is started again after a kill"
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: _pid(podman) not in (0, pid) and _answers(port), step, 30)
        step = "a package is installed in a build"
        recipe = (
            f"FROM {base}\nRUN python3 -m venv /v && /v/bin/pip download --no-deps -d /v idna\n"
        )
        podman("build", "-q", *podman.pip_flags, "-f", "-", str(podman.empty), stdin=recipe)
    except (OSError, subprocess.SubprocessError, pytest.fail.Exception) as error:
        raise CannotRun(f"tried whether {step}: {reason(error)}") from error
    finally:
        _remove(podman)


def reason(error: BaseException) -> str:
    """The end of what a failed command said, or the error."""
    said = getattr(error, "stderr", None) or getattr(error, "stdout", None) or str(error)
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return "; ".join(text.strip().splitlines()[-3:]) or type(error).__name__


def _play(podman: "Podman", base: str, port: int) -> None:
    secret = {"password": base64.b64encode(PASSWORD.encode()).decode()}
    podman("secret", "create", POD, "-", stdin=json.dumps(secret))
    podman("kube", "play", "-", stdin=yaml.safe_dump_all(_documents(base, port)), seconds=60)


def _documents(base: str, port: int) -> list[dict[str, Any]]:
    limits = {"memory": "64Mi", "cpu": "500m"}
    web = {
        "name": "web",
        "image": base,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-m", "http.server", "8080", "--directory", "/data"],
        "ports": [{"containerPort": 8080, "hostPort": port, "hostIP": "127.0.0.1"}],
        "env": [
            {"name": "PATH", "value": os.defpath.removeprefix(":")},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": POD, "key": "password"}}},
        ],
        "resources": {"limits": limits, "requests": limits},
        "securityContext": {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": POD},
            "spec": claim,
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": POD},
            "spec": {
                "containers": [web],
                "securityContext": {"runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001},
                "restartPolicy": "Always",
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": POD}}],
            },
        },
    ]


def _pid(podman: "Podman") -> int:
    done = podman.run("inspect", "--format", "{{.State.Pid}}", f"{POD}-web", seconds=20)
    return int(done.stdout.strip() or 0)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
        return bool(page.status == 200)
    return False


def _remove(podman: "Podman") -> None:
    for command in (("pod", "rm", "-f", "-t", "1"), ("volume", "rm", "-f"), ("secret", "rm")):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            podman.run(*command, POD, seconds=60)


def free_subnet() -> str:
    """A network that this machine routes to no other bridge, such as one that Docker's CNI left.

    Two bridges with podman's usual network make its published ports answer "no route to host".
    """
    taken = []
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        device, destination, _, _, _, _, _, mask, *_ = line.split()
        if device != "podman0" and int(mask, 16):
            packed = (int(number, 16).to_bytes(4, sys.byteorder) for number in (destination, mask))
            taken.append(ipaddress.ip_network("/".join(map(socket.inet_ntoa, packed))))
    candidates = ipaddress.ip_network("10.88.0.0/13").subnets(new_prefix=16)
    return str(next(net for net in candidates if not any(map(net.overlaps, taken))))
