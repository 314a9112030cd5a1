"""What a long recording needed is given back before the next."""

import subprocess
import sys

import pytest

from tests.contract.scripted_engine import ScriptedEngine
from tests.unit.transcription.recordings import recording
from transcription import heap
from transcription.options import Options
from transcription.pipeline import Pipeline

# Blocks below the size at which glibc asks the system each time; one in a hundred is kept, so that
# nothing is given back by itself.
_MEASURE = """
import sys
from pathlib import Path
from transcription import heap

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

blocks = [bytearray(60_000) for _ in range(5_000)]
kept = blocks[::100]
del blocks
before = megabytes()
heap.give_back(float(sys.argv[1]))
print(before - megabytes())
"""


@pytest.mark.skipif(heap._trim() is None, reason="this C library has no malloc_trim")
@pytest.mark.parametrize(("seconds", "least", "most"), [(300.0, 200, 400), (5.0, -5, 5)])
def test_freed_memory_goes_back_after_long_recordings(
    seconds: float, least: float, most: float
) -> None:
    command = [sys.executable, "-c", _MEASURE, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert least < float(done.stdout) < most


def test_every_transcription_gives_back(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[float] = []
    monkeypatch.setattr(heap, "give_back", lengths.append)
    Pipeline(ScriptedEngine()).transcribe(recording(2.0, 2.0), Options(chunk_size=3))
    assert lengths == [pytest.approx(6.5)]
