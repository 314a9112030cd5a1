"""Silero's detector, piece by piece."""

from itertools import pairwise

import numpy as np
import pytest
from faster_whisper.vad import get_vad_model
from scipy.ndimage import grey_closing

from tests.conftest import RECORDING
from transcription.audio import SAMPLE_RATE, decode
from transcription.engine.speech import Silero

FRAME, SILENCE = 512, 7


def test_pieces_change_no_probability_and_an_hour_is_told_every_minute() -> None:
    sound = decode(RECORDING)
    samples = np.tile(sound, 12 * 60 * SAMPLE_RATE // len(sound) + 1)  # two of its own pieces
    shares: list[float] = []
    scores = Silero()(samples, shares.append)
    whole = np.pad(samples, (0, -len(samples) % FRAME))
    assert scores.values == grey_closing(get_vad_model()(whole).ravel(), size=SILENCE).tolist()
    minute = 60 * SAMPLE_RATE / len(samples)
    assert all(0 < after - before < minute for before, after in pairwise([0.0, *shares]))
    assert shares[-1] == 1


def test_a_run_that_is_canceled_stops_at_the_next_piece() -> None:
    shares: list[float] = []

    def stop(share: float) -> None:
        shares.append(share)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Silero()(np.zeros(600 * SAMPLE_RATE, np.float32), stop)
    assert shares[0] < 0.1
