"""What happens when memory is full: half the batch, again, and in the end a clear error."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from transcription.engine.lanes import Lanes
from transcription.errors import OutOfMemory

Item = TypeVar("Item")
Result = TypeVar("Result")

# Torch and CTranslate2 on a GPU or a Mac; torch on the processor (two spellings); cuBLAS and cuDNN.
# All of them raise RuntimeErrors that differ by their words alone.
_WORDS = ("out of memory", "allocate memory", "alloc_failed")
# After CTranslate2 4.8.5 said so of a card, its next call, half as large, failed by this name.
_ECHO = "cudaerrorinvaliddevice"


def fitting(
    work: Callable[[Sequence[Item]], Result], items: Sequence[Item], size: int
) -> Iterator[tuple[Sequence[Item], Result]]:
    """``items`` in batches of at most ``size``, each with what ``work`` made of it.

    A batch that does not fit into memory is halved, and none after it is larger. Raises
    OutOfMemory when one item alone does not fit.
    """
    position = 0
    while position < len(items):
        batch = items[position : position + size]
        results = _attempted(work, batch)
        if results:
            position += len(batch)
            yield batch, results[0]
        elif len(batch) == 1:
            raise OutOfMemory("Not even one piece of the recording fits into memory.")
        else:
            size = (len(batch) + 1) // 2


def _attempted(work: Callable[[Sequence[Item]], Result], batch: Sequence[Item]) -> list[Result]:
    """The one result; nothing when it did not fit."""
    try:
        return [work(batch)]
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        _give_back(error)
    return []


def in_parts(inference: Any, lanes: Lanes) -> None:
    """Makes a pyannote ``Inference``, which slides over a recording in batches, split them.

    Among ``lanes``, and in halves where memory is full. Anything else stays as it is.
    """
    whole: Callable[[Any], NDArray[Any]] | None = getattr(inference, "infer", None)
    if whole is None:
        return

    def part(chunks: Any) -> list[NDArray[Any]]:
        return [found for _, found in fitting(whole, chunks, len(chunks))]

    def infer(chunks: Any) -> NDArray[Any]:
        parts = [own for own in chunks.tensor_split(lanes.count) if len(own)]
        heard = [found for some in lanes.map(part, parts) for found in some]
        return heard[0] if len(heard) == 1 else np.concatenate(heard)

    inference.infer = infer


@contextmanager
def memory_guard() -> Iterator[None]:
    """Turns a full memory into OutOfMemory, and gives back what the failed attempt held."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        _give_back(error)
        raise OutOfMemory(
            "The recording did not fit into the worker's memory; send it in shorter parts."
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a library says that there is no memory left."""
    words = (*_WORDS, _ECHO)
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)


def without_echo(work: Callable[[], Result]) -> Result:
    """What ``work`` gives; done again where it fails by what a full memory has left behind."""
    try:
        return work()
    except RuntimeError as error:
        if _ECHO not in str(error).lower():
            raise
        _give_back(error)
    return work()


def release() -> None:
    """Gives cached graphics memory back."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _give_back(error: BaseException) -> None:
    # The error holds the functions that failed, and they hold the batch that was too large.
    traceback.clear_frames(error.__traceback__)
    release()
