"""The start of the all-in-one image: what its few variables become."""

import subprocess
from pathlib import Path

import pytest

from stack.settings import ROOT


@pytest.mark.parametrize(
    ("given", "models"),
    [
        ({}, ""),
        ({"WHISPER_MODEL": "large-v3"}, "large-v3"),
        ({"MODELS": "base"}, "base"),
        ({"MODELS": "base", "WHISPER_MODEL": "medium"}, "base"),  # medium is loaded besides
    ],
)
def test_whisper_model_alone_is_the_model(
    tmp_path: Path, given: dict[str, str], models: str
) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$MODELS;$BRIDGE_PORT;${PORT:-none};$*"\n')
    python.chmod(0o755)
    script = (ROOT / "images/all-in-one.sh").read_text().replace("cd /src", f"cd {tmp_path}")
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PORT": "9000", **given}
    done = subprocess.run(["sh"], input=script, env=environ, capture_output=True, text=True)
    assert done.stdout == f"{models};9000;none;-m stack\n"
