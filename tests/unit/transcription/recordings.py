"""Recordings for a scripted engine."""

import io
import wave
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.contract.scripted_engine import ScriptedEngine
from transcription.audio import SAMPLE_RATE


def recording(*seconds_of_sound: float, pause: float = 1.0) -> bytes:
    """Noise of the given lengths, each followed by silence."""
    random = np.random.default_rng(0)
    pieces: list[np.ndarray] = [np.zeros(SAMPLE_RATE // 2)]
    for length in seconds_of_sound:
        pieces.append(random.uniform(-0.5, 0.5, int(length * SAMPLE_RATE)))
        pieces.append(np.zeros(int(pause * SAMPLE_RATE)))
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(SAMPLE_RATE)
        output.writeframes((np.concatenate(pieces) * 32767).astype("<i2").tobytes())
    return file.getvalue()


@dataclass
class Watched(ScriptedEngine):
    """Remembers what it was asked."""

    calls: list[str] = field(default_factory=list)

    def __getattribute__(self, name: str) -> Any:
        if name in ("prepare", "find_speech", "detect_language", "recognize", "align", "diarize"):
            object.__getattribute__(self, "calls").append(name)
        return object.__getattribute__(self, name)
