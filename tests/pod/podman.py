"""Runs the manifest of k8s/cpu as a pod of podman: the kubelet's part is played by the tests.

podman takes most of the manifest as it is. What it cannot take is changed here and nowhere else:
Secrets are made beforehand (podman 4.3 cannot read its own), probes are left to the tests (podman
needs systemd for them, and `curl` inside the image), one port is published on loopback.
"""

import base64
import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from stack.settings import ROOT, free_port
from tests.pod.machine import CannotRun, free_subnet, look_at, reason, try_out
from tests.pod.manifest import document, documents, images

STATE = Path(os.environ.get("POD_STATE_DIR", ROOT / ".state" / "podman"))
BASE = "localhost/whisperx-base:1"
# The base holds Redis as well, and stands in for the official image, which nothing here can pull.
PACKAGES = "python3,python3-venv,redis-server,ca-certificates"
CA_FILE = Path("/etc/ssl/certs/ca-certificates.crt")
BUILD_SECONDS = 1200.0
# What pip says when its index does not answer; a retry takes the layers that were built.
NO_INDEX = ("Read timed out", "Connection", "Temporary failure", "HTTP error 5", "IncompleteRead")


def say(text: str) -> None:
    print(f"pod: {text}", file=sys.__stderr__, flush=True)


class Podman:
    """podman with a storage and a configuration of its own."""

    def __init__(self) -> None:
        STATE.mkdir(parents=True, exist_ok=True)
        look_at(STATE)
        config = STATE / "containers.conf"
        config.write_text(_configuration())
        self.empty = STATE / "empty"
        self.empty.mkdir(exist_ok=True)
        temporary = STATE / "tmp"
        temporary.mkdir(exist_ok=True)
        self.pip_flags = _pip_flags()
        self.command = ["podman", "--root", f"{STATE}/storage", "--runroot", f"{STATE}/run"]
        self.environ = {
            **os.environ,
            "CONTAINERS_CONF": str(config),
            "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
            "TMPDIR": str(temporary),  # a build that is broken off leaves things there
        }

    def __call__(self, *arguments: str, stdin: str = "", seconds: float = 300) -> str:
        """Runs a podman command; what it printed. Raises CalledProcessError, with its words."""
        done = self.run(*arguments, stdin=stdin, seconds=seconds)
        if done.returncode != 0:
            say(f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
            done.check_returncode()
        return done.stdout.strip()

    def run(
        self, *arguments: str, stdin: str = "", seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, "--log-level=error", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environ,
            timeout=seconds,
        )

    def prepare(self) -> None:
        """Everything that a pod needs. Raises CannotRun when it is the machine that cannot."""
        self._import_base()
        try_out(self, BASE)
        # An imported file system has no PATH, which the official image has.
        redis = f"FROM {BASE}\nENV PATH={os.defpath.removeprefix(':')}:/usr/local/bin\n"
        self("build", "-q", "-t", images()["REDIS"], "-f", "-", str(self.empty), stdin=redis)
        self.build("bridge", "cpu", "all-in-one")

    def _import_base(self) -> None:
        if self.run("image", "exists", BASE).returncode == 0:
            return
        began = time.monotonic()
        tar = STATE / "base.tar"
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}"]
        hook = '--customize-hook=rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/*'
        try:
            subprocess.run(
                [*command, hook, "bookworm", tar], check=True, capture_output=True, timeout=300
            )
            self("import", str(tar), BASE)
        except (OSError, subprocess.SubprocessError) as error:
            raise CannotRun(f"no base image from Debian packages: {reason(error)}") from error
        finally:
            tar.unlink(missing_ok=True)
        say(f"base image from Debian packages: {time.monotonic() - began:.0f} s")

    def build(self, *names: str) -> None:
        """Images of ours, by the script of `make images`; layers stay cached. Raises CannotRun."""
        began = time.monotonic()
        if not self._build(names) and not self._build(names, last=True):
            raise CannotRun("the package index did not answer while the images were built")
        say(f"{', '.join(names)}: built in {time.monotonic() - began:.0f} s")

    def _build(self, names: Sequence[str], *, last: bool = False) -> bool:
        """False when the package index was away."""
        flags = ["-q", "--build-arg", f"BASE={BASE}", *self.pip_flags]
        environ = {
            **self.environ,
            "ENGINE": shlex.join([*self.command, "--log-level=error"]),
            "BUILD_FLAGS": shlex.join(flags),
            "IMAGES": " ".join(names),
            "PUSH": "0",
        }
        done = subprocess.run(
            [ROOT / "scripts/images.sh"],
            env=environ,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
        )
        said = done.stdout + done.stderr
        if done.returncode != 0 and any(sign in said[-2000:] for sign in NO_INDEX):
            say("the package index did not answer" + ("" if last else ": once more"))
            return False
        assert done.returncode == 0, said
        return True

    def size(self, image: str) -> int:
        """Bytes of the image's layers above the base's."""
        mine, base = (
            int(self("image", "inspect", "--format", "{{.Size}}", name)) for name in (image, BASE)
        )
        return mine - base


@dataclass
class Pod:
    """The pod of the manifest, running."""

    podman: Podman
    folder: Path
    environ: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Variables to change, by container."""

    def __post_init__(self) -> None:
        self.port = free_port()
        self.token = "a-token-of-the-pod"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The pod's spec, as the manifest has it."""
        found: dict[str, Any] = document("Deployment")["spec"]["template"]["spec"]
        return found

    def container(self, name: str) -> dict[str, Any]:
        (found,) = (c for c in self.spec["containers"] if c["name"] == name)
        return dict(found)

    def name(self, container: str) -> str:
        """What podman calls a container of the pod."""
        return f"whisperx-stack-pod-0-{container}"

    def play(self) -> None:
        """Start it; what is on its volumes stays from the last time."""
        for secret, values in self._secrets().items():
            self.podman.run("secret", "rm", secret)
            encoded = {k: base64.b64encode(v.encode()).decode() for k, v in values.items()}
            self.podman("secret", "create", secret, "-", stdin=json.dumps(encoded))
        path = self.folder / "pod.yaml"
        path.write_text(yaml.safe_dump_all(self._documents()))
        self.podman("kube", "play", str(path))

    def down(self) -> None:
        """Remove the pod and leave its volumes."""
        self.podman.run("pod", "rm", "-f", "-t", "5", "whisperx-stack-pod-0")

    def forget(self) -> None:
        """Remove everything but the images."""
        self.down()
        for claim in ("models", "redis", "files"):
            self.podman.run("volume", "rm", "-f", f"whisperx-{claim}")
        for secret in self._secrets():
            self.podman.run("secret", "rm", secret)

    def pid(self, container: str) -> int:
        """The host's pid of the container's first process; 0 while it does not run."""
        found = self.podman.run(
            "inspect", "--format", "{{.State.Pid}}", self.name(container)
        ).stdout.strip()
        return int(found or 0)

    def exec(self, container: str, *command: str) -> subprocess.CompletedProcess[str]:
        return self.podman.run("exec", self.name(container), *command, seconds=30)

    def logs(self, container: str) -> str:
        done = self.podman.run("logs", self.name(container))
        return done.stdout + done.stderr

    def probe(self, container: str, kind: str) -> bool:
        """Asks the manifest's own probe, as the kubelet would."""
        probe = self.container(container)[f"{kind}Probe"]
        if "exec" in probe:
            return self.exec(container, *probe["exec"]["command"]).returncode == 0
        path = probe["httpGet"]["path"]
        command = ["curl", "-sf", "-m", "3", "-o", os.devnull, f"{self.url}{path}"]
        return subprocess.run(command).returncode == 0

    def _secrets(self) -> dict[str, dict[str, str]]:
        return {
            "bridge-auth-secret": {
                "BRIDGE_TOKEN": self.token,
                "WEBHOOK_SECRET": "a-webhook-key-of-the-pod",
            },
            "redis-secret": {"REDIS_PASSWORD": "thepasswordofredis"},
            "hf-secret": {"HUGGINGFACE_TOKEN": ""},
            "whisperx-api-keys": {"keys": "# none"},  # podman 4.3 wants it, optional or not
        }

    def _documents(self) -> list[dict[str, Any]]:
        deployment = document("Deployment")
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            for kind in ("startup", "readiness", "liveness"):
                container.pop(f"{kind}Probe")
            container.pop("ports", None)
            changes = self.environ.get(container["name"], {})
            kept = [entry for entry in container["env"] if entry["name"] not in changes]
            container["env"] = kept + [{"name": k, "value": v} for k, v in changes.items()]
            if container["name"] == "bridge":
                port = {"containerPort": 8080, "hostPort": self.port, "hostIP": "127.0.0.1"}
                container["ports"] = [port]
        claims = [d for d in documents() if d["kind"] == "PersistentVolumeClaim"]
        return [*(claim for claim in claims if not self._is_there(claim)), deployment]

    def _is_there(self, claim: dict[str, Any]) -> bool:
        """Whether the volume was made before: podman refuses to make it again."""
        return self.podman.run("volume", "exists", claim["metadata"]["name"]).returncode == 0


def _configuration() -> str:
    """What podman needs where there is no systemd, and where root may not raise its limits."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    hybrid = Path("/sys/fs/cgroup/unified").is_dir()
    runtime = "runc" if hybrid and shutil.which("runc") else "crun"
    manager = "systemd" if Path("/run/systemd/system").is_dir() else "cgroupfs"
    return f"""
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc=32768:32768"]
[engine]
cgroup_manager = "{manager}"
events_logger = "file"
runtime = "{runtime}"
[network]
default_subnet = "{free_subnet()}"
"""


def _pip_flags() -> list[str]:
    """This machine's way to its package index, lent to the build: configuration and authorities."""
    # The network of this machine: names cannot be looked up from inside everywhere.
    flags = ["--network=host"]
    if CA_FILE.exists():
        flags += ["-v", f"{CA_FILE}:{CA_FILE}:ro", "--env", f"PIP_CERT={CA_FILE}"]
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True
    ).stdout
    options = dict(line.split("=", 1) for line in listed.splitlines() if "=" in line)
    known = {k.rpartition(".")[2]: v.strip("'\"") for k, v in options.items()}
    kept = {k: v for k, v in known.items() if k in ("index-url", "extra-index-url", "find-links")}
    path = STATE / "pip.conf"
    path.write_text("[global]\n" + "".join(f"{k} = {v}\n" for k, v in kept.items()))
    flags += ["-v", f"{path}:/etc/pip.conf:ro"]
    for word in " ".join(kept.values()).replace("\\n", " ").split():
        folder = word.removeprefix("file://")
        if word.startswith("file://"):
            folder = str(Path(folder).parent)  # an index names files beside itself
        if folder.startswith("/"):
            flags += ["-v", f"{folder}:{folder}:ro"]
    return flags
