"""Networks for processors that multiply matrices of bfloat16 in units made for it (Intel's AMX).

CTranslate2 does not use them: its encoder of int8 takes such a processor three times as long. Its
decoder stays, which computes little at a time.
"""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from transcription.engine.weights import weights

FILE: Final = "model.bin"
# Weights that stay at 32 bits.
_EXACT: Final = re.compile(r"norm/|^num_heads$|^position_encodings/")

Array = NDArray[np.float32]


def has_units() -> bool:
    """Whether this processor has such units."""
    return bool(torch.cpu._is_amx_tile_supported())  # noqa: SLF001 - there is no public name


class Network:
    """The encoder of Radford et al. (2022, section 2.2), with a CTranslate2 model's weights.

    What layers add to, their normalizations and what comes out have 32 bits.
    """

    def __init__(self, folder: Path, dtype: torch.dtype = torch.bfloat16) -> None:
        """Raises OSError without a model in ``folder``, ValueError where it has another format."""
        stored = weights(folder / FILE, "encoder/")
        self._layers: Final = sum(name.endswith("linear_0/weight") for name in stored) // 2
        self._dtype = dtype
        # Taken away one by one: of large models there is not room for both at once.
        self._weights = {
            name: stored.pop(name).to(torch.float32 if _EXACT.search(name) else dtype)
            for name in sorted(stored)
        }
        if not self._layers:
            raise ValueError("the encoder has no layers")
        self._try()

    def _try(self) -> None:
        """Sees that nothing is missing, now rather than in a request."""
        try:
            mels = self._weights["conv1/weight"].shape[1]
            self(np.zeros((1, mels, 2), np.float32))
        except KeyError as error:
            raise ValueError(f"the encoder has no {error}") from error
        except RuntimeError as error:
            raise ValueError("the encoder's weights do not fit each other") from error

    def __call__(self, spectrograms: Array) -> Array:
        """Encodings (windows, frames / 2, width) of ``spectrograms`` (windows, mels, frames)."""
        with torch.inference_mode():
            heard = torch.from_numpy(spectrograms).to(self._dtype)
            for number, stride in ((1, 1), (2, 2)):
                weight, bias = self._pair(f"conv{number}")
                convolved = functional.conv1d(heard, weight, bias, stride=stride, padding=1)
                heard = functional.gelu(convolved)
            # A frame's numbers side by side, or every sum walks through all of the memory.
            states = heard.transpose(1, 2).contiguous().float()
            states += self._weights["position_encodings/encodings"][: states.shape[1]]
            for number in range(self._layers):
                layer = f"layer_{number}/"
                states += self._attention(states, f"{layer}self_attention/")
                states += self._forward(states, f"{layer}ffn/")
            found: Array = self._normal(states, "layer_norm").numpy()
        return found

    def _attention(self, states: Tensor, where: str) -> Tensor:
        windows, frames, width = states.shape
        heads = int(self._weights["num_heads"])
        every = self._linear(self._normal(states, f"{where}layer_norm"), f"{where}linear_0")
        parts = every.view(windows, frames, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*parts)
        return self._linear(
            seen.transpose(1, 2).reshape(windows, frames, width), f"{where}linear_1"
        )

    def _forward(self, states: Tensor, where: str) -> Tensor:
        wide = self._linear(self._normal(states, f"{where}layer_norm"), f"{where}linear_0")
        return self._linear(functional.gelu(wide), f"{where}linear_1")

    def _linear(self, states: Tensor, where: str) -> Tensor:
        return functional.linear(states.to(self._dtype), *self._pair(where))

    def _pair(self, where: str) -> tuple[Tensor, Tensor]:
        return self._weights[f"{where}/weight"], self._weights[f"{where}/bias"]

    def _normal(self, states: Tensor, where: str) -> Tensor:
        gamma, beta = self._weights[f"{where}/gamma"], self._weights[f"{where}/beta"]
        return functional.layer_norm(states, gamma.shape, gamma, beta)


def in_bfloat16(inference: Any) -> None:
    """Makes the LSTMs of a pyannote ``Inference`` compute so, and nothing else.

    Their weights, as others see them, and their results have 32 bits.
    """
    network = getattr(inference, "model", None)
    for module in network.modules() if isinstance(network, nn.Module) else ():
        if type(module) is nn.LSTM:
            module.forward = _Lstm(module)  # type: ignore[method-assign,assignment]


class _Lstm:
    """What an LSTM gives for a batch that begins anew."""

    def __init__(self, lstm: nn.LSTM) -> None:
        self._lstm = deepcopy(lstm).bfloat16()

    def __call__(self, states: Tensor) -> tuple[Tensor, Any]:
        found, last = self._lstm(states.bfloat16())
        return found.float(), tuple(part.float() for part in last)
