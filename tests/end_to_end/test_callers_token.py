"""A caller's token fetches the gated diarizer once, where there is none, and is kept nowhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.demo.pipeline import assemble
from stack.settings import ROOT
from tests.fixtures import hub as hubs

pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(120)]

PROGRAM = """
import os, sys
from pathlib import Path
from transcription.engine.fetching import fetch_missing
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.errors import ModelUnavailable
from transcription.options import Options
from transcription.pipeline import Pipeline

settings = Settings.from_environment(os.environ)
fetch_missing(settings)
engine = WhisperxEngine(settings)
print("start", engine.describe()["diarization_available"], engine.loads)
for token in sys.argv[2:]:
    options = Options(huggingface_access_token=token or None, align_output=False)
    try:
        transcript = Pipeline(engine).transcribe(Path(sys.argv[1]), options).transcript
        print("speakers", {s.speaker for s in transcript.segments} != {None}, engine.loads)
    except ModelUnavailable as error:
        print("refused", error)
    print("asked", len(Path(os.environ["ASKED"]).read_text().splitlines()))
"""
THIRD = "hf_of_somebody_else"


def test_it_is_used_once_and_kept_nowhere(tmp_path: Path, short_recording: Path) -> None:
    home, asked = tmp_path / "hf", tmp_path / "asked"
    with hubs.serving() as hub:
        hub.diarizer = assemble(tmp_path / "diarizer")
        hub.log = asked
        asked.touch()

        def predict(*tokens: str) -> list[str]:
            return _run(home, asked, hub.url, str(short_recording), *tokens)

        said = predict("", hubs.STRANGER, hubs.TOKEN, THIRD, "")
        assert said[0] == "start False 3"
        assert [line.split()[0] for line in said[1::2]] == ["refused"] * 2 + ["speakers"] * 3
        assert said[5:10:2] == ["speakers True 4"] * 3
        count = [int(line.split()[1]) for line in said[2::2]]
        assert count[0] < count[1] < count[2], "tried with each token that came"
        assert count[2] == count[3] == count[4], "and not once more when it was there"
        everywhere = "\n".join(said)
        for path in (path for path in home.rglob("*") if path.is_file()):
            everywhere += path.read_bytes().decode("latin-1")
        assert not [token for token in (hubs.TOKEN, hubs.STRANGER, THIRD) if token in everywhere]
        before = asked.read_text()
        assert predict("")[0] == "start True 4", "the next start has it, without any token"
        assert asked.read_text() == before


def _run(home: Path, asked: Path, hub: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, *arguments],
        cwd=ROOT,
        env={
            **{k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE", "HF_TOKEN")},
            "PYTHONPATH": str(ROOT),
            "HF_ENDPOINT": hub,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "ASKED": str(asked),
            "MODELS": "demo",
            "DIARIZATION_MODEL": "gated/diarizer",
            "DEVICE": "cpu",
        },
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    kept = ("start", "refused", "speakers", "asked")
    return [line for line in done.stdout.splitlines() if line.startswith(kept)]
