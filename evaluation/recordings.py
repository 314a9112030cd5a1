"""Recordings of a wanted length: the demo conversation, or people."""

import wave
from pathlib import Path

import numpy as np

from evaluation.people import CORPUS, clips
from evaluation.sounds import as_wav, in_a_row
from transcription.audio import SAMPLE_RATE, decode

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


def write_people(path: Path, seconds: float) -> Path:
    """The English clips of the corpus one after the other, over and over, likewise."""
    english = [decode(clip.audio) for clip in clips(CORPUS) if clip.language == "en"]
    once = in_a_row(*english)
    wanted = int(seconds * SAMPLE_RATE)
    path.write_bytes(as_wav(np.resize(once, wanted)))
    return path
