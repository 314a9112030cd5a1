"""Filters shared by overlapping chunks: pyannote's own SincNet is the oracle."""

from collections.abc import Callable
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")

import transcription.engine  # noqa: F401 - before pyannote

# isort: split
import torch
from pyannote.audio.models.blocks.sincnet import SincNet
from torch import Tensor
from whisperx.vads.pyannote import load_vad_model

from models.registry import Model, Place
from models.sincnet import Shared, share_filters
from tests.conftest import RECORDING
from transcription.audio import SAMPLE_RATE, decode
from transcription.engine.diarization import Diarizer
from transcription.engine.heard import Heard
from transcription.engine.lanes import Lanes
from transcription.engine.speech import Pyannote
from transcription.findings import ignore_progress

BASE = Model("base", Place.ASSEMBLED, "models.base.pipeline:assemble", licence="Apache-2.0")
STRIDE = 10  # of the first layer in pyannote's networks
SECONDS = 5  # of a chunk of whisperx's network


@pytest.fixture(autouse=True)
def _no_gradients() -> Any:
    with torch.no_grad():
        yield


def noise(samples: int, seed: int = 0) -> Tensor:
    """Louder and softer by turns."""
    generator = torch.Generator().manual_seed(seed)
    loudness = 0.001 + 0.1 * torch.linspace(0, 20, samples).sin() ** 2
    return torch.randn(samples, generator=generator) * loudness


def overlapping(waveform: Tensor, length: int, step: int) -> Tensor:
    """As pyannote's ``Inference`` cuts them: views of the waveform."""
    return waveform[None].unfold(1, length, step).permute(1, 0, 2)


def layers(weight: float = 0.7, bias: float = -0.3) -> Any:
    """Pyannote's, with random weights."""
    torch.manual_seed(1)
    made: Any = SincNet(stride=STRIDE)
    for norm in made.norm1d:
        torch.nn.init.uniform_(norm.weight, -1, 1)
        torch.nn.init.uniform_(norm.bias, -1, 1)
    torch.nn.init.constant_(made.wav_norm1d.weight, weight)
    torch.nn.init.constant_(made.wav_norm1d.bias, bias)
    return made.eval()


class Whole:
    """The way of pyannote, counted by chunks."""

    def __init__(self, made: Any) -> None:
        self.made, self.chunks = made, list[int]()
        self.forward = made.forward
        made.forward = self

    def __call__(self, chunks: Tensor) -> Tensor:
        self.chunks.append(len(chunks))
        found: Tensor = self.forward(chunks)
        return found


def shared(made: Any) -> tuple[Shared, Whole]:
    own = deepcopy(made)
    whole = Whole(own)
    return Shared(own), whole


CHUNKS: dict[str, Callable[[], Tensor]] = {
    "a step of groups of three": lambda: overlapping(noise(9000), 4000, 600),
    "one frame more": lambda: overlapping(noise(9000), 4000, 610),
    "two frames more": lambda: overlapping(noise(9000), 4000, 620),
    "whisperx's": lambda: overlapping(noise(112000), 80000, 8000),
    "community-1's": lambda: overlapping(noise(208000), 160000, 16000),
    "frames that fill no group": lambda: overlapping(noise(9000), 4017, 610),
    "a part of a recording": lambda: overlapping(noise(12000), 4000, 610)[3:9],
    "silence": lambda: overlapping(torch.zeros(9000), 4000, 610),
    "a constant": lambda: overlapping(torch.full((9000,), 0.4), 4000, 610),
    "an offset": lambda: overlapping(noise(9000) + 0.5, 4000, 610),
    "silence at the end": lambda: overlapping(
        torch.cat((noise(6000), torch.zeros(9000))), 4000, 610
    ),
    "soft": lambda: overlapping(noise(9000) * 1e-4, 4000, 610),
    "loud": lambda: overlapping(noise(9000) * 100, 4000, 610),
}
OTHERS: dict[str, Callable[[], Tensor]] = {
    "one chunk": lambda: overlapping(noise(4000), 4000, 610),
    "a step between frames": lambda: overlapping(noise(9000), 4000, 615),
    "a copy": lambda: overlapping(noise(9000), 4000, 610).contiguous(),
    "chosen chunks": lambda: overlapping(noise(9000), 4000, 610)[[0, 2, 3]],
    "side by side": lambda: overlapping(noise(9000), 4000, 4000),
    "the same again": lambda: noise(4000).expand(3, 1, 4000),
    "every other sample": lambda: overlapping(noise(18000)[::2], 4000, 610),
}


@pytest.mark.parametrize("weight", [0.7, -0.7, 0.0])
@pytest.mark.parametrize("name", CHUNKS)
def test_overlapping_chunks_are_filtered_once(name: str, weight: float) -> None:
    """In double precision, where rounding hides no mistake."""
    stock = layers(weight).double()
    own, whole = shared(stock)
    # The numbers of the chunks as doubles, in a waveform that they share.
    chunks = CHUNKS[name]()
    step, samples = chunks.stride(0), chunks.shape[2]
    waveform = chunks.as_strided(((len(chunks) - 1) * step + samples,), (1,)).double()
    chunks = overlapping(waveform, samples, step)
    assert torch.allclose(own(chunks), stock(chunks), rtol=0, atol=1e-6)
    assert whole.chunks == []


@pytest.mark.parametrize("name", CHUNKS)
def test_rounding_errors_are_no_larger_than_pyannotes(name: str) -> None:
    stock = layers()
    own, _ = shared(stock)
    chunks = CHUNKS[name]()
    exact = deepcopy(stock).double()(chunks.double())
    error, pyannotes = (float((each - exact).abs().max()) for each in (own(chunks), stock(chunks)))
    assert error < max(2.5 * pyannotes, 1e-4)


@pytest.mark.parametrize("name", OTHERS)
def test_other_chunks_are_pyannotes_business(name: str) -> None:
    stock = layers()
    own, whole = shared(stock)
    chunks = OTHERS[name]()
    assert torch.equal(own(chunks), stock(chunks))
    assert whole.chunks == [len(chunks)]


def test_a_network_that_learns_is_pyannotes_business() -> None:
    own, whole = shared(layers())
    with torch.enable_grad():
        own(overlapping(noise(9000), 4000, 610))
    assert len(whole.chunks) == 1


def test_filters_are_those_that_the_network_has_now() -> None:
    """As after it has moved to another device."""
    stock = layers()
    chunks = overlapping(noise(9000).double(), 4000, 610)
    own = deepcopy(stock)
    share_filters(SimpleNamespace(model=torch.nn.Sequential(own)))
    share_filters(None)
    for each in (stock, own):
        each.double()
        each.conv1d[0].filterbank.low_hz_ *= 1.5
    assert isinstance(own.forward, Shared)
    assert torch.allclose(own(chunks), stock(chunks), rtol=0, atol=1e-6)


# Real networks


def speech() -> Tensor:
    """20.3 seconds: 31 whole chunks, and one that is padded."""
    sound = decode(RECORDING)
    return torch.from_numpy(np.resize(sound, int(20.3 * SAMPLE_RATE)))


@pytest.mark.parametrize("loudness", [1.0, 10.0])
@pytest.mark.parametrize("offset", [0.0, 0.2])
def test_whisperxs_network_finds_the_same(loudness: float, offset: float) -> None:
    stock: Any = load_vad_model(torch.device("cpu"))._segmentation
    own = deepcopy(stock)
    weights = {name: values.clone() for name, values in stock.model.state_dict().items()}
    share_filters(own)
    assert isinstance(own.model.sincnet.forward, Shared)
    assert list(own.model.state_dict()) == list(weights)
    chunks = overlapping(
        speech() * loudness + offset, SECONDS * SAMPLE_RATE, SECONDS * SAMPLE_RATE // 10
    )
    for some in (chunks[:8], chunks[8:24], chunks[24:]):
        assert np.allclose(own.infer(some), stock.infer(some), rtol=0, atol=2e-3)
    assert all(torch.equal(own.model.state_dict()[name], weights[name]) for name in weights)


@pytest.fixture
def whole_ways(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many chunks each call of pyannote's way has."""
    calls: list[int] = []
    forward = SincNet.forward

    def counted(self: Any, chunks: Tensor) -> Tensor:
        calls.append(len(chunks))
        found: Tensor = forward(self, chunks)
        return found

    monkeypatch.setattr(SincNet, "forward", counted)
    return calls


@pytest.mark.parametrize("lanes", [1, 2])
def test_the_speech_detector_shares_filters(whole_ways: list[int], lanes: int) -> None:
    detector = Pyannote("cpu", Lanes(lanes), Heard())
    detector(speech().numpy(), ignore_progress)
    assert whole_ways == [1]  # the padded chunk


@pytest.mark.parametrize("lanes", [1, 2])
def test_diarizers_share_filters(whole_ways: list[int], lanes: int) -> None:
    """Also behind a detector, where the detector has heard a part of the recording or nothing."""
    heard = Heard()
    detector = Pyannote("cpu", Lanes(lanes), heard)
    diarizer = Diarizer(BASE, "cpu", Lanes(lanes), heard=heard)
    sound = speech()
    segmentation = diarizer._pipeline._segmentation
    segmentation({"waveform": sound[None], "sample_rate": SAMPLE_RATE})
    assert whole_ways == [1]
    detector(sound[: 10 * SAMPLE_RATE].numpy(), ignore_progress)
    segmentation({"waveform": sound[None], "sample_rate": SAMPLE_RATE})
    assert whole_ways == [1, 1]
