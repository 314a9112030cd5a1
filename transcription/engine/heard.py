"""One hearing for two: the speech detector's network is often the diarizer's as well.

Both slide it over the same recording in the same chunks, and it takes a quarter of a
transcription's time. So what the detector heard is kept for the diarizer, which takes it away.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_MOST = 12_000  # chunks half a second apart: 100 minutes, 42 MB

Scores = NDArray[np.float32]  # of one chunk: (frames, speakers)


class Heard:
    """Scores of chunks, by what the chunks hold."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Scores] = OrderedDict()
        self._weights = b""
        self._keeping = threading.Lock()

    def keep(self, inference: Any) -> None:
        """Makes a pyannote ``Inference`` keep what it hears."""
        whole = inference.infer
        self._weights = _weights(inference)
        overlap = inference.step / inference.duration

        def infer(chunks: torch.Tensor) -> Scores:
            found: Scores = whole(chunks)
            contents = _contents(chunks, overlap)
            with self._keeping:
                self._kept.update(zip(contents, found, strict=True))
                while len(self._kept) > _MOST:
                    self._kept.popitem(last=False)
            return found

        inference.infer = infer

    def give(self, inference: Any) -> None:
        """Makes another one with the same weights, and no other, take what was kept."""
        if getattr(inference, "infer", None) is None or _weights(inference) != self._weights:
            return
        whole = inference.infer
        overlap = inference.step / inference.duration

        def infer(chunks: torch.Tensor) -> Scores:
            found = self._take(_contents(chunks, overlap))
            missing = [place for place, scores in enumerate(found) if scores is None]
            if missing:
                for place, scores in zip(missing, whole(_some(chunks, missing)), strict=True):
                    found[place] = scores
            return np.stack([scores for scores in found if scores is not None])

        inference.infer = infer

    def _take(self, contents: Sequence[bytes]) -> list[Scores | None]:
        with self._keeping:
            return [self._kept.pop(content, None) for content in contents]


def _some(chunks: torch.Tensor, places: Sequence[int]) -> torch.Tensor:
    """Those at ``places``; neighbours stay views of one waveform, whose filters they share."""
    first, end = places[0], places[-1] + 1
    return chunks[first:end] if end - first == len(places) else chunks[places]


def _contents(chunks: torch.Tensor, step: float) -> list[bytes]:
    """A digest of each chunk: of the digests of its parts, which are ``step`` of it long.

    Neighbours share nine parts of ten, in the same place of the memory, and each is read once.
    """
    flat = [chunk.contiguous().flatten() for chunk in chunks]
    size = max(1, round(step * flat[0].numel())) if flat else 1
    known: dict[tuple[int, int], bytes] = {}

    def content(part: torch.Tensor) -> bytes:
        place = part.data_ptr(), part.numel()
        if place not in known:
            known[place] = hashlib.sha256(part.numpy().data).digest()
        return known[place]

    return [hashlib.sha256(b"".join(map(content, chunk.split(size)))).digest() for chunk in flat]


def _weights(inference: Any) -> bytes:
    """A digest of the network's weights and of how it slides."""
    digest = hashlib.blake2b(repr((inference.duration, inference.step)).encode())
    for name, values in sorted(inference.model.state_dict().items()):
        digest.update(name.encode())
        digest.update(values.detach().cpu().contiguous().numpy().tobytes())
    return digest.digest()
