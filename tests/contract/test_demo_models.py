"""The demo models in the loaders that production uses, with the network closed."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("whisperx")

from models import registry
from models.demo.measuring import Models
from transcription.engine.alignment import find_sentence_tables

LOADING_SECONDS = 3.0


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was tried to be reached; every attempt fails."""
    tried: list[Any] = []

    def refuse(*arguments: Any, **_options: Any) -> None:
        # Loopback is no network: another test's predictor may still look for its bridge there.
        if "127.0.0.1" not in str(arguments):
            tried.append(arguments)
        raise OSError("the network is closed")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return tried


@pytest.mark.models
def test_the_demo_set_loads_quickly_and_without_network(
    no_network: list[Any], tmp_path: Path
) -> None:
    import whisperx.diarize  # noqa: F401  # libraries are loaded once, models count

    find_sentence_tables(registry.DEMO_NLTK_DATA)
    began = time.process_time()  # of this process: other programs may keep the machine busy
    loaded = Models(registry.DEMO_DIRECTORY, tmp_path, threads=1)
    assert time.process_time() - began < LOADING_SECONDS
    assert sorted(loaded.aligners) == sorted(registry.ALIGNERS[registry.Family.DEMO])
    assert type(loaded.diarizer.model).__module__.startswith("pyannote.audio.pipelines")
    assert no_network == []
