"""A full memory: every stage that computes in batches halves them, and gives up in words."""

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")

import torch

from models import registry
from models.registry import Model, Place
from tests.unit.transcription.test_forced_alignment import base_of_torchaudio
from tests.unit.transcription.test_speaker_vectors import (
    SmallWeSpeaker,
    conversation,
    pipeline_of,
    randomized,
)
from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine import alignment
from transcription.engine.alignment import Aligner, find_sentence_tables
from transcription.engine.lanes import Lanes
from transcription.engine.memory import fitting, in_parts, is_out_of_memory, memory_guard
from transcription.engine.speaker_vectors import OnePass
from transcription.errors import OutOfMemory
from transcription.findings import ignore_progress
from transcription.transcript import Segment

FULL = "CUDA out of memory. Tried to allocate 2.00 GiB"


class Limited:
    """``function``, which fails for batches of more than ``capacity``."""

    def __init__(self, function: Callable[..., Any], capacity: int) -> None:
        self.function = function
        self.capacity = capacity
        self.sizes: list[int] = []

    def __call__(self, batch: Any, *arguments: Any, **options: Any) -> Any:
        self.sizes.append(len(batch))
        if len(batch) > self.capacity:
            raise RuntimeError(FULL)
        return self.function(batch, *arguments, **options)


def test_what_does_not_fit_is_halved_and_later_batches_are_no_larger() -> None:
    doubled = Limited(lambda batch: [2 * each for each in batch], 2)
    done = list(fitting(doubled, range(9), 6))
    assert [each for _, result in done for each in result] == [2 * each for each in range(9)]
    assert doubled.sizes == [6, 3, 2, 2, 2, 2, 1]


def test_one_that_does_not_fit_is_an_error_in_words() -> None:
    with pytest.raises(OutOfMemory, match="Not even one piece"):
        list(fitting(Limited(list, 0), range(5), 4))


def test_other_errors_are_not_tried_again() -> None:
    sizes: list[int] = []

    def broken(batch: Sequence[int]) -> None:
        sizes.append(len(batch))
        raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape"):
        list(fitting(broken, range(5), 4))
    assert sizes == [4]


def test_what_the_libraries_say_is_understood() -> None:
    impossible = 1 << 56
    for allocate in (
        lambda: torch.empty(impossible, dtype=torch.uint8),
        lambda: np.empty(impossible, dtype=np.uint8),
        lambda: bytearray(impossible),
    ):
        with pytest.raises((RuntimeError, MemoryError)) as caught:
            allocate()
        assert is_out_of_memory(caught.value), caught.value
    for text in ("CUDA failed with error out of memory", "CUBLAS_STATUS_ALLOC_FAILED when calling"):
        assert is_out_of_memory(RuntimeError(text))
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


@pytest.mark.parametrize("guarded", [False, True])
def test_a_failed_attempt_gives_back_what_it_held(guarded: bool) -> None:
    class Batch:
        """Stands for gigabytes."""

    held: list[weakref.ref[Batch]] = []

    def work(_batch: Sequence[int]) -> None:
        large = Batch()
        held.append(weakref.ref(large))
        raise MemoryError

    def attempt() -> None:
        if guarded:
            with memory_guard():
                work(())
        list(fitting(work, range(2), 2))

    with pytest.raises(OutOfMemory) as caught:
        attempt()
    # While somebody still handles the error.
    assert caught.value is not None
    assert [reference() for reference in held] == [None] * len(held) != []


# Alignment


@pytest.fixture
def aligner(monkeypatch: pytest.MonkeyPatch) -> Aligner:
    torch.manual_seed(0)
    network, kind = base_of_torchaudio()
    letters = {chr(ord("a") + number): number + 5 for number in range(26)}
    about = {"dictionary": {"<pad>": 0, "|": 4, **letters}, "type": kind}
    monkeypatch.setattr(alignment, "load_align_model", lambda *_a, **_o: (network.eval(), about))
    find_sentence_tables(registry.DEMO_NLTK_DATA)
    return Aligner(Model("any", Place.TORCHAUDIO, "any", licence="none"), "en", "cpu", Lanes(1))


def test_alignment_halves_its_batches(aligner: Aligner, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 9 * SAMPLE_RATE)
    samples: Samples = noise.astype(np.float32)
    said = [Segment("one two", start, start + 1.5) for start in (0.0, 1.5, 3.0, 4.5, 6.0)]
    whole = aligner.align(samples, said, ignore_progress)
    limited = Limited(aligner._acoustics._features, 2)
    monkeypatch.setattr(aligner._acoustics, "_features", limited)
    halved = aligner.align(samples, said, ignore_progress)
    assert limited.sizes == [5, 3, 2, 2, 1]
    assert [segment.text for segment in halved] == [segment.text for segment in whole]
    for own, other in zip(halved, whole, strict=True):
        assert [word.start for word in own.words] == [word.start for word in other.words]
    limited.capacity = 0
    with pytest.raises(OutOfMemory):
        aligner.align(samples, said, ignore_progress)
    limited.capacity = 5
    assert len(aligner.align(samples, said, ignore_progress)) == 5


# Diarization


def test_speaker_vectors_halve_their_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OnePass, "_chunks_at_once", lambda _self: 4)  # as on a GPU
    pipeline = pipeline_of(randomized(SmallWeSpeaker()))
    assert OnePass.install(pipeline, Lanes(1))
    whole = pipeline.get_embeddings(*conversation())
    model = pipeline._embedding.model_
    limited = Limited(model.forward, 2)
    monkeypatch.setattr(model, "forward", limited)
    halved = pipeline.get_embeddings(*conversation())
    assert limited.sizes == [1, 4, 2, 2, 2]
    assert np.allclose(halved, whole, atol=1e-4, equal_nan=True)
    limited.capacity = 0
    with pytest.raises(OutOfMemory):
        pipeline.get_embeddings(*conversation())


def test_segmentation_halves_its_batches() -> None:
    """pyannote itself turns a full memory into another error, and gives up."""

    class Inference:
        def infer(self, chunks: torch.Tensor) -> np.ndarray:
            if len(chunks) > 3:
                raise MemoryError("batch_size (32) is probably too large.")
            result: np.ndarray = chunks.numpy() * 2
            return result

    chunks = torch.arange(14.0).reshape(7, 2)
    for lanes in (Lanes(1), Lanes(2)):
        inference = Inference()
        in_parts(inference, lanes)
        for some in (chunks, chunks[:1]):
            assert np.array_equal(inference.infer(some), some.numpy() * 2)
    in_parts(object(), Lanes(1))
