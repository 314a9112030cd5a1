"""kubectl, in a namespace of our own."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

COMMAND_SECONDS = 120.0


class StepFailed(Exception):
    """What was expected of the cluster did not happen."""


class Kubectl:
    """Speaks to the cluster that kubectl points at; ``namespace`` is the default of every command.

    The choice of the namespace stands in a copy of the configuration, so that commands of the
    documentation run as they are.
    """

    def __init__(self, namespace: str, folder: Path) -> None:
        self.namespace: Final = namespace
        self.environ: Final = dict(os.environ)
        config = folder / "kubeconfig"
        config.touch(0o600)
        config.write_text(self("config", "view", "--raw", "--minify", "--flatten"))
        self.environ["KUBECONFIG"] = str(config)
        self("config", "set-context", "--current", f"--namespace={namespace}")

    def __call__(self, *words: str, stdin: str = "", seconds: float = COMMAND_SECONDS) -> str:
        """What the command printed. Raises StepFailed with its last line."""
        try:
            done = subprocess.run(
                ["kubectl", *words],
                input=stdin,
                env=self.environ,
                capture_output=True,
                text=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            raise StepFailed(f"kubectl {words[0]}: no end after {seconds:g} s") from None
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
            raise StepFailed(f"kubectl {words[0]}: {lines[-1]}")
        return done.stdout

    def get(self, *words: str) -> Any:
        """The objects as JSON."""
        return json.loads(self("get", *words, "-o", "json"))

    def apply(self, documents: list[dict[str, Any]]) -> None:
        """Create or change them, as the API server's strict validation allows."""
        listed = {"apiVersion": "v1", "kind": "List", "items": documents}
        self("apply", "--validate=strict", "-f", "-", stdin=json.dumps(listed))

    def shell(self, command: str, folder: Path) -> None:
        """A command as the documentation has it."""
        done = subprocess.run(
            command, shell=True, cwd=folder, env=self.environ, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise StepFailed(f"{command}: {done.stderr.strip()[-300:]}")


def points_at() -> str:
    """What kubectl points at. Raises StepFailed when there is no cluster."""
    if shutil.which("kubectl") is None:
        raise StepFailed("kubectl is not installed")
    command = ["kubectl", "version", "-o", "json", "--request-timeout=10s"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise StepFailed("kubectl reaches no cluster; see kubectl cluster-info")
    return str(json.loads(done.stdout)["serverVersion"]["gitVersion"])


def until(
    condition: Callable[[], object], what: str, seconds: float = 600, pause: float = 0.5
) -> None:
    """Returns as soon as it is true. Raises StepFailed."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise StepFailed(f"not within {seconds:g} s: {what}")
        time.sleep(pause)
