"""Models of one's own: directories, and repositories in a folder of the hub's layout, offline."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models import registry
from models.demo.pipeline import assemble
from stack.settings import ROOT

pytestmark = [pytest.mark.models, pytest.mark.slow]

PROGRAM = """
from pathlib import Path
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.options import Options
from transcription.pipeline import Pipeline
import os, sys

engine = WhisperxEngine(Settings.from_environment(os.environ))
pipeline = Pipeline(engine)
for asked in sys.argv[2:]:
    model, aligner = asked.split("@")
    options = Options(
        whisper_model=model, align_model=aligner or None
    )
    report = pipeline.transcribe(Path(sys.argv[1]), options)
    words = [word for segment in report.transcript.segments for word in segment.words]
    print("|".join([
        report.transcript.text,
        str(bool(words) and any(word.score for word in words)),
        str(len({word.speaker for word in words})),
        str(report.loads),
    ]))
print(engine.describe())
"""


def run(recording: Path, environ: dict[str, str], *asked: str) -> list[str]:
    """What the program prints with an environment of its own: the libraries read theirs once."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(recording), *asked],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HF_HUB_OFFLINE": "1",
            "NLTK_DATA": str(registry.DEMO_NLTK_DATA),
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [line for line in done.stdout.splitlines() if not line.startswith(("loaded", "not "))]


def on_the_hub(cache: Path, repository: str, files: Path) -> None:
    """``files`` as `huggingface_hub` keeps a repository that it fetched."""
    folder = cache / "hub" / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    (folder / "snapshots").mkdir()
    (folder / "snapshots" / ("0" * 40)).symlink_to(files)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    from evaluation import recordings

    return recordings.write(tmp_path / "beginning.wav", 6)


def test_directories_and_repositories_serve_as_models(tmp_path: Path, recording: Path) -> None:
    whisper = registry.WHISPERS["demo"].path
    aligner = registry.ALIGNERS[registry.Family.DEMO]["en"]
    on_the_hub(tmp_path / "cache", "somebody/their-whisper", whisper)
    on_the_hub(tmp_path / "cache", "somebody/their-aligner", aligner.path)
    mine = tmp_path / "my-whisper"
    mine.symlink_to(whisper)
    *heard, described = run(
        recording,
        {
            "HF_HOME": str(tmp_path / "cache"),
            "MODELS": f"somebody/their-whisper,{mine}",
            "ALIGN_LANGUAGES": f"en={aligner.path}",
            "ALIGN_MODELS": "somebody/their-aligner",
            "DIARIZATION_MODEL": str(assemble(tmp_path / "speakers")),
        },
        "somebody/their-whisper@",
        "my-whisper@",
        f"{mine}@somebody/their-aligner",
        "my-whisper@somebody/their-aligner",
    )
    text, timed, speakers, loads = heard[0].split("|")
    assert text.startswith("Hello Maria, how are you today?")
    assert (timed, speakers, loads) == ("True", "2", "0")
    assert heard[1] == heard[0]
    assert heard[2] == heard[0].removesuffix("0") + "1"
    assert heard[3] == heard[0]
    assert "'models': ['somebody/their-whisper', 'my-whisper']" in described
    assert str(tmp_path) not in described
