"""The first layer of pyannote's segmentation networks, once for all chunks that share a sound.

SincNet (Ravanelli & Bengio 2018, arXiv:1808.00158) filters the waveform, in pyannote each chunk of
it anew, and chunks overlap by nine parts of ten. But a chunk is brought to mean 0 and deviation 1
before it is filtered, and filters are linear: what they make of the whole waveform, times a number
of the chunk's plus another one, is what they make of the chunk. The greatest of three neighbours
is shared likewise.
"""

from __future__ import annotations

from collections.abc import Iterator
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
        # One after the other: a chunk's numbers stay in the core's cache from layer to layer.
        return torch.cat([self._behind(pooled) for pooled in self._pooled(chunks, step)])

    def _pooled(self, chunks: Tensor, step: int) -> Iterator[Tensor]:
        """The first layer's pooled outputs of chunks that begin ``step`` samples apart.

        Each (1, filters, frames), but for a constant in every channel.
        """
        stride, pool = self._layers.stride, self._layers.pool1d[0].kernel_size
        # Anew each time, as pyannote does: the network may have moved to another device.
        filters: Tensor = self._layers.conv1d[0].filterbank.filters()
        count, _, samples = chunks.shape
        waveform = chunks.as_strided(((count - 1) * step + samples,), (1,))
        filtered = functional.conv1d(waveform[None, None], filters, stride=stride)
        signs = (filtered, -filtered)
        frames = (samples - filters.shape[-1]) // stride + 1
        begins = [chunk * step // stride for chunk in range(count)]
        # Chunks begin at any of a group's places: each place has groups of its own.
        greatest = {
            place: [functional.max_pool1d(either[..., place:], pool) for either in signs]
            for place in {begin % pool for begin in begins}
        }
        scales, shifts = self._normal(waveform, count, step, samples)
        # Twice what the filters make of the shift, a constant; (chunks, filters, 1).
        constants = 2 * shifts[:, None, None] * filters.sum(dim=-1)
        for begin, scale, constant in zip(begins, scales, constants, strict=True):
            high, low = (
                some[:, :, begin // pool : begin // pool + frames // pool]
                for some in greatest[begin % pool]
            )
            # |x + c| is greatest at the greatest x or at the least one; c is left away from both.
            yield torch.maximum(torch.addcmul(constant, high, scale), low * scale)

    def _normal(
        self, waveform: Tensor, count: int, step: int, samples: int
    ) -> tuple[Tensor, Tensor]:
        """By what each chunk is multiplied, at least 0, and what is added then, (chunks,) both.

        With another sign of both, absolute values are the same.
        """
        norm = self._layers.wav_norm1d
        begins = torch.arange(count) * step
        # In double precision, because sums of the whole waveform are subtracted.
        exact = waveform.double()
        sums, squares = (
            functional.pad(each.cumsum(dim=0), (1, 0)) for each in (exact, exact.square())
        )
        mean = (sums[begins + samples] - sums[begins]) / samples
        variance = (squares[begins + samples] - squares[begins]) / samples - mean.square()
        scales = norm.weight / (variance.clamp(min=0) + norm.eps).sqrt()
        shifts = norm.bias - mean * scales
        shifts = torch.where(scales < 0, -shifts, shifts)
        return scales.abs().to(waveform.dtype), shifts.to(waveform.dtype)

    def _behind(self, outputs: Tensor) -> Tensor:
        """What the layers behind the first one's pooling give."""
        layers = self._layers
        outputs = self._normalized(outputs, layers.norm1d[0])
        for convolve, pool, norm in list(
            zip(layers.conv1d, layers.pool1d, layers.norm1d, strict=True)
        )[1:]:
            outputs = self._normalized(pool(convolve(outputs)), norm)
        return outputs

    @staticmethod
    def _normalized(outputs: Tensor, norm: nn.InstanceNorm1d) -> Tensor:
        """The `InstanceNorm1d` and what follows, in place."""
        outputs -= outputs.mean(dim=2, keepdim=True)
        power = torch.linalg.vector_norm(outputs, dim=2, keepdim=True).square()
        factor = norm.weight[:, None] / (power / outputs.shape[2] + norm.eps).sqrt()
        return functional.leaky_relu_(outputs.mul_(factor).add_(norm.bias[:, None]))


def _step(chunks: Tensor) -> int:
    """Samples from one of overlapping chunks of one waveform to the next; 0 where they are not."""
    if chunks.dim() != _DIMENSIONS or chunks.shape[1] != 1 or len(chunks) == 1:
        return 0
    step, _, one = chunks.stride()
    return step if one == 1 and step < chunks.shape[2] else 0
