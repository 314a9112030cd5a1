"""When two speech detectors are taken to agree."""

from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("whisperx")

from transcription.audio import SAMPLE_RATE, Samples, seconds
from transcription.engine import speech
from transcription.engine.heard import Heard
from transcription.engine.lanes import Lanes
from transcription.engine.speech import Scores, SpeechFinder
from transcription.findings import Progress, Window
from transcription.options import Options

STEP = 0.032  # seconds
SOUND: Samples = np.full(10 * SAMPLE_RATE, 0.01, np.float32)
WINDOW = Window(2.0, 4.0)


@dataclass(frozen=True)
class Detector:
    """Hears speech of one probability for a moment, and nothing else."""

    probability: float
    lasting: float

    def __call__(self, samples: Samples, _progress: Progress) -> Scores:
        count = int(seconds(samples) / STEP)
        scores = [self.probability if n * STEP < self.lasting else 0.0 for n in range(count)]
        return Scores(scores, 0.0, STEP)


@pytest.mark.parametrize(
    ("method", "silero", "pyannote", "confirmed"),
    [
        ("pyannote", Detector(0.9, 0.4), Detector(0.0, 0.0), True),  # it found the window
        ("pyannote", Detector(0.6, 0.3), Detector(1.0, 2.0), False),
        ("pyannote", Detector(0.9, 0.06), Detector(1.0, 2.0), False),
        ("pyannote", Detector(0.6, 1.0), Detector(0.0, 0.0), True),  # as on a telephone
        ("silero", Detector(0.9, 0.4), Detector(0.6, 0.4), True),
        ("silero", Detector(0.9, 0.4), Detector(0.4, 2.0), False),
        ("silero", Detector(0.6, 0.3), Detector(1.0, 2.0), False),
    ],
)
def test_silero_has_to_be_sure_and_pyannote_to_hear_speech(
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    silero: Detector,
    pyannote: Detector,
    confirmed: bool,
) -> None:
    monkeypatch.setattr(speech, "Silero", lambda: silero)
    monkeypatch.setattr(speech, "Pyannote", lambda *_: pyannote)
    finder = SpeechFinder("cpu", Lanes(1), Heard())
    options = Options(vad_method=method)  # type: ignore[arg-type]
    assert finder.confirmed(SOUND, WINDOW, options) == confirmed


def test_nothing_is_heard_in_less_than_a_syllable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "Silero", lambda: Detector(1.0, 1.0))
    monkeypatch.setattr(speech, "Pyannote", lambda *_: Detector(1.0, 1.0))
    finder = SpeechFinder("cpu", Lanes(1), Heard())
    assert not finder.confirmed(SOUND, Window(9.95, 10.0), Options())
