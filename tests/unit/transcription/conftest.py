"""An engine whose models are not there."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from transcription.engine.whisperx_engine import WhisperxEngine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> "WhisperxEngine":
    pytest.importorskip("whisperx")
    from tests.unit.transcription.fakes import gated_engine

    return gated_engine(monkeypatch)
