"""Official JavaScript clients, unchanged, under Node."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest

from tests.clients.versions import wanted

NEEDS_NODE = [
    pytest.mark.slow,  # installs the client
    pytest.mark.skipif(
        not (shutil.which("node") and shutil.which("npm")), reason="Node.js is not installed"
    ),
]


@dataclass(frozen=True)
class Node:
    """A folder with a client in it, and code that all scripts begin with."""

    folder: Path
    prelude: str

    @classmethod
    def install(cls, folder: Path, prelude: str, *packages: str) -> "Node":
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", *wanted(*packages)]
        subprocess.run(install, cwd=folder, check=True, timeout=110)
        return cls(folder, prelude)

    def run(self, code: str, **environ: str) -> Any:
        """What ``code`` assigned to ``result``."""
        file = self.folder / f"{uuid4().hex}.mjs"
        lines = [self.prelude, "let result;", dedent(code), "console.log(JSON.stringify(result));"]
        file.write_text("\n".join(lines))
        done = subprocess.run(
            ["node", str(file)],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **environ},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
