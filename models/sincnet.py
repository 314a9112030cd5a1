"""The first layer of pyannote's segmentation networks, once for all chunks that share a sound.

SincNet (Ravanelli & Bengio 2018, arXiv:1808.00158) filters the waveform, in pyannote each chunk of
it anew, and chunks overlap by nine parts of ten. But a chunk is brought to mean 0 and deviation 1
before it is filtered, and filters are linear: what they make of the whole waveform, times a number
of the chunk's plus another one, is what they make of the chunk. The greatest of three neighbours
is shared likewise.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from pyannote.audio.models.blocks.sincnet import SincNet
from torch import Tensor, nn
from torch.nn import functional

_DIMENSIONS: Final = 3  # of chunks: (chunks, 1, samples)


def share_filters(inference: Any) -> None:
    """Makes the network of a pyannote ``Inference`` filter overlapping chunks once.

    Networks without a `SincNet`, and anything else, stay as they are.
    """
    network = getattr(inference, "model", None)
    for layers in network.modules() if isinstance(network, nn.Module) else ():
        if type(layers) is SincNet:
            layers.forward = Shared(layers)  # type: ignore[assignment]


class Shared:
    """What `SincNet.forward` gives, up to rounding."""

    def __init__(self, layers: SincNet) -> None:
        self._layers: Any = layers
        self._whole = layers.forward

    def __call__(self, chunks: Tensor) -> Tensor:
        """Features (chunks, channels, frames) of ``chunks`` (chunks, 1, samples)."""
        step = _step(chunks)
        if not step or step % self._layers.stride or torch.is_grad_enabled():
            return self._whole(chunks)
        return self._behind(self._pooled(chunks, step))

    def _pooled(self, chunks: Tensor, step: int) -> Tensor:
        """What the first layer's pooling gives of chunks that begin ``step`` samples apart."""
        stride, pool = self._layers.stride, self._layers.pool1d[0].kernel_size
        # Anew each time, as pyannote does: the network may have moved to another device.
        filters: Tensor = self._layers.conv1d[0].filterbank.filters()
        sums = filters.sum(dim=-1)  # (filters, 1): what each makes of a constant
        count, _, samples = chunks.shape
        waveform = chunks.as_strided((1, 1, (count - 1) * step + samples), (1, 1, 1))
        filtered = functional.conv1d(waveform, filters, stride=stride)
        frames = (samples - filters.shape[-1]) // stride + 1
        begins = [chunk * step // stride for chunk in range(count)]
        # Chunks begin at any of a group's places: each place has groups of its own.
        greatest = {
            place: (
                functional.max_pool1d(filtered[..., place:], pool),
                functional.max_pool1d(-filtered[..., place:], pool),
            )
            for place in {begin % pool for begin in begins}
        }
        scales, shifts = self._normal(chunks)
        pooled = chunks.new_empty(count, len(sums), frames // pool)
        for own, begin, scale, shift in zip(pooled, begins, scales, shifts, strict=True):
            high, low = (
                some[0, :, begin // pool : begin // pool + frames // pool]
                for some in greatest[begin % pool]
            )
            constant = sums * shift
            # The greatest |scale x + constant| is at the greatest x or at the least one.
            torch.addcmul(constant, high, scale, out=own)
            torch.maximum(own, torch.addcmul(-constant, low, scale), out=own)
        return pooled

    def _normal(self, chunks: Tensor) -> tuple[Tensor, Tensor]:
        """By what each chunk is multiplied, at least 0, and what is added then, (chunks,) both.

        With another sign of both, absolute values are the same.
        """
        norm = self._layers.wav_norm1d
        variance, mean = torch.var_mean(chunks, dim=(1, 2), correction=0)
        scale = norm.weight / (variance + norm.eps).sqrt()
        shift = norm.bias - mean * scale
        return scale.abs(), torch.where(scale < 0, -shift, shift)

    def _behind(self, pooled: Tensor) -> Tensor:
        """The layers behind the first one's pooling."""
        layers = self._layers
        outputs = functional.leaky_relu(layers.norm1d[0](pooled))
        for convolve, pool, norm in list(
            zip(layers.conv1d, layers.pool1d, layers.norm1d, strict=True)
        )[1:]:
            outputs = functional.leaky_relu(norm(pool(convolve(outputs))))
        return outputs


def _step(chunks: Tensor) -> int:
    """Samples from one of overlapping chunks of one waveform to the next; 0 where they are not."""
    if chunks.dim() != _DIMENSIONS or chunks.shape[1] != 1 or len(chunks) == 1:
        return 0
    step, _, one = chunks.stride()
    return step if one == 1 and step < chunks.shape[2] else 0
