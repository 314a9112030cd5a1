"""A tiny Whisper whose parameter names are those of transformers' Whisper.

Unlike transformers' class it trains on windows shorter than 30 s at any position of the 30 s,
it has an extra head that names phones (dropped at export), and its vocabulary is only the rows
in use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.demo.features import MELS
from models.demo.tokenizer import TIMESTAMP_STEP, TIMESTAMPS

POSITIONS: Final = 1500  # encoder frames of 30 s
ENCODER_RATE: Final = 50  # encoder frames a second
TEXT_POSITIONS: Final = 448
_PERIODS: Final = 64  # sinusoids that describe a timestamp


@dataclass(frozen=True)
class Size:
    """Dimensions of the network."""

    width: int = 128
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 2

    @property
    def inner(self) -> int:
        """Width inside the feed-forward layers."""
        return 4 * self.width


def sinusoids(length: int, width: int) -> Tensor:
    """Whisper's fixed encoder positions, (length, width)."""
    step = math.log(10_000) / (width // 2 - 1)
    angle = torch.arange(length)[:, None] * torch.exp(-step * torch.arange(width // 2))
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class Attention(nn.Module):
    """Multi-head attention of Whisper: the key projection has no bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def _split(self, x: Tensor) -> Tensor:
        batch, time, width = x.shape
        return x.view(batch, time, self.heads, width // self.heads).transpose(1, 2)

    def forward(self, x: Tensor, *, causal: bool = False) -> Tensor:
        """Attend from ``x`` (batch, time, width) to itself."""
        query, key, value = (
            self._split(project(x)) for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        y = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
        result: Tensor = self.out_proj(y.transpose(1, 2).flatten(2))
        return result

    def attend(self, x: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
        """Attend from ``x`` to ``source``; also the weights (batch, heads, time, source time)."""
        query = self._split(self.q_proj(x))
        key, value = self._split(self.k_proj(source)), self._split(self.v_proj(source))
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        weights = scores.softmax(-1)
        return self.out_proj((weights @ value).transpose(1, 2).flatten(2)), weights


class Layer(nn.Module):
    """What encoder and decoder layers share: self-attention and a feed-forward half."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.self_attn = Attention(size.width, size.heads)
        self.self_attn_layer_norm = nn.LayerNorm(size.width)
        self.fc1 = nn.Linear(size.width, size.inner)
        self.fc2 = nn.Linear(size.inner, size.width)
        self.final_layer_norm = nn.LayerNorm(size.width)

    def listen(self, x: Tensor, *, causal: bool) -> Tensor:
        """Self-attention on (batch, time, width)."""
        attended: Tensor = self.self_attn(self.self_attn_layer_norm(x), causal=causal)
        return x + attended

    def feed(self, x: Tensor) -> Tensor:
        """The feed-forward half."""
        fed: Tensor = self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x))))
        return x + fed


class EncoderLayer(Layer):
    """A layer that hears the whole window."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, width) to the same shape."""
        return self.feed(self.listen(x, causal=False))


class DecoderLayer(Layer):
    """A causal layer that also attends to the encoder's output."""

    def __init__(self, size: Size) -> None:
        super().__init__(size)
        self.encoder_attn = Attention(size.width, size.heads)
        self.encoder_attn_layer_norm = nn.LayerNorm(size.width)

    def forward(self, x: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
        """New (batch, tokens, width), and the attention weights to ``heard``."""
        x = self.listen(x, causal=True)
        y, weights = self.encoder_attn.attend(self.encoder_attn_layer_norm(x), heard)
        return self.feed(x + y), weights


class Encoder(nn.Module):
    """Two convolutions and self-attention: 100 mel frames a second in, 50 vectors out."""

    positions: Tensor

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(MELS, size.width, 3, padding=1)
        self.conv2 = nn.Conv1d(size.width, size.width, 3, stride=2, padding=1)
        self.register_buffer("positions", sinusoids(POSITIONS, size.width))
        self.layers = nn.ModuleList(EncoderLayer(size) for _ in range(size.encoder_layers))
        self.layer_norm = nn.LayerNorm(size.width)

    def forward(self, mel: Tensor, first: int = 0) -> Tensor:
        """``mel`` (batch, MELS, frames) heard from encoder position ``first``."""
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(mel)))).transpose(1, 2)
        x = x + self.positions[first : first + x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        heard: Tensor = self.layer_norm(x)
        return heard


class Decoder(nn.Module):
    """Text from sound. A timestamp's row is a linear map of its sinusoids: 1501 rows, one idea."""

    sinusoid: Tensor

    def __init__(self, size: Size, rows: int) -> None:
        super().__init__()
        self.text = nn.Parameter(torch.randn(rows, size.width) * 0.05)
        periods = torch.logspace(-1, math.log10(80), _PERIODS)  # 0.1 s to 80 s
        angle = torch.arange(TIMESTAMPS)[:, None] * TIMESTAMP_STEP * 2 * math.pi / periods
        self.register_buffer("sinusoid", torch.cat([angle.sin(), angle.cos()], dim=1))
        self.time_weight = nn.Parameter(torch.randn(2 * _PERIODS, size.width) * 0.006)
        self.time_bias = nn.Parameter(torch.zeros(size.width))
        self.embed_positions = nn.Parameter(torch.randn(TEXT_POSITIONS, size.width) * 0.01)
        self.layers = nn.ModuleList(DecoderLayer(size) for _ in range(size.decoder_layers))
        self.layer_norm = nn.LayerNorm(size.width)

    def table(self) -> Tensor:
        """Token rows, (text rows + TIMESTAMPS, width)."""
        return torch.cat([self.text, self.sinusoid @ self.time_weight + self.time_bias])

    def forward(self, tokens: Tensor, heard: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits (batch, tokens, rows) and every layer's attention to ``heard``."""
        table = self.table()
        x = functional.embedding(tokens, table) + self.embed_positions[: tokens.shape[1]]
        attention: list[Tensor] = []
        for layer in self.layers:
            x, weights = layer(x, heard)
            attention.append(weights)
        return self.layer_norm(x) @ table.T, attention


class Recognizer(nn.Module):
    """Encoder, decoder and the phone head used in training only."""

    def __init__(self, size: Size, rows: int, phones: int) -> None:
        super().__init__()
        self.size = size
        self.encoder = Encoder(size)
        self.decoder = Decoder(size, rows)
        self.phones = nn.Linear(size.width, phones)
