"""Recordings of a wanted length, made of the demo conversation."""

import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CONVERSATION = ROOT / "examples" / "conversation.wav"


def write(path: Path, seconds: float) -> Path:
    """The conversation over and over (or its beginning), ``seconds`` long, at ``path``."""
    with wave.open(str(CONVERSATION)) as source:
        rate = source.getframerate()
        frames = source.readframes(source.getnframes())
    wanted = int(seconds * rate) * 2  # bytes of 16-bit mono
    repeated = frames * (wanted // len(frames) + 1)
    with wave.open(str(path), "wb") as target:
        target.setparams((1, 2, rate, 0, "NONE", ""))
        target.writeframes(repeated[:wanted])
    return path
