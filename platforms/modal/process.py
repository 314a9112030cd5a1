"""The stack as one child process of the container."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 28.0  # Modal gives an ending container 30
_POLL = 0.2  # seconds


class StackFailed(Exception):
    """The stack did not become ready; its own output says why."""


class StackProcess:
    """``python -m stack``: Redis, Cog and the bridge, kept alive by its supervisor."""

    def __init__(self, environment: Mapping[str, str], port: int) -> None:
        """Starts it; the bridge will listen on every address, at ``port``."""
        self.url = f"http://127.0.0.1:{port}"
        self._stopping = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "stack"],
            cwd=ROOT,
            env={**environment, "BRIDGE_PORT": str(port), "PYTHONPATH": str(ROOT)},
        )
        threading.Thread(target=self._end_without_it, daemon=True).start()

    def ready(self, seconds: float) -> None:
        """Returns when a prediction would be run. Raises StackFailed."""
        deadline = time.monotonic() + seconds
        while not answers(f"{self.url}/health-check"):
            if self._process.poll() is not None:
                raise StackFailed(f"the stack ended with status {self._process.returncode}")
            if time.monotonic() > deadline:
                raise StackFailed(f"the stack was not ready after {seconds:g} s")
            time.sleep(_POLL)

    def stop(self) -> None:
        """Lets it finish what runs, for as long as Modal waits."""
        self._stopping = True
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # The supervisor kills its processes at a second signal.
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()

    def _end_without_it(self) -> None:
        """A container whose stack is gone makes room for a new one."""
        self._process.wait()
        if not self._stopping:
            os._exit(1)


def answers(url: str, seconds: float = 10.0) -> bool:
    """Whether a GET is answered 2xx."""
    try:
        with urllib.request.urlopen(url, timeout=seconds):  # noqa: S310 - our own address
            return True
    except OSError:
        return False


def stack_environment(models_dir: str, default_model: str) -> dict[str, str]:
    """What the stack is given: the secret's variables, models on the volume, no hub at run time."""
    given = {name: value for name, value in os.environ.items() if value}
    defaults = {
        "MODELS": default_model,
        "BRIDGE_HOST": "0.0.0.0",  # noqa: S104 - Modal's proxy comes from outside the container
        "HF_HOME": f"{models_dir}/huggingface",
        "XDG_CACHE_HOME": f"{models_dir}/cache",
        "TORCH_HOME": f"{models_dir}/torch",
        "HF_HUB_OFFLINE": "1",
        "STATE_DIR": "/tmp/whisperx-stack",  # noqa: S108 - the container's own disk
    }
    return defaults | given
