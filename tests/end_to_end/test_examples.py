"""The programs in examples/ do what they are there to show, against the running stack."""

import json
import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import jiwer
import pytest

from evaluation.scoring import plain_words
from stack.settings import ROOT
from tests.conftest import RECORDING, RunningStack

EXAMPLES = ROOT / "examples"
COMMANDS = [
    pytest.param(["sh", "transcribe.sh"], id="curl"),
    pytest.param([sys.executable, "transcribe.py"], id="python"),
    pytest.param(
        ["node", "transcribe.mjs"],
        id="javascript",
        marks=pytest.mark.skipif(
            shutil.which("node") is None, reason="the JavaScript example needs node"
        ),
    ),
]


def run(
    command: list[str], recording: Path, stack: RunningStack, token: str | None = None
) -> subprocess.CompletedProcess[str]:
    program, script = command
    return subprocess.run(
        [program, str(EXAMPLES / script), str(recording)],
        env={**os.environ, "BRIDGE_URL": stack.url, "BRIDGE_TOKEN": token or stack.token},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_prints_what_each_speaker_said(command: list[str], stack: RunningStack) -> None:
    done = run(command, RECORDING, stack)
    assert done.returncode == 0, done.stderr
    lines = [line.partition(":") for line in done.stdout.splitlines()]
    truth = json.loads(RECORDING.with_suffix(".json").read_text())
    assert len({speaker for speaker, _, _ in lines}) == len({t["speaker"] for t in truth["turns"]})
    heard = jiwer.process_words(
        " ".join(plain_words(truth["text"])),
        " ".join(plain_words(" ".join(text for _, _, text in lines))),
    )
    assert heard.hits / len(plain_words(truth["text"])) >= 0.8


@pytest.mark.parametrize("command", COMMANDS)
def test_fails_when_the_recording_is_none(
    command: list[str], stack: RunningStack, tmp_path: Path
) -> None:
    (tmp_path / "notes.wav").write_text("this is no recording")
    done = run(command, tmp_path / "notes.wav", stack)
    assert done.returncode != 0
    assert "not a recording" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_fails_with_a_wrong_token(command: list[str], stack: RunningStack) -> None:
    done = run(command, RECORDING, stack, token="not-the-token")
    assert done.returncode != 0
    assert "token" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [[], ["one.wav", "two.wav"], ["one.wav"]])
@pytest.mark.parametrize("command", COMMANDS)
def test_says_how_it_is_used(command: list[str], arguments: list[str]) -> None:
    program, script = command
    # The last one has a file, and no token.
    token = {} if len(arguments) == 1 else {"BRIDGE_TOKEN": "a-token-for-tests"}
    environ = {name: value for name, value in os.environ.items() if name != "BRIDGE_TOKEN"}
    done = subprocess.run(
        [program, str(EXAMPLES / script), *arguments],
        env={**environ, **token},
        capture_output=True,
        text=True,
        timeout=60,
    )
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith("usage: BRIDGE_TOKEN=… ")
    assert line.endswith(f"{script} FILE")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("command", COMMANDS)
def test_sends_what_is_too_large_for_json(
    command: list[str], stack: RunningStack, tmp_path: Path
) -> None:
    path = tmp_path / "silence.wav"
    frame, seconds = 2 * 4, 80  # two channels of 32 bits
    with wave.open(str(path), "wb") as written:
        written.setnchannels(2)
        written.setsampwidth(4)
        written.setframerate(192_000)
        for _ in range(seconds):
            written.writeframes(bytes(192_000 * frame))
    assert path.stat().st_size > 115e6
    done = run(command, path, stack)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
