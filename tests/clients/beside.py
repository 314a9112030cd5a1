"""Other people's Python clients, each in an environment that is not ours."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from stack.settings import ROOT
from tests.clients.versions import wanted
from tests.conftest import RunningStack

PYTHON = ROOT / ".venv-clients/bin/python"
NEEDS_CLIENTS = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="run: make install-clients"),
]


@dataclass(frozen=True)
class Beside:
    """An interpreter with a client, and code that all scripts begin with."""

    python: Path
    prelude: str
    environ: dict[str, str] = field(default_factory=dict)

    @classmethod
    def install(
        cls, folder: Path, prelude: str, *packages: str, python: str = sys.executable
    ) -> "Beside":
        """With ``packages`` in a folder of their own."""
        pip = [sys.executable, "-m", "pip", "--python", python]
        install = [*pip, "install", "-q", "--target", str(folder), *wanted(*packages)]
        subprocess.run(install, check=True, timeout=110, stderr=subprocess.DEVNULL)
        return cls(Path(python), prelude, {"PYTHONPATH": str(folder)})

    def run(self, stack: RunningStack, recording: Path, code: str, **environ: str) -> Any:
        """What ``code`` assigned to ``result``."""
        given = {
            "PATH": f"{self.python.parent}:{os.environ['PATH']}",
            "BASE": f"{stack.url}/v1",
            "TOKEN": stack.token,
            "RECORDING": str(recording),
            **self.environ,
            **environ,
        }
        program = f"{self.prelude}\n{dedent(code)}\nprint(json.dumps(result))"
        done = subprocess.run(
            [str(self.python), "-W", "ignore", "-c", program],
            env=given,
            cwd=recording.parent,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])
