"""How often the decoder is asked where it looks for a text: by a scripted model."""

import numpy as np
import pytest

pytest.importorskip("whisperx")

from tests.unit.transcription.fakes import FakeTokenizer, FakeWhisper
from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine import decoding
from transcription.engine.decoding import Asked, Decoder
from transcription.engine.features import WHOLE
from transcription.findings import Window
from transcription.options import Options

WITHIN = 100  # frames of a window of a second


@pytest.mark.parametrize(
    ("score", "begins", "expected"),
    [
        (-0.2, 0, [[WITHIN]]),
        (-0.2, 39, [[WITHIN]]),
        (-0.2, 40, [[WITHIN], [WHOLE]]),  # all of it in the last 0.2 s
        (-0.5, 0, [[WITHIN], [WHOLE]]),  # a text that the decoder doubts
    ],
)
def test_a_text_is_looked_for_behind_its_window_where_it_may_be_there(
    monkeypatch: pytest.MonkeyPatch, score: float, begins: int, expected: list[list[int]]
) -> None:
    monkeypatch.setattr(decoding, "get_suppressed_tokens", lambda _tokenizer, _tokens: (7,))
    whisper = FakeWhisper()
    whisper.score, whisper.begins = score, begins
    silence: Samples = np.zeros(SAMPLE_RATE, dtype=np.float32)
    asked = Asked(
        lambda code: FakeTokenizer(None, True, task="transcribe", language=code), Options(), "de"
    )
    Decoder(whisper, gpu=False, fitted=True)(silence, [Window(0.0, 1.0)], asked)
    assert whisper.looked == expected
