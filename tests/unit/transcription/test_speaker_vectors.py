"""Speaker embeddings in one pass: pyannote's own `get_embeddings` is the oracle."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyannote.audio")

import transcription.engine  # noqa: F401 - before pyannote

# isort: split
import torch
from pyannote.audio import Audio
from pyannote.audio.models.embedding.wespeaker import BaseWeSpeakerResNet
from pyannote.audio.models.embedding.wespeaker.resnet import BasicBlock, ResNet
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.audio.pipelines.speaker_verification import PyannoteAudioPretrainedSpeakerEmbedding
from pyannote.core import SlidingWindow, SlidingWindowFeature
from torch import nn

from models.demo.speaker_embedding import SpeakerEmbedding
from transcription.audio import SAMPLE_RATE
from transcription.engine.lanes import Lanes
from transcription.engine.speaker_vectors import OnePass, folded, halved

SECONDS = 2.0
FRAMES = 120


class SmallWeSpeaker(BaseWeSpeakerResNet):
    """The architecture of community-1's embedding, a few channels wide."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = ResNet(  # type: ignore[no-untyped-call] # pyannote's own
            BasicBlock, [1, 1, 1, 1], 4, 80, 16, two_emb_layer=False
        )


class OneSpeaker(nn.Module):
    """Knows weights of one speaker only."""

    dimension = 2

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 2)

    def forward(self, waveforms: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        assert weights.ndim == 2
        result: torch.Tensor = self.layer(weights.sum(-1, keepdim=True))
        return result


def randomized(model: Any) -> Any:
    torch.manual_seed(0)
    model = model.eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_var is not None
            assert module.running_mean is not None
            for values in (module.running_var, module.weight.data):
                values.uniform_(0.5, 1.5)
            for values in (module.running_mean, module.bias.data):
                values.normal_(0, 0.1)
    if isinstance(model, SpeakerEmbedding):
        model.mel_filters.uniform_(0, 1)
    return model


def pipeline_of(model: Any) -> SpeakerDiarization:
    """A diarization pipeline that has an embedding network and nothing else."""
    pipeline = SpeakerDiarization.__new__(SpeakerDiarization)
    embedding = PyannoteAudioPretrainedSpeakerEmbedding.__new__(
        PyannoteAudioPretrainedSpeakerEmbedding
    )
    embedding.model_, embedding.device = model, torch.device("cpu")
    pipeline.__dict__.update(
        _embedding=embedding,
        _audio=Audio(sample_rate=SAMPLE_RATE, mono="downmix"),
        embedding_batch_size=4,
        _training=False,
        _parameters={},
        _instantiated={},
        _pipelines={},
        _inferences={},
    )
    return pipeline


def conversation() -> tuple[dict[str, Any], SlidingWindowFeature]:
    """Noise, and chunks of three speakers: alone, at once, hardly, not at all."""
    random = np.random.default_rng(0)
    samples = random.normal(0, 0.1, (1, int(5.3 * SAMPLE_RATE))).astype(np.float32)
    talking = np.zeros((8, FRAMES, 3), dtype=np.float32)
    talking[0, :80, 0] = 1
    talking[1, :80, 0] = talking[1, 40:, 1] = 1
    talking[2, :, 1] = talking[2, :, 2] = 1
    talking[3, 7:9, 2] = 1
    talking[5, 30:, 0] = talking[5, 50:100, 1] = talking[5, 99:, 2] = 1
    talking[7] = random.integers(0, 2, (FRAMES, 3))
    window = SlidingWindow(start=0.0, duration=SECONDS, step=0.5)
    file = {"waveform": torch.from_numpy(samples), "sample_rate": SAMPLE_RATE, "uri": "noise"}
    return file, SlidingWindowFeature(talking, window)


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize("exclude_overlap", [False, True])
@pytest.mark.parametrize("make", [SmallWeSpeaker, SpeakerEmbedding], ids=["wespeaker", "demo"])
def test_embeddings_are_pyannotes_own(make: Any, exclude_overlap: bool, lanes: int) -> None:
    pipeline = pipeline_of(randomized(make()))
    file, talking = conversation()
    expected = pipeline.get_embeddings(file, talking, exclude_overlap=exclude_overlap)
    assert OnePass.install(pipeline, Lanes(lanes))
    steps: list[tuple[int, int]] = []

    def hook(step: str, _artefact: object, *, total: int, completed: int) -> None:
        assert step == "embeddings"
        steps.append((completed, total))

    found = pipeline.get_embeddings(file, talking, exclude_overlap=exclude_overlap, hook=hook)
    assert found.shape == expected.shape
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-4, equal_nan=True)
    assert steps == [(done, 6) for done in range(1, 7)]


def test_every_chunk_is_heard_once_and_silence_once_in_all() -> None:
    pipeline = pipeline_of(randomized(SmallWeSpeaker()))
    assert OnePass.install(pipeline, Lanes(1))
    model = pipeline._embedding.model_
    heard: list[int] = []
    model.register_forward_hook(lambda _model, inputs, _output: heard.append(len(inputs[0])))
    pipeline.get_embeddings(*conversation())
    assert heard == [1] * 7  # two of the eight chunks are silent


def test_a_network_for_one_speaker_at_a_time_stays_with_pyannote() -> None:
    pipeline = pipeline_of(OneSpeaker())
    assert not OnePass.install(pipeline, Lanes(1))
    assert "get_embeddings" not in vars(pipeline)
    onnx = SimpleNamespace(_embedding=SimpleNamespace(session_="onnx"))
    assert not OnePass.install(onnx, Lanes(1))


def test_normalizations_are_folded_into_their_convolutions() -> None:
    model = randomized(SmallWeSpeaker())
    smaller = folded(model)
    assert any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in smaller.modules())


def test_a_fold_that_changes_the_network_is_not_made() -> None:
    class Crossed(nn.Module):
        """Normalizes before it convolves, whatever the names say."""

        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1)

        def forward(self, waveforms: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
            heard = self.conv1(self.bn1(waveforms[:, None])).mean((1, 2))
            share = nn.functional.interpolate(weights, size=heard.shape[-1])
            result: torch.Tensor = share @ heard[..., None]
            return result

    model = randomized(Crossed())
    assert folded(model) is model


def test_half_precision_keeps_the_directions_or_is_not_used() -> None:
    """What a card does; the arithmetic is the processor's here."""
    model: Any = folded(randomized(SmallWeSpeaker()))
    smaller = halved(model)
    convolutions = [each for each in smaller.modules() if isinstance(each, nn.Conv2d)]
    assert {each.weight.dtype for each in convolutions} == {torch.half}
    assert {each.weight.dtype for each in model.modules() if isinstance(each, nn.Conv2d)} == {
        torch.float
    }
    waveforms, weights = torch.randn(2, 1, 32000), torch.rand(2, 3, FRAMES)
    with torch.inference_mode():
        found, expected = smaller(waveforms, weights=weights), model(waveforms, weights=weights)
    assert found.dtype == torch.float
    assert nn.functional.cosine_similarity(found, expected, dim=-1).min() > 0.999
    assert not torch.equal(found, expected)
    with torch.no_grad():
        model.resnet.conv1.weight.mul_(1e6)  # no number of half precision
    assert halved(model) is model


def test_a_network_without_such_convolutions_is_not_halved() -> None:
    model = randomized(SpeakerEmbedding())
    assert halved(model) is model
