"""Who speaks when, of real people: pyannote's segmentation, and voices told apart by GE2E.

pyannote embeds each speaker of each five-second chunk, and where the segmentation takes two people
for one their vector is of nobody. Here pieces are embedded in which one person talks alone, each
second once; who is who is decided on them, and chunks follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from pyannote.audio.core.plda import PLDA
from pyannote.audio.pipelines import speaker_diarization
from pyannote.audio.pipelines.speaker_diarization import DiarizeOutput
from pyannote.core import Annotation, SlidingWindowFeature
from pyannote.pipeline.parameter import ParamDict, Uniform
from torch import Tensor

from models.base.pieces import Piece, pieces_of
from models.base.speaker_embedding import DIMENSION, Spread
from models.base.voices import Labels, Rule, Vectors, tell_apart
from models.chunks import activity, binarize, runs

_SURE: Final = 100.0  # outweighs what any number of chunks say
# By how much, as an exponent, a recording's spectrum is brought to the usual one: a telephone
# line makes all voices alike.
_EQUALIZED: Final = 0.5
_RANGE: Final = (0.05, 20.0)  # by which a band may become quieter or louder
# Of the loudest tenth of a recording's blocks: what is quieter than _QUIET becomes _LOUD.
_LOUD: Final = 0.05
_QUIET: Final = 0.01
_QUIETEST: Final = 5e-5
_BLOCK: Final = 1600  # samples, a tenth of a second
_FAINTEST: Final = 1e-9


class _NoPlda(PLDA):
    """What pyannote 4 reads for every clustering, and this one does not use."""

    def __init__(self) -> None:
        """Reads nothing."""


class SpeakerDiarization(speaker_diarization.SpeakerDiarization):
    """A pyannote pipeline around `SpeakerEmbedding`."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(plda=_NoPlda(), clustering="AgglomerativeClustering", **arguments)
        self._spread: Spread = map
        self.clustering = ParamDict(similarity=Uniform(0.0, 1.0), share=Uniform(0.0, 1.0))

    def spread(self, spread: Spread) -> None:
        """Lets ``spread`` share the work among threads."""
        self._spread = spread

    def apply(
        self,
        file: Any,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        hook: Callable[..., None] | None = None,
        **_others: Any,
    ) -> DiarizeOutput:
        """Diarizes ``file``."""
        hook = self.setup_hook(file, hook=hook)
        _, least, most = self.set_num_speakers(num_speakers, min_speakers, max_speakers)
        file = {**file, "waveform": _audible(file["waveform"])}
        segmentations = self.get_segmentations(file, hook=hook)
        speakers = binarize(segmentations, onset=self.segmentation.threshold, initial_state=False)
        count = self.speaker_count(
            speakers, self._segmentation.model.receptive_field, warm_up=(0.0, 0.0)
        )
        pieces = pieces_of(speakers, count)
        if not pieces:
            nobody = Annotation(uri=file["uri"])
            return DiarizeOutput(nobody, nobody, np.zeros((0, DIMENSION)))
        vectors = self._embed(file["waveform"][0], pieces)
        hook("embeddings", None, total=1, completed=1)
        rule = Rule(self.clustering.similarity, self.clustering.share, least, most)
        seconds = np.array([piece.duration for piece in pieces])
        labels, people = tell_apart(vectors, seconds, rule)
        loud = _activity(segmentations, speakers, count, pieces, labels, len(people))
        return self._output(file, loud, count, people, most)

    def _embed(self, waveform: Tensor, pieces: Sequence[Piece]) -> Vectors:
        """Unit vectors of the pieces."""
        rate = self._embedding.sample_rate
        model = self._embedding.model_
        with torch.inference_mode():
            heard = [
                model.features(
                    waveform[int(piece.start * rate) : int(piece.end * rate)].to(model.device)
                )
                for piece in pieces
            ]
            gains = _gains(heard, model.usual_spectrum)
            vectors = model.embed([frames * gains for frames in heard], self._spread)
        result: Vectors = vectors.double().numpy()
        return result

    def _output(
        self,
        file: Any,
        loud: NDArray[np.float64],
        count: SlidingWindowFeature,
        people: Vectors,
        most: float,
    ) -> DiarizeOutput:
        several, one = (
            self.to_annotation(
                bridged(
                    _loudest(loud, np.minimum(count.data[:, 0], limit), count),
                    self.segmentation.min_duration_off,
                )
            )
            for limit in (most, 1)
        )
        numbers = several.labels()
        names = {number: f"SPEAKER_{place:02d}" for place, number in enumerate(numbers)}
        several.uri = one.uri = file["uri"]
        return DiarizeOutput(
            several.rename_labels(mapping=names),
            one.rename_labels(mapping=names),
            self._embedding.model_.peculiar(torch.from_numpy(people[numbers])).numpy(),
        )


def _audible(waveform: Tensor) -> Tensor:
    """Quiet recordings louder: the segmentation hears few changes in them."""
    blocks = waveform[0, : waveform.shape[1] // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    if not len(blocks):
        return waveform
    loudness = torch.quantile(blocks.square().mean(1), 0.9).sqrt()
    if loudness >= _QUIET:
        return waveform
    return waveform * (_LOUD / loudness.clamp(min=_QUIETEST))


def _gains(heard: Sequence[Tensor], usual: Tensor) -> Tensor:
    """What brings the recording's spectrum half way to the usual one, for each band."""
    mean = torch.cat(list(heard)).mean(0).clamp(min=_FAINTEST)
    return (usual / mean).pow(_EQUALIZED).clamp(*_RANGE)


def _activity(  # noqa: PLR0913, PLR0917 - what is known so far
    segmentations: SlidingWindowFeature,
    speakers: SlidingWindowFeature,
    count: SlidingWindowFeature,
    pieces: Sequence[Piece],
    labels: Labels,
    people: int,
) -> NDArray[np.float64]:
    """How loud each person is: (frames, people).

    In a piece it is whose the piece is. Elsewhere, as where several talk, it is what the chunks
    say, whose own speakers are those in whose pieces they talk the most.
    """
    frames = count.sliding_window
    whose = np.full(len(count.data), -1)
    for piece, label in zip(pieces, labels, strict=True):
        whose[piece.first : piece.last] = label
    owners = np.full((speakers.data.shape[0], speakers.data.shape[2]), -1)
    for number, (chunk, talking) in enumerate(speakers):
        first = frames.closest_frame(chunk.start + frames.duration / 2)
        near = whose[max(first, 0) : first + len(talking)]
        for own, talks in enumerate(talking.T):
            said = near[(talks[: len(near)] > 0) & (near >= 0)]
            if len(said):
                owners[number, own] = np.bincount(said).argmax()
    total = activity(segmentations, owners, frames, people).data
    found = np.zeros((len(whose), people))
    length = min(len(found), len(total))
    found[:length] = total[:length]
    sure = np.flatnonzero(whose >= 0)
    found[sure, whose[sure]] += _SURE
    return found


def _loudest(
    loud: NDArray[np.float64], number: NDArray[Any], like: SlidingWindowFeature
) -> SlidingWindowFeature:
    """1 for the ``number`` loudest people of each frame."""
    ranks = np.argsort(np.argsort(-loud, axis=1, kind="stable"), axis=1)
    chosen = (ranks < number[:, None]) & (loud > 0)
    return SlidingWindowFeature(chosen.astype(np.float64), like.sliding_window)


def bridged(talking: SlidingWindowFeature, pause: float) -> SlidingWindowFeature:
    """Who talks in each frame, also in shorter pauses than ``pause`` seconds of the same person.

    pyannote does it for each person alone: who pauses for an answer would talk over it.
    """
    who = talking.data.copy()
    for begin, end in runs(~who.any(axis=1)):
        inside = begin > 0 and end < len(who)
        if inside and (end - begin) * talking.sliding_window.step < pause:
            who[begin:end] = np.minimum(who[begin - 1], who[end])
    return SlidingWindowFeature(who, talking.sliding_window)
