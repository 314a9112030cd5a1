"""Speaker embeddings for pyannote's diarization, all speakers of a chunk in one pass.

pyannote 4 runs the whole network once for every speaker of every chunk. Only its last layers, the
statistics over the frames in which that speaker talks, differ between them.
"""

import copy
import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from transcription.engine.lanes import Lanes
from transcription.engine.memory import fitting

# The largest difference to pyannote's own values, which are about 1, that counts as rounding.
_ROUNDING = 1e-4
# The least cosine of a vector and the same in half precision; NaN is none.
_SAME_DIRECTION = 0.9999
_PROBE_SAMPLES = 16000


class OnePass:
    """Takes the place of ``SpeakerDiarization.get_embeddings`` of pyannote.audio 4."""

    def __init__(self, pipeline: Any, lanes: Lanes) -> None:
        self._pipeline = pipeline
        self._lanes = lanes
        self._embedding = pipeline._embedding  # noqa: SLF001 - there is no public name
        # pyannote finds it by trial, several passes: once here instead of in the first request.
        self._least_samples: int = self._embedding.min_num_samples

    @classmethod
    def install(cls, pipeline: Any, lanes: Lanes) -> bool:
        """Whether ``pipeline`` now embeds in one pass; else its network cannot, nothing changed."""
        model = getattr(getattr(pipeline, "_embedding", None), "model_", None)
        if not isinstance(model, nn.Module) or not _takes_several(model):
            return False
        model = folded(model)
        if next(model.parameters()).device.type == "cuda":
            model = halved(model)
        pipeline._embedding.model_ = model  # noqa: SLF001
        pipeline.get_embeddings = cls(pipeline, lanes)
        return True

    def __call__(
        self,
        file: Any,
        binary_segmentations: Any,
        exclude_overlap: bool = False,  # noqa: FBT001, FBT002 - pyannote's signature
        hook: Callable[..., None] | None = None,
    ) -> NDArray[np.float32]:
        """An embedding per chunk and speaker: (chunks, speakers, dimension).

        ``binary_segmentations`` holds 1 where a speaker talks: (chunks, frames, speakers). With
        ``exclude_overlap`` frames with several speakers do not count, but for speakers who would
        then be left with too few.
        """
        masks = self._masks(binary_segmentations, exclude_overlap)
        found = np.empty((*masks.shape[:2], self._embedding.dimension), dtype=np.float32)
        speaking = [chunk for chunk, mask in enumerate(masks) if mask.any()]
        silent = [chunk for chunk, mask in enumerate(masks) if not mask.any()]
        embed = partial(self._embed, file, binary_segmentations, masks)
        for _, vectors in fitting(embed, silent[:1], 1):
            # What the network gives speakers without a frame does not depend on the audio.
            found[silent] = vectors
        done = 0
        for batch, vectors in self._batches(embed, speaking):
            found[batch] = vectors
            done += len(batch)
            if hook is not None:
                hook("embeddings", None, total=len(speaking), completed=done)
        return found

    def _masks(self, segmentations: Any, exclude_overlap: bool) -> NDArray[np.float32]:  # noqa: FBT001
        """Weights of the frames: (chunks, speakers, frames)."""
        talking = segmentations.data
        chosen = np.nan_to_num(talking, nan=0.0).astype(np.float32)
        if exclude_overlap:
            alone = talking.sum(axis=2, keepdims=True) < 2
            clean = np.nan_to_num(talking * alone, nan=0.0).astype(np.float32)
            samples = segmentations.sliding_window.duration * self._embedding.sample_rate
            least = math.ceil(talking.shape[1] * self._least_samples / samples)
            enough = clean.sum(axis=1, keepdims=True) > least
            chosen = np.where(enough, clean, chosen)
        return np.ascontiguousarray(chosen.transpose(0, 2, 1))

    def _batches(
        self, embed: Callable[[Sequence[int]], NDArray[np.float32]], chunks: Sequence[int]
    ) -> Iterator[tuple[Sequence[int], NDArray[np.float32]]]:
        """Chunks with their vectors."""
        size = self._chunks_at_once()
        if size > 1:
            return fitting(embed, chunks, size)
        return self._lanes.map(lambda chunk: next(fitting(embed, [chunk], 1)), chunks)

    @torch.inference_mode()
    def _embed(
        self, file: Any, segmentations: Any, masks: NDArray[np.float32], chunks: Sequence[int]
    ) -> NDArray[np.float32]:
        waveforms = torch.stack(
            [
                self._pipeline._audio.crop(  # noqa: SLF001
                    file, segmentations.sliding_window[chunk], mode="pad"
                )[0]
                for chunk in chunks
            ]
        )
        device = self._embedding.device
        weights = torch.from_numpy(masks[chunks])
        vectors = self._embedding.model_(waveforms.to(device), weights=weights.to(device))
        result: NDArray[np.float32] = vectors.float().cpu().numpy()
        return result

    def _chunks_at_once(self) -> int:
        # On a CPU two or four at once take the processor time of one after the other, eight 1.4
        # times as much: their layers leave the cache.
        on_cpu = self._embedding.device.type == "cpu"
        return 1 if on_cpu else max(1, self._pipeline.embedding_batch_size)


def folded(model: nn.Module) -> nn.Module:
    """A copy of ``model`` whose batch normalizations are part of the convolutions before them.

    They multiply and add constants, which other weights do as well, without another pass over the
    layer. ``model`` itself where that changes what it says.
    """
    copied = copy.deepcopy(model).eval()
    for parent in list(copied.modules()):
        for before, after in _pairs(parent):
            children: dict[str, Any] = parent._modules  # noqa: SLF001 - names differ by parent
            children[before] = fuse_conv_bn_eval(children[before], children[after])
            children[after] = nn.Identity()
    waveform, weights = _probe(model)
    try:
        same = _alike(_run(copied, waveform, weights), _run(model, waveform, weights))
    except RuntimeError:
        return model
    return copied if same else model


def halved(model: nn.Module) -> nn.Module:
    """A copy of ``model`` whose convolutions over two dimensions compute in half precision.

    They are nearly all of a ResNet's work, and a card does it many times faster. ``model`` itself
    where vectors then point elsewhere, or there is none.
    """
    copied = copy.deepcopy(model).eval()
    convolutions = [layer for layer in copied.modules() if isinstance(layer, nn.Conv2d)]
    for convolution in convolutions:
        convolution.half()
        convolution.register_forward_pre_hook(_in_half)
    waveform, weights = _probe(model)
    try:
        halves = _run(copied, waveform, weights).float()
    except RuntimeError:
        return model
    wholes = _run(model, waveform, weights)
    cosines = nn.functional.cosine_similarity(halves, wholes, dim=-1)
    return copied if convolutions and bool((cosines > _SAME_DIRECTION).all()) else model


def _in_half(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (inputs[0].to(dtype=torch.half, memory_format=torch.channels_last),)


def _pairs(parent: nn.Module) -> Iterator[tuple[str, str]]:
    """Names of convolutions and of the normalizations that follow them, as in ResNets."""
    children = parent._modules  # noqa: SLF001
    for name, child in list(children.items()):
        if isinstance(parent, nn.Sequential):
            after = str(int(name) + 1)
        else:
            after = re.sub("^conv", "bn", name)
        if isinstance(child, nn.Conv2d) and isinstance(children.get(after), nn.BatchNorm2d):
            yield name, after


def _takes_several(model: nn.Module) -> bool:
    """Whether weights of several speakers give what the weights of each of them give."""
    waveform, weights = _probe(model)
    try:
        together = _run(model, waveform, weights)
        apart = torch.stack([_run(model, waveform, own) for own in weights.unbind(1)], dim=1)
    except (RuntimeError, TypeError, ValueError, IndexError, AssertionError):
        return False
    return together.shape == apart.shape and _alike(together, apart)


def _probe(model: nn.Module) -> tuple[Tensor, Tensor]:
    """A second of noise, and frames of two speakers, half of it each."""
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(0)
    waveform = 0.1 * torch.randn(1, 1, _PROBE_SAMPLES, generator=generator)
    weights = torch.zeros(1, 2, 60)
    weights[0, 0, :30] = weights[0, 1, 30:] = 1
    return waveform.to(device), weights.to(device)


@torch.inference_mode()
def _run(model: nn.Module, waveform: Tensor, weights: Tensor) -> Tensor:
    result: Tensor = model(waveform, weights=weights)
    return result


def _alike(a: Tensor, b: Tensor) -> bool:
    return bool(torch.isfinite(a).all()) and torch.allclose(a, b, rtol=_ROUNDING, atol=_ROUNDING)
