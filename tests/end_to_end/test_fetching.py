"""A predictor that lacks a model fetches it in its setup, or says which one it cannot have."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.settings import ROOT
from tests.fixtures import hub as hubs
from tests.fixtures.hub import Hub

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PROGRAM = """
import os
from transcription.engine.fetching import CannotFetch, fetch_missing
from transcription.engine.settings import Settings
settings = Settings.from_environment(os.environ)
try:
    fetch_missing(settings)
except CannotFetch as error:
    print("cannot:", error)
else:
    print("here")
    if os.environ.get("LOAD"):
        from transcription.engine.whisperx_engine import WhisperxEngine
        print(WhisperxEngine(settings).describe()["models"])
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hubs.serving() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "hf"


def setup(hub_url: str, home: Path, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HF_ENDPOINT": hub_url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DOWNLOAD_TIMEOUT": "5",
            "MODELS": "lab/whisper",
            "ALIGN_LANGUAGES": "",
            "DEVICE": "cpu",
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_what_is_missing_is_fetched_once_and_loads_without_a_network(hub: Hub, home: Path) -> None:
    gated = {"DIARIZATION": "required", "DIARIZATION_MODEL": "gated/diarizer"}
    said = setup(hub.url, home, HUGGINGFACE_TOKEN=hubs.TOKEN, **gated)
    assert said.splitlines() == ["fetching lab/whisper", "fetching gated/diarizer", "here"]
    assert any("model.bin" in line for line in hub.asked)
    hub.asked.clear()
    said = setup("http://127.0.0.1:9", home, LOAD="1", **gated)
    assert "fetching" not in said
    assert "['lab/whisper']" in said
    assert hub.asked == []


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"MODELS": "lab/nothing"}, "lab/nothing: there is no such repository"),
        ({"DIARIZATION": "required"}, "gated/diarizer: it is gated and HUGGINGFACE_TOKEN is not"),
        ({"HUGGINGFACE_TOKEN": hubs.STRANGER}, "gated/diarizer: the account of HUGGINGFACE_TOKEN"),
    ],
)
def test_a_model_that_cannot_be_had_is_named_with_what_to_do(
    hub: Hub, home: Path, environ: dict[str, str], said: str
) -> None:
    answer = setup(hub.url, home, DIARIZATION_MODEL="gated/diarizer", **environ)
    assert f"cannot: {said}" in answer
    assert hubs.STRANGER not in answer
    assert str(home) not in answer


def test_without_a_token_a_service_that_need_not_tell_speakers_apart_starts(
    hub: Hub, home: Path
) -> None:
    assert setup(hub.url, home, DIARIZATION_MODEL="gated/diarizer").endswith("here\n")


def test_a_download_that_breaks_off_goes_on_at_the_next_start(hub: Hub, home: Path) -> None:
    hub.breaks_off = True
    said = setup(hub.url, home)
    assert "cannot: lab/whisper: the download broke off" in said
    hub.breaks_off = False
    assert setup(hub.url, home).endswith("here\n")


def test_a_hub_that_is_away_is_told_by_the_name_of_the_model(home: Path) -> None:
    said = setup("http://127.0.0.1:9", home)
    assert said == "cannot: lab/whisper is not on this machine, and the hub does not answer\n"
