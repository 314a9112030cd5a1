"""How often the decoder is asked where it looks for a text: by a scripted model."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")

from tests.unit.transcription.fakes import FakeTokenizer, FakeWhisper
from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine import search
from transcription.engine.decoding import Asked, Decoder, Hearing
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
    whisper = FakeWhisper()
    whisper.score, whisper.begins = score, begins
    heard(whisper, monkeypatch, Window(0.0, 1.0))
    assert whisper.looked == expected


def test_what_one_window_may_have_behind_it_changes_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Behind(FakeWhisper):
        """Doubts its first text, and looks for every text behind its window where it can."""

        def generate(self, *asked: Any, **options: Any) -> list[Any]:
            first, *others = super().generate(*asked, **options)
            first.scores = [-0.5]
            return [first, *others]

        def align(self, _encoded: Any, _start: Any, texts: Any, frames: list[int]) -> list[Any]:
            self.begins = 1000 if frames[0] == WHOLE else 0
            return super().align(_encoded, _start, texts, frames)

    found = heard(Behind(), monkeypatch, Window(0.0, 1.0), Window(1.0, 2.0))
    assert [one.elsewhere for one in found] == [True, False]


def heard(whisper: FakeWhisper, patch: pytest.MonkeyPatch, *windows: Window) -> list[Hearing]:
    patch.setattr(search, "get_suppressed_tokens", lambda _tokenizer, _tokens: (7,))
    silence: Samples = np.zeros(2 * SAMPLE_RATE, dtype=np.float32)
    asked = Asked(
        lambda task, code: FakeTokenizer(None, True, task=task, language=code), Options(), "de"
    )
    return Decoder(whisper, gpu=False, fitted=True)(silence, windows, asked)
