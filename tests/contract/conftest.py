"""One engine with real models for all contract tests."""

import os

import pytest

from models import registry
from tests.contract.helpers import ENGLISH, sample_file
from tests.contract.scripted_engine import ScriptedEngine
from transcription.audio import Samples, decode
from transcription.engine import Engine
from transcription.findings import segments_of
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.transcript import Segment


@pytest.fixture(scope="session")
def real_engine() -> Engine:
    """MODELS of the environment, else the demo's."""
    if "MODELS" not in os.environ and not registry.WHISPERS["demo"].path.is_dir():
        pytest.skip("the demo models are not here")
    pytest.importorskip("whisperx")
    from transcription.engine.settings import Settings
    from transcription.engine.whisperx_engine import WhisperxEngine

    return WhisperxEngine(Settings.from_environment({"MODELS": "demo", **os.environ}))


@pytest.fixture(scope="session")
def demo_engine(real_engine: Engine) -> Engine:
    """The demo's alone: what it hears is known."""
    if real_engine.describe()["default_model"] != "demo":
        pytest.skip("other models than the demo's")
    return real_engine


@pytest.fixture(scope="module", params=["scripted", pytest.param("real", marks=pytest.mark.models)])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "scripted":
        return ScriptedEngine()
    real: Engine = request.getfixturevalue("real_engine")
    return real


@pytest.fixture(scope="module")
def samples() -> Samples:
    return decode(sample_file())


@pytest.fixture
def recognized(engine: Engine, samples: Samples) -> list[Segment]:
    options = Options(chunk_size=10)
    windows = engine.find_speech(samples, options)
    heard = engine.recognize(samples, windows, ENGLISH, options, lambda _share: None)
    return list(segments_of(heard))


@pytest.fixture(scope="module")
def demo_pipeline(real_engine: Engine) -> Pipeline:
    if real_engine.describe()["default_model"] != "demo":
        pytest.skip("other models than the demo's")
    return Pipeline(real_engine)
