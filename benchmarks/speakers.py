"""Diarization after its networks, stage by stage, beside pyannote's own.

The segmentation hears some minutes of people; what it says is repeated to the wanted length. The
vectors are drawn: each chunk's near that of the person who talks in it, and nearly as in the chunk
before, which hears nearly the same; or at random.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import random_models
from benchmarks.clock import Clock
from evaluation.people import CORPUS, clips
from evaluation.sounds import in_a_row
from transcription.audio import SAMPLE_RATE, decode

PEOPLE = 4
HEARD = 180.0  # seconds of people that the segmentation hears
_DIMENSION = 256
_STAGES = ("speaker_count", "clustering", "reconstruct", "to_annotation")
_COMMUNITY = "  clustering:\n    threshold: 0.6\n    Fa: 0.07\n    Fb: 0.8\n"
_PAUSE = 0.8  # between two clips


@dataclass(frozen=True, slots=True)
class Set:
    """What a set's networks are like."""

    chunk: float  # seconds
    certain: bool  # whether the segmentation says 0 or 1
    spread: float  # of one person's vectors: two are alike by 1 / (1 + spread²)


SETS: Mapping[str, Set] = MappingProxyType(
    {
        "community-1": Set(10.0, certain=True, spread=0.73),
        "agglomerative": Set(5.0, certain=False, spread=0.73),
        "base": Set(5.0, certain=False, spread=0.2),
    }
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the networks say of a recording."""

    segmentations: Any
    vectors: NDArray[np.float32]  # (chunks, speakers, dimension)

    def give(self, pipeline: Any) -> None:
        """Makes a pipeline take this for what its networks say."""
        from pyannote.core import SlidingWindowFeature

        scores, window = self.segmentations.data, self.segmentations.sliding_window
        own: dict[str, Any] = pipeline.__dict__  # pyannote's own attributes are not set plainly
        own["get_segmentations"] = lambda *_, **__: SlidingWindowFeature(scores.copy(), window)
        own["get_embeddings"] = lambda *_, **__: self.vectors.copy()
        own["_embed"] = self._of_pieces

    def _of_pieces(self, _waveform: Any, pieces: Any) -> NDArray[np.float64]:
        """For our own pipeline: a vector of the chunk in whose middle each piece is."""
        window = self.segmentations.sliding_window
        middles = [(piece.start + piece.end - window.duration) / 2 for piece in pieces]
        chunks = np.clip(np.rint(np.array(middles) / window.step), 0, len(self.vectors) - 1)
        loudest = self.segmentations.data.sum(axis=1).argmax(axis=1)
        found = self.vectors[chunks.astype(int), loudest[chunks.astype(int)]].astype(np.float64)
        result: NDArray[np.float64] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return result


def lines(name: str, minutes: float, *, stock: bool, random: bool) -> Iterator[str]:
    """Rows of a table: processor seconds of each stage, ours and pyannote's, and the wall."""
    from transcription.engine.lanes import one_core_for_numpy

    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = _pipelines(name, Path(folder))
    heard = _heard(theirs, SETS[name], minutes, random=random)
    both = [theirs] if stock and name != "base" else []
    runs = [_run(pipeline, heard, name) for pipeline in both]
    one_core_for_numpy()  # as our engine does
    found, clocks = zip(_run(ours, heard, name), *runs, strict=True)
    turns = [list(each.speaker_diarization.itertracks(yield_label=True)) for each in found]
    same = ", the same turns" * (len(turns) == 2 and turns[0] == turns[1])
    speakers = len(found[0].speaker_diarization.labels())
    about = f"{len(turns[0])} turns of {speakers}{same}"
    for stage in clocks[0].cpu:
        times = [f"{clock.cpu[stage]:.2f} s | {clock.wall[stage]:.2f} s" for clock in clocks]
        note = about if stage == "whole" else ""
        yield f"| {name}, {minutes:g} min | {stage} | {' | '.join(times)} | {note} |"


def _run(pipeline: Any, heard: Heard, name: str) -> tuple[Any, Clock]:
    import torch

    pipeline._segmentation.model.specifications.powerset = SETS[name].certain  # noqa: SLF001
    heard.give(pipeline)
    clock = Clock()
    for stage in _STAGES if name != "base" else ():  # ours has other ones
        pipeline.__dict__[stage] = clock.around(stage, getattr(pipeline, stage))
    with clock.stage("whole"):
        output = pipeline.apply({"uri": name, "waveform": torch.zeros(1, SAMPLE_RATE)})
    return output, clock


def _pipelines(name: str, folder: Path) -> tuple[Any, Any]:
    """Ours, and as pyannote loads it."""
    from pyannote.audio import Pipeline

    from models.base.pipeline import assemble as assemble_base
    from models.demo.pipeline import assemble
    from models.registry import Model, Place
    from transcription.engine.diarization import Diarizer
    from transcription.engine.lanes import Lanes

    (assemble_base if name == "base" else assemble)(folder)
    if name == "community-1":
        config = folder / "config.yaml"
        text = config.read_text().replace("AgglomerativeClustering", "VBxClustering")
        config.unlink()
        config.write_text(text.partition("  clustering:\n    method")[0] + _COMMUNITY)
        for old in (folder / "plda").iterdir():
            old.unlink()
        random_models.plda(folder / "plda")
    model = Model(name, Place.DIRECTORY, str(folder), licence="")
    ours = Diarizer(model, "cpu", Lanes(1))._pipeline  # noqa: SLF001 - what is measured
    return ours, Pipeline.from_pretrained(str(folder))


def _heard(pipeline: Any, own: Set, minutes: float, *, random: bool) -> Heard:
    import torch
    from pyannote.audio import Inference
    from pyannote.core import SlidingWindow, SlidingWindowFeature

    spoken = [decode(clip.audio) for clip in clips(CORPUS) if clip.language == "en"]
    samples = in_a_row(*spoken, pause=_PAUSE)[: int(HEARD * SAMPLE_RATE)]
    network = pipeline._segmentation.model  # noqa: SLF001
    hear: Any = Inference(network, duration=own.chunk, step=own.chunk / 10, skip_aggregation=True)
    file = {"waveform": torch.from_numpy(samples)[None], "sample_rate": SAMPLE_RATE}
    once = hear(file).data
    window = SlidingWindow(duration=own.chunk, step=own.chunk / 10, start=0.0)
    count = int((60 * minutes - own.chunk) / window.step) + 1
    scores = np.resize(once, (count, *once.shape[1:]))
    if own.certain:
        scores = (scores > 0.5).astype(np.float32)
    begins = list(accumulate((len(each) / SAMPLE_RATE + _PAUSE for each in spoken), initial=_PAUSE))
    seconds = np.arange(count) % len(once) * window.step
    vectors = _vectors(scores, seconds, np.array(begins), own, random=random)
    return Heard(SlidingWindowFeature(scores, window), vectors)


def _vectors(
    scores: NDArray[np.float32],
    seconds: NDArray[np.float64],
    begins: NDArray[np.float64],
    own: Set,
    *,
    random: bool,
) -> NDArray[np.float32]:
    """Vectors of the chunks' speakers, of whom each is taken for the one heard in its middle."""
    draw = np.random.default_rng(0)
    shape = (*scores.shape[::2], _DIMENSION)
    if random:
        return draw.normal(size=shape).astype(np.float32)
    places = np.linspace(0, own.chunk, scores.shape[1])[:, None]
    middles = (scores * places).sum(axis=1) / (scores.sum(axis=1) + 1e-9) + seconds[:, None]
    whose = np.searchsorted(begins, middles) % PEOPLE
    voices = draw.normal(size=(PEOPLE, _DIMENSION))
    found = np.empty(shape, dtype=np.float32)
    for person in range(PEOPLE):
        # Each chunk shares nine parts of ten with the next.
        drawn = draw.normal(size=(len(scores) + 10, _DIMENSION)).cumsum(axis=0)
        vectors = voices[person] + own.spread * (drawn[10:] - drawn[:-10]) / np.sqrt(10)
        chunks, slots = np.nonzero(whose == person)
        found[chunks, slots] = vectors[chunks]
    found += 0.2 * own.spread * draw.normal(size=shape).astype(np.float32)
    return found
