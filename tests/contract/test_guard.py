"""Text that nobody said is dropped, and no text that somebody said."""

from typing import Any

import numpy as np
import pytest

from evaluation.recordings import CONVERSATION
from transcription.audio import SAMPLE_RATE, Samples, decode, seconds
from transcription.engine import guard
from transcription.engine.decoding import Hearing
from transcription.findings import Window
from transcription.options import Options

USUAL: dict[str, Any] = {"avg_logprob": -0.3, "no_speech_prob": 0.1}
TEXT = "Good morning to all of you."
LOOP = "one per cent, " * 40


@pytest.mark.parametrize(
    ("scores", "doubtful", "unsaid"),
    [
        ({}, False, False),
        ({"avg_logprob": None, "no_speech_prob": None}, False, False),
        ({"avg_logprob": -1.1}, True, False),
        ({"no_speech_prob": 0.7}, True, False),
        ({"avg_logprob": -1.1, "no_speech_prob": 0.7}, True, True),
        ({"text": LOOP}, True, False),
    ],
)
def test_whispers_own_bounds(scores: dict[str, Any], doubtful: bool, unsaid: bool) -> None:
    heard = Hearing(**{"window": Window(0, 2), "text": TEXT, "written": (), **USUAL, **scores})
    assert guard.doubtful(heard) == doubtful
    assert guard.unsaid(heard) == unsaid


def test_quiet_and_loud_windows_are_judged_alike() -> None:
    wave = np.sin(np.arange(SAMPLE_RATE) / 5).astype(np.float32)
    quiet, loud = guard.at_speech_level(wave * 0.001), guard.at_speech_level(wave)
    assert np.allclose(quiet, loud, atol=1e-6)
    assert not guard.at_speech_level(np.zeros(10, np.float32)).any()
    assert len(guard.at_speech_level(np.zeros(0, np.float32))) == 0


@pytest.mark.models
@pytest.mark.parametrize("method", ["pyannote", "silero"])
@pytest.mark.parametrize("level", [1.0, 0.003])
@pytest.mark.parametrize("average", [-1.5, -0.5])
def test_text_that_is_not_sure_counts_where_both_detectors_hear_speech(
    real_engine: object, average: float, level: float, method: str
) -> None:
    speech: Samples = decode(CONVERSATION)[: 6 * SAMPLE_RATE] * np.float32(level)
    tone = (0.1 * np.sin(np.arange(len(speech)) / 4)).astype(np.float32)
    options = Options(vad_method=method)  # type: ignore[arg-type]
    window = Window(0, seconds(speech))
    unsure = Hearing(window, "Good morning.", (), avg_logprob=average, no_speech_prob=0.1)
    sure = Hearing(window, "Good morning.", (), avg_logprob=-0.2, no_speech_prob=0.1)
    judge = real_engine._invented  # type: ignore[attr-defined]
    assert not judge(speech, unsure, options)
    assert judge(tone, unsure, options)
    assert not judge(tone, sure, options)
