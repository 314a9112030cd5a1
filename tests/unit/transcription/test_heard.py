"""What one network hears is taken by another of the same weights, once."""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from transcription.engine.heard import Heard


class Inference:
    """Sums its chunks and counts them."""

    def __init__(self, weight: float, step: float = 0.5) -> None:
        self.model = torch.nn.Linear(1, 1)
        with torch.no_grad():
            self.model.weight.fill_(weight)
            self.model.bias.zero_()
        self.duration, self.step = 5.0, step
        self.infer: Callable[[Any], Any] = self._infer
        self.counted = 0

    def _infer(self, chunks: Any) -> Any:
        self.counted += len(chunks)
        return chunks.sum(dim=2).numpy()[:, :, None] * self.model.weight.item()


@pytest.fixture
def chunks() -> Any:
    return torch.arange(24.0).reshape(6, 1, 4)


def test_what_was_heard_is_not_computed_again_and_is_gone_then(chunks: Any) -> None:
    heard, detector, diarizer = Heard(), Inference(2.0), Inference(2.0)
    expected = Inference(2.0).infer(chunks)
    heard.keep(detector)
    heard.give(diarizer)
    assert np.array_equal(detector.infer(chunks[:3]), expected[:3])
    for counted in (3, 9):
        assert np.array_equal(diarizer.infer(chunks), expected)
        assert diarizer.counted == counted
    assert detector.counted == 3


def test_chunks_that_are_missing_here_and_there_are_computed_alone(chunks: Any) -> None:
    heard, detector, diarizer = Heard(), Inference(2.0), Inference(2.0)
    heard.keep(detector)
    heard.give(diarizer)
    detector.infer(chunks[[0, 2, 3]])
    assert np.array_equal(diarizer.infer(chunks), Inference(2.0).infer(chunks))
    assert diarizer.counted == 3


@pytest.mark.parametrize("other", [Inference(3.0), Inference(2.0, step=1.0)])
def test_another_network_hears_for_itself(other: Inference, chunks: Any) -> None:
    heard, detector = Heard(), Inference(2.0)
    heard.keep(detector)
    heard.give(other)
    detector.infer(chunks)
    other.infer(chunks)
    assert other.counted == len(chunks)


def test_a_recording_without_end_keeps_its_end_alone(
    chunks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transcription.engine.heard._MOST", 2)
    heard, detector, diarizer = Heard(), Inference(2.0), Inference(2.0)
    heard.keep(detector)
    heard.give(diarizer)
    detector.infer(chunks)
    assert np.array_equal(diarizer.infer(chunks), Inference(2.0).infer(chunks))
    assert diarizer.counted == 4


def test_what_neighbours_share_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A chunk every half second of five: on a graphics card reading took longer than hearing."""
    chunks = torch.rand(1, 80).unfold(1, 20, 2).permute(1, 0, 2)
    read: list[int] = []
    digest = hashlib.sha256

    def counted(content: Any) -> Any:
        read.append(len(content))
        return digest(content)

    heard, detector, diarizer = Heard(), Inference(2.0), Inference(2.0)
    heard.keep(detector)
    heard.give(diarizer)
    monkeypatch.setattr("transcription.engine.heard.hashlib.sha256", counted)
    detector.infer(chunks)
    # The parts of all samples once, and a digest of digests for each chunk.
    assert len(read) == 40 + len(chunks)
    # Elsewhere in the memory the same chunks have the same digests, and changed ones have not.
    changed = chunks.clone()
    changed[3, 0, 7] += 1
    assert np.array_equal(diarizer.infer(changed), Inference(2.0).infer(changed))
    assert diarizer.counted == 1
