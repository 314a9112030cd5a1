"""Training of the speaker embedding, and the pipeline directory it becomes part of."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import lightning
import numpy as np
import pyannote.audio
import torch
from pyannote.audio.core.task import Problem, Resolution, Specifications
from torch import Tensor, nn
from torch.nn import functional

from models.demo import noise
from models.demo.features import FLOOR, FRAME_RATE, MELS, mel_filters
from models.demo.noise import MelNoise
from models.demo.speaker_embedding import DIMENSION, SpeakerEmbedding, SpeakerNetwork
from models.demo.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pyannote.audio.models.embedding.wespeaker import BaseWeSpeakerResNet

    from models.demo.corpus import Utterance

RATE: Final = 2e-3
#: Distance below which two clusters are one speaker, and how often a speaker must be heard;
#: chosen on 28 conversations that nothing else was chosen or measured by.
THRESHOLD: Final = 0.75
CLUSTER_SIZE: Final = 12
_BATCH: Final = 48
_CHUNK: Final = 5 * FRAME_RATE  # frames of one chunk, as the segmentation model hears them
_SHORTEST: Final = FRAME_RATE // 2  # frames of a speaker in a chunk
_SCALE: Final = 20.0  # of the cosines in the softmax
_MARGIN: Final = 0.2  # by which the right speaker must win


class Classifier(nn.Module):
    """The embedding and one direction for each training speaker."""

    def __init__(self, speakers: int) -> None:
        super().__init__()
        self.network = SpeakerNetwork()
        self.speakers = nn.Parameter(torch.randn(speakers, DIMENSION) * 0.1)

    def forward(self, mel: Tensor, weights: Tensor) -> Tensor:
        """Cosines (batch, speakers) to every training speaker."""
        embedding = functional.normalize(self.network(mel, weights[:, None])[:, 0], dim=-1)
        return embedding @ functional.normalize(self.speakers, dim=-1).T


class Chunks:
    """Five-second chunks: one speaker marked, often with another before or after."""

    def __init__(self, utterances: Sequence[Utterance], rng: random.Random) -> None:
        self._rng = rng
        self._noise = MelNoise(rng)
        self._by_voice: dict[str, list[Utterance]] = defaultdict(list)
        for utterance in utterances:
            self._by_voice[utterance.voice].append(utterance)
        self.voices = sorted(self._by_voice)

    def batch(self, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Features (size, MELS, frames), marks (size, frames) and speaker numbers (size,)."""
        drawn = [self._chunk() for _ in range(size)]
        mel = torch.from_numpy(np.stack([chunk[0] for chunk in drawn]))
        marks = torch.from_numpy(np.stack([chunk[1] for chunk in drawn]))
        return mel, marks, torch.tensor([chunk[2] for chunk in drawn])

    def _chunk(self) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
        rng = self._rng
        power = np.full((MELS, _CHUNK), 10**FLOOR, np.float32)
        marks = np.zeros(_CHUNK, np.float32)
        speaker, other = rng.sample(range(len(self.voices)), 2)
        length = rng.randint(_SHORTEST, _CHUNK)
        first = rng.choice((0, _CHUNK - length))
        marks[first : first + self._say(power, speaker, first, length)] = 1
        if rng.random() < 0.6:
            begins = length if first == 0 else 0
            self._say(power, other, begins, _CHUNK - length)
        if rng.random() < noise.SHARE:
            self._noise.add(power)
        return np.log10(power), marks, speaker

    def _say(self, power: NDArray[np.float32], speaker: int, first: int, length: int) -> int:
        """Fill up to ``length`` frames from ``first``; returns how many."""
        said = self._rng.choices(self._by_voice[self.voices[speaker]], k=3)
        mel = np.concatenate([u.mel for u in said])[:length].astype(np.float32).T
        gain = np.float32(self._rng.uniform(-0.3, 0.3))  # 3 dB of power up or down
        power[:, first : first + mel.shape[1]] += np.power(10, mel + gain)
        return int(mel.shape[1])


def train(utterances: Sequence[Utterance], path: Path, *, budget: float) -> SpeakerNetwork:
    """Train for ``budget`` CPU seconds, resuming from ``path``; returns the averaged weights."""
    torch.manual_seed(0)
    rng = random.Random(29)
    chunks = Chunks(utterances, rng)
    model = Classifier(len(chunks.voices))
    trainer = Trainer(model, path, budget=budget, rate=RATE, rng=rng)
    while not trainer.done:
        mel, marks, speakers = chunks.batch(_BATCH)
        cosines = model(mel, marks)
        margin = _MARGIN * min(1.0, 2 * trainer.progress)
        wanted = functional.one_hot(speakers, len(chunks.voices))
        loss = functional.cross_entropy(_SCALE * (cosines - margin * wanted), speakers)
        right = (cosines.argmax(-1) == speakers).float().mean()
        trainer.update(loss, {"loss": loss.item(), "right": right.item()})
    return trainer.average.network


def save(network: SpeakerNetwork, folder: Path) -> None:
    """Write the committed part of the pipeline: configuration, embedding and PLDA tables."""
    model = SpeakerEmbedding()
    model.network.load_state_dict(network.state_dict())
    model.mel_filters.copy_(mel_filters())
    save_embedding(model, folder / "embedding", seconds=_CHUNK / FRAME_RATE)
    save_plda(folder / "plda", DIMENSION)
    (folder / "config.yaml").write_text(
        _CONFIGURATION.format(threshold=THRESHOLD, size=CLUSTER_SIZE)
    )


def save_embedding(model: BaseWeSpeakerResNet, folder: Path, *, seconds: float) -> None:
    """Write ``model``, which embeds chunks of ``seconds``, as pyannote reads it."""
    specifications = Specifications(
        problem=Problem.REPRESENTATION,
        resolution=Resolution.CHUNK,
        duration=seconds,
        min_duration=None,
        warm_up=(0.0, 0.0),
        classes=None,
    )
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "hparams_name": "kwargs",
        "epoch": 0,
        "global_step": 0,
        "pytorch-lightning_version": lightning.__version__,
        "pyannote.audio": {
            "versions": {"torch": torch.__version__, "pyannote.audio": pyannote.audio.__version__},
            "architecture": {
                "module": type(model).__module__,
                "class": type(model).__name__,
            },
            "specifications": specifications,
        },
    }
    torch.save(checkpoint, folder / "pytorch_model.bin")


def save_plda(folder: Path, dimension: int) -> None:
    """Identity tables: pyannote 4 reads them for every clustering, ours does not use them."""
    folder.mkdir(parents=True, exist_ok=True)
    zeros, identity = np.zeros(dimension), np.eye(dimension)
    np.savez(folder / "xvec_transform.npz", mean1=zeros, mean2=zeros, lda=identity)
    np.savez(folder / "plda.npz", mu=zeros, tr=identity, psi=np.linspace(8, 0.5, dimension))


_CONFIGURATION: Final = """\
# Read by pyannote.audio. `$model` is this directory once models/demo/pipeline.py has assembled it
# with the segmentation weights of the installed whisperx package.
dependencies:
  pyannote.audio: 4.0.0
pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params:
    segmentation: $model/segmentation
    embedding: $model/embedding
    plda: $model/plda
    clustering: AgglomerativeClustering
    segmentation_batch_size: 8
    embedding_batch_size: 8
    embedding_exclude_overlap: true
params:
  segmentation:
    threshold: 0.5
    min_duration_off: 0.0
  clustering:
    method: centroid
    min_cluster_size: {size}
    threshold: {threshold}
"""
