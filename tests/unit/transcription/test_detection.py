"""Which language is taken where Whisper's own answer is unclear."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")

from tests.unit.transcription.fakes import FakeTokenizer, FakeWhisper
from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine import search
from transcription.engine.decoding import Asked, Decoder
from transcription.engine.features import WHOLE
from transcription.findings import Window
from transcription.options import Options

SAMPLES: Samples = np.zeros(30 * SAMPLE_RATE, dtype=np.float32)
SHORT, LONG = Window(0.0, 2.0), Window(0.0, 20.0)


class Whisper(FakeWhisper):
    """Ranks languages by ``probabilities`` and believes a text in each as ``scores`` say."""

    def __init__(self, probabilities: dict[str, float], scores: dict[str, float]) -> None:
        super().__init__()
        self.scores = scores
        ranked = [(f"<|{code}|>", share) for code, share in probabilities.items()]
        self.model.detect_language = lambda encoded: [ranked] * encoded.shape[0]
        self.tried: list[str] = []

    def generate(self, encoded: Any, prompts: list[Any], **options: Any) -> list[Any]:
        results = super().generate(encoded, prompts, **options)
        for prompt, result in zip(prompts, results, strict=True):
            code = prompt[0].strip("<>")
            self.tried.append(code)
            result.scores = [self.scores.get(code, -1.0)]
        return results


@pytest.fixture(autouse=True)
def _suppressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "get_suppressed_tokens", lambda *_: (7,))


def tokenizers(task: str, code: str) -> FakeTokenizer:
    return FakeTokenizer(None, None, task=task, language=code)


def language(whisper: Whisper) -> tuple[str, float]:
    return Decoder(whisper, gpu=False, fitted=True).language(SAMPLES, SHORT, tokenizers)


def test_a_clear_language_costs_no_text() -> None:
    whisper = Whisper({"it": 0.85, "es": 0.1}, {"es": -0.1})
    assert language(whisper) == ("it", 0.85)
    assert whisper.tried == []


def test_of_unclear_ones_the_more_probable_text_decides() -> None:
    whisper = Whisper({"it": 0.4, "la": 0.2, "es": 0.15, "pt": 0.1}, {"es": -0.1, "pt": -0.05})
    assert language(whisper) == ("es", 0.15)
    assert whisper.tried == ["it", "la", "es"]


def test_texts_that_are_as_probable_leave_the_most_probable_language() -> None:
    whisper = Whisper({"it": 0.4, "es": 0.3}, {"it": -0.5, "es": -0.49})
    assert language(whisper) == ("it", 0.4)


def test_a_window_is_encoded_once_for_its_language_and_its_text() -> None:
    whisper = Whisper({"it": 0.4, "es": 0.3}, {"es": -0.1})
    decoder = Decoder(whisper, gpu=False, fitted=True)
    code, _ = decoder.language(SAMPLES, LONG, tokenizers)
    decoder(SAMPLES, [LONG], Asked(tokenizers, Options(), code))
    assert whisper.encoded == [WHOLE]


def test_each_window_of_several_languages_is_settled_likewise() -> None:
    whisper = Whisper({"it": 0.4, "es": 0.3}, {"es": -0.1})
    decoder = Decoder(whisper, gpu=False, fitted=True)
    (heard,) = decoder(SAMPLES, [LONG], Asked(tokenizers, Options(), None))
    assert heard.language == "es"


def test_a_translation_tells_nothing_of_the_language() -> None:
    whisper = Whisper({"it": 0.4, "es": 0.3}, {"es": -0.1})
    decoder = Decoder(whisper, gpu=False, fitted=True)
    decoder(SAMPLES, [LONG], Asked(tokenizers, Options(task="translate"), None))
    *tried, (_, written) = whisper.calls
    assert [call["prompts"][0][1] for _, call in tried] == ["<transcribe>"] * 2
    assert written["prompts"][0][:2] == ["<es>", "<translate>"]
