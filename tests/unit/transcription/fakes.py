"""An engine whose models are not there."""

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

pytest.importorskip("whisperx")

import torch

from transcription.engine import (
    diarization,
    recognition,
    whisperx_engine,
)
from transcription.engine.device import Device
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine

CPU = Device("cpu", "cpu", "int8", 1)
GPU = Device("cuda", "cuda", "float16", 1)


# Recognition


class FakeTokenizer:
    """A token per character."""

    sot_prev, no_timestamps = -1, -2
    eot = "\U0010ffff"  # behind all that is text

    def __init__(self, _hf: object, _multilingual: object, *, task: str, language: str) -> None:
        self.sot_sequence = [f"<{language}>", f"<{task}>"]

    def encode(self, text: str) -> list[str]:
        return list(text)

    def decode(self, tokens: list[str]) -> str:
        return "".join(tokens)


class FakeVocabulary:
    """Five tokens: words, a number, an amount, a share, and what ends a text."""

    texts = (" two", " 2", "$", "50%", "<|endoftext|>")

    def token_to_id(self, text: str) -> int:
        return self.texts.index(text)

    def id_to_token(self, token: str) -> str:
        return token

    def decode_batch(self, tokens: list[list[int]]) -> list[str]:
        return [self.texts[token] for (token,) in tokens]


class FakeWhisper:
    """Fits ``capacity`` windows into its memory and remembers how it was asked."""

    capacity = 1000
    score = -0.2  # of a text
    begins = 0  # where all is looked for, in frames of the encoder
    max_length = 448
    hf_tokenizer = FakeVocabulary()

    def __init__(self, *_arguments: object, **_options: object) -> None:
        self.calls: list[tuple[int, dict[str, Any]]] = []
        self.encoded: list[int] = []  # frames of the spectrograms
        self.looked: list[list[int]] = []  # frames of each window that were looked through
        self.model = SimpleNamespace(
            n_mels=80,
            is_multilingual=True,
            generate=self.generate,
            detect_language=self.detect,
            align=self.align,
        )

    def encode(self, features: np.ndarray) -> np.ndarray:
        if len(features) > self.capacity:
            raise RuntimeError("CUDA failed with error out of memory")
        self.encoded.append(features.shape[2])
        return np.zeros((len(features), features.shape[2] // 2, 4), dtype=np.float32)

    def generate(self, encoded: Any, prompts: list[Any], **options: Any) -> list[Any]:
        assert encoded.shape[1:] == [1500, 4]
        self.calls.append((encoded.shape[0], {"prompts": prompts, **options}))
        return [
            SimpleNamespace(sequences_ids=[list("hi ")], scores=[self.score], no_speech_prob=0.25)
            for _ in prompts
        ]

    def align(
        self, _encoded: Any, _start: Any, texts: list[list[str]], frames: list[int]
    ) -> list[Any]:
        self.looked.append(frames)
        return [
            SimpleNamespace(
                alignments=[(place, self.begins) for place in range(len(text) + 1)],
                text_token_probs=[0.5] * len(text),
            )
            for text in texts
        ]

    def detect(self, encoded: Any) -> list[list[tuple[str, float]]]:
        """Hawaiian and French take turns."""
        found = [[("<|haw|>", 0.8), ("<|en|>", 0.2)], [("<|fr|>", 0.9), ("<|en|>", 0.1)]]
        return [found[place % 2] for place in range(encoded.shape[0])]


# Diarization


class FakePipeline:
    """A hub where only ``hf_good`` is let in."""

    tokens: ClassVar[list[str | None]] = []

    @classmethod
    def from_pretrained(cls, _source: str, token: str | None) -> "FakePipeline":
        cls.tokens.append(token)
        if token != "hf_good":
            raise PermissionError(f"401 for {token}")
        return cls()

    def to(self, _device: torch.device) -> "FakePipeline":
        return self


def gated_engine(monkeypatch: pytest.MonkeyPatch) -> WhisperxEngine:
    """The engine with no models at all: its diarizer is gated."""
    FakePipeline.tokens.clear()
    monkeypatch.setattr(diarization, "Pipeline", FakePipeline)
    monkeypatch.setattr(recognition, "WhisperModel", FakeWhisper)
    monkeypatch.setattr(whisperx_engine, "SpeechFinder", lambda *_: None)
    return WhisperxEngine(Settings(models=("tiny", "base"), align_languages={}, device="cpu"))
