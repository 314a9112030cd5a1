"""One engine with real models for all contract tests."""

import os

import pytest

from models import registry
from transcription.engine import Engine


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
