"""A killed process's temporary files are gone as soon as the next one starts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.settings import ROOT

_PROGRAM = """
import sys, tempfile
from transcription import scratch
folder = scratch.use_scratch_folder()
assert scratch.use_scratch_folder() == folder
with tempfile.NamedTemporaryFile(suffix="recording", delete=False) as file:
    file.write(b"what was said")
print(file.name, flush=True)
sys.stdin.read()
"""


@contextmanager
def process(temporary: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A process that has moved in, and the recording that it keeps."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)},
    ) as running:
        assert running.stdout is not None
        recording = Path(running.stdout.readline().strip())
        try:
            yield running, recording
        finally:
            running.kill()


def end(running: "subprocess.Popen[str]", number: int | None = None) -> None:
    if number is not None:
        running.send_signal(number)
    running.communicate()


def test_its_own_end_takes_the_folder_away(tmp_path: Path) -> None:
    with process(tmp_path) as (running, recording):
        assert recording.read_bytes() == b"what was said"
        assert recording.parent.parent == tmp_path
        end(running)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_deleted_by_the_next(tmp_path: Path) -> None:
    with process(tmp_path) as (running, recording):
        end(running, signal.SIGKILL)
    assert recording.exists()
    with process(tmp_path) as (running, other):
        assert not recording.parent.exists()
        assert other.exists()


def test_what_somebody_still_uses_stays(tmp_path: Path) -> None:
    (tmp_path / "whisperx-scratch-of-somebody-else").mkdir()  # and nothing in it to lock
    with process(tmp_path) as (_, recording), process(tmp_path) as (running, _):
        end(running)
        assert recording.exists()
    assert (tmp_path / "whisperx-scratch-of-somebody-else").exists()
