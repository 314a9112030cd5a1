"""What a wav2vec2 network hears in pieces of a recording, several pieces at once.

A piece in a batch gets the same frames as alone: what pads it is masked wherever a network would
look at it, also in the group normalization of the base models, which transformers and torchaudio
apply to the padding too.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine.trellis import Frames

# Samples of a batch, padding included: one window of Whisper on a CPU, where larger batches only
# take memory, sixteen on a GPU.
_BUDGET = {False: 30 * SAMPLE_RATE, True: 16 * 30 * SAMPLE_RATE}
# The shortest piece of a batch by its longest: padding is computed for nothing.
_SHORTEST = {False: 0.95, True: 0.8}
# Frames of the second convolution computed at once on a CPU: what the first makes of them
# (512 channels, 4 bytes, twice the frames: 8 MB) is still in the cache when the second reads it.
_BLOCK = 2048
_UNIT_EPSILON = 1e-7  # transformers' own, in its feature extractor


def batches(lengths: Sequence[int], *, gpu: bool) -> Iterator[list[int]]:
    """Indices of pieces of similar length, the longest first, so that memory peaks at once."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        longest = lengths[batch[0]] if batch else 0
        full = (len(batch) + 1) * longest > _BUDGET[gpu]
        if batch and (full or lengths[index] < _SHORTEST[gpu] * longest):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


class Acoustics:
    """One wav2vec2 network with a CTC head, as ``load_align_model`` of whisperx returns it.

    ``kind`` is "torchaudio" or "huggingface". ``unit_variance`` tells that the network was
    trained on pieces of mean 0 and variance 1; whisperx passes raw audio to every model of the
    hub, and such a one then hardly beats guessing.
    """

    def __init__(
        self, network: nn.Module, kind: str, device: str, *, unit_variance: bool = False
    ) -> None:
        whole: Any = network.eval()
        self._network = whole
        self._base: Any = whole if kind == "torchaudio" else whole.wav2vec2
        self._is_torchaudio = kind == "torchaudio"
        self._device = device
        self._unit_variance = unit_variance
        self._convolutions: list[Any] = list(self._base.feature_extractor.conv_layers)
        self._shapes = [
            (int(layer.conv.kernel_size[0]), int(layer.conv.stride[0]))
            for layer in self._convolutions
        ]
        self._beginning = _Beginning.of(self._convolutions, self.is_gpu)

    @property
    def is_gpu(self) -> bool:
        """Whether large batches pay."""
        return self._device != "cpu"

    @torch.inference_mode()
    def __call__(self, pieces: Sequence[Samples]) -> list[Frames]:
        """Log probabilities for each piece, shape (frames, symbols)."""
        heard = [torch.from_numpy(self._scaled(piece)) for piece in pieces]
        lengths = [max(len(piece), self._least) for piece in heard]
        batch = torch.zeros(len(heard), max(lengths))
        for row, piece in zip(batch, heard, strict=True):
            row[: len(piece)] = piece
        counts = [self._frames(length) for length in lengths]
        features = self._features(batch.to(self._device), lengths)
        # Without padding no mask: attention is then cheaper.
        padded = torch.tensor(counts, device=self._device) if len(set(counts)) > 1 else None
        logits = (self._from_torchaudio if self._is_torchaudio else self._from_hub)(
            features, padded
        )
        found = torch.log_softmax(logits.float(), dim=-1).cpu().numpy()
        return [rows[:count] for rows, count in zip(found, counts, strict=True)]

    def _scaled(self, piece: Samples) -> Samples:
        if not self._unit_variance or not len(piece):
            return piece
        deviation = np.sqrt(piece.var(dtype=np.float64) + _UNIT_EPSILON)
        scaled: Samples = ((piece - piece.mean(dtype=np.float64)) / deviation).astype(np.float32)
        return scaled

    @property
    def _least(self) -> int:
        """Samples that make one frame."""
        least = 1
        for kernel, stride in reversed(self._shapes):
            least = (least - 1) * stride + kernel
        return least

    def _frames(self, samples: int) -> int:
        for kernel, stride in self._shapes:
            samples = (samples - kernel) // stride + 1
        return samples

    def _features(self, waveforms: Tensor, lengths: Sequence[int]) -> Tensor:
        """What the convolutions make of it, shape (batch, frames, channels)."""
        if self._beginning is None:
            features, rest = waveforms[:, None], self._convolutions
        else:
            features, rest = self._beginning(waveforms, lengths), self._convolutions[2:]
        for layer in rest:
            features = layer(features, None)[0] if self._is_torchaudio else layer(features)
        return features.transpose(1, 2)

    def _from_torchaudio(self, features: Tensor, counts: Tensor | None) -> Tensor:
        encoded: Tensor = self._network.encoder(features, counts)
        return encoded if self._network.aux is None else self._network.aux(encoded)

    def _from_hub(self, features: Tensor, counts: Tensor | None) -> Tensor:
        hidden, _ = self._base.feature_projection(features)
        mask = None
        if counts is not None:
            mask = torch.arange(hidden.shape[1], device=hidden.device) < counts[:, None]
        hidden = self._base.encoder(hidden, attention_mask=mask).last_hidden_state
        logits: Tensor = self._network.lm_head(hidden)
        return logits


class _Beginning:
    """The first two convolutions of a base model, its group normalization folded into the first.

    Mean and variance of a channel over time follow from those of the patches that the convolution
    sees (ten samples each), so the normalization becomes other weights, made anew for each
    piece, and its padding has no part in them. That saves a pass over the widest layer.
    """

    def __init__(self, first: Any, second: Any, *, gpu: bool) -> None:
        self._first, self._second = first, second
        self._gpu = gpu
        self._kernel, self._stride = first.conv.kernel_size[0], first.conv.stride[0]
        weight, scale, shift = (
            first.conv.weight[:, 0],
            first.layer_norm.weight,
            first.layer_norm.bias,
        )
        # Metal knows no double precision; from a CUDA card the patches would have to come back.
        self._exact = weight.device if weight.device.type == "cuda" else torch.device("cpu")
        self._weight, self._scale, self._shift = (
            values.detach().to(self._exact).double() for values in (weight, scale, shift)
        )

    @classmethod
    def of(cls, layers: Sequence[Any], gpu: bool) -> "_Beginning | None":  # noqa: FBT001 - private
        """The beginning of ``layers``, None where it is built in another way."""
        first, second = layers[0], layers[1]
        norm = first.layer_norm if hasattr(first, "layer_norm") else None
        plain = isinstance(norm, nn.GroupNorm) and norm.num_groups == norm.num_channels
        # torchaudio's layers apply GELU themselves and have no attribute for it.
        activations = (getattr(layer, "activation", nn.GELU()) for layer in (first, second))
        gelu = all(type(layer).__name__ in {"GELU", "GELUActivation"} for layer in activations)
        bare = getattr(second, "layer_norm", None) is None
        return cls(first, second, gpu=gpu) if plain and gelu and bare else None

    def __call__(self, waveforms: Tensor, lengths: Sequence[int]) -> Tensor:
        """``waveforms`` (batch, samples), zero after ``lengths``, as (batch, channels, frames)."""
        patches = waveforms.unfold(1, self._kernel, self._stride)
        conv = self._second.conv
        kernel, stride = conv.kernel_size[0], conv.stride[0]
        count = (patches.shape[1] - kernel) // stride + 1
        result = waveforms.new_empty(len(waveforms), conv.out_channels, count)
        block = count if self._gpu else _BLOCK
        for row, own, out in zip(patches, lengths, result, strict=True):
            weight, bias = self._folded(row[: (own - self._kernel) // self._stride + 1])
            columns = row.T.contiguous()
            for start in range(0, count, block):
                stop = min(start + block, count)
                seen = columns[:, start * stride : (stop - 1) * stride + kernel]
                inner = _gelu(torch.addmm(bias, weight, seen))
                outer = nn.functional.conv1d(inner[None], conv.weight, conv.bias, stride)[0]
                out[:, start:stop] = _gelu(outer)
        return result

    def _folded(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Weights (channels, kernel) and biases (channels, 1) for ``patches`` (frames, kernel)."""
        seen = patches.to(self._exact).double()
        mean = seen.mean(0)
        centred = seen - mean
        covariance = centred.T @ centred / len(seen)
        variance = ((self._weight @ covariance) * self._weight).sum(1)
        scale = self._scale / torch.sqrt(variance + self._first.layer_norm.eps)
        # The convolution's own bias moves the mean as much as the values.
        shift = self._shift - (self._weight @ mean) * scale
        like = self._first.conv.weight
        return (self._weight * scale[:, None]).to(like), shift[:, None].to(like)


def _gelu(values: Tensor) -> Tensor:
    """In place: the widest layer of a window is 200 MB."""
    result: Tensor = torch.ops.aten.gelu.out(values, out=values)
    return result
