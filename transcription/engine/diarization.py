"""Who speaks when: a pyannote pipeline, its turns without overlap."""

import importlib
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pyannote.audio import Pipeline

from models import chunks
from models.registry import Model, Place
from models.sincnet import share_filters
from transcription.attribution import in_order_of_appearance
from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine.bfloat16 import has_units, in_bfloat16
from transcription.engine.heard import Heard
from transcription.engine.lanes import Lanes
from transcription.engine.linkage import without_matrix
from transcription.engine.memory import in_parts
from transcription.engine.speaker_vectors import OnePass
from transcription.findings import Diarization, Progress, Voice
from transcription.options import Options
from transcription.transcript import Turn

# Shares of the two steps that report progress; embeddings take most of the time.
_STEPS = {"segmentation": (0.0, 0.3), "embeddings": (0.3, 0.99)}


class Diarizer:
    """One resident pyannote pipeline."""

    def __init__(
        self,
        model: Model,
        device: str,
        lanes: Lanes,
        token: str | None = None,
        *,
        heard: Heard | None = None,
    ) -> None:
        """Loads ``model``, which need not hear again what is ``heard``.

        Raises what its publisher's hub raises when access is refused.
        """
        with tempfile.TemporaryDirectory() as scratch:
            pipeline = Pipeline.from_pretrained(checkpoint(model, Path(scratch)), token=token)
        if pipeline is None:
            raise PermissionError(f"no access to {model.name}")
        self._pipeline: Any = pipeline.to(torch.device(device))
        segmentation = getattr(self._pipeline, "_segmentation", None)
        share_filters(segmentation)
        if device == "cpu" and has_units():
            in_bfloat16(segmentation)
        in_parts(segmentation, lanes)
        if heard is not None:
            heard.give(segmentation)
        chunks.install(self._pipeline)
        without_matrix(getattr(self._pipeline, "clustering", None))
        OnePass.install(self._pipeline, lanes)
        # Our own pipelines embed in one pass themselves, and ask for lanes.
        if (spread := getattr(self._pipeline, "spread", None)) is not None:
            spread(lanes.map)

    def diarize(self, samples: Samples, options: Options, progress: Progress) -> Diarization:
        """The turns of the recording's speakers and a vector for each of them."""
        output = self._pipeline(
            {"waveform": torch.from_numpy(samples)[None], "sample_rate": SAMPLE_RATE},
            # By keyword: a positional argument here is another one in every version.
            num_speakers=options.num_speakers,
            min_speakers=options.min_speakers,
            max_speakers=options.max_speakers,
            hook=_hook(progress),
        )
        turns = tuple(
            Turn(str(speaker), float(segment.start), float(segment.end))
            for segment, _, speaker in output.exclusive_speaker_diarization.itertracks(
                yield_label=True
            )
        )
        return in_order_of_appearance(Diarization(turns, _embeddings(output)))

    def embed(self, samples: Samples) -> Voice | None:
        """A vector of the one voice in ``samples``; None where the model finds none."""
        waveform = torch.from_numpy(samples)[None, None]
        (vector,) = self._pipeline._embedding(waveform)  # noqa: SLF001 - the model inside
        voice = tuple(map(float, vector))
        return voice if all(map(math.isfinite, voice)) and any(voice) else None


def checkpoint(model: Model, scratch: Path) -> str:
    """What ``Pipeline.from_pretrained`` understands."""
    if model.place is not Place.ASSEMBLED:
        return model.source
    module, _, function = model.source.partition(":")
    assemble: Callable[[Path], Path] = getattr(importlib.import_module(module), function)
    return str(assemble(scratch))


def _embeddings(output: Any) -> dict[str, tuple[float, ...]]:
    """A vector per label; those that hold NaN or infinity are left out: JSON has no such number."""
    if output.speaker_embeddings is None:
        return {}
    labels = output.speaker_diarization.labels()
    vectors = (tuple(map(float, vector)) for vector in output.speaker_embeddings)
    return {
        str(label): vector
        for label, vector in zip(labels, vectors, strict=False)
        if all(map(math.isfinite, vector)) and any(vector)
    }


def _hook(progress: Progress) -> Callable[..., None]:
    """The callback of pyannote: each of its steps counts from 0 to its own total."""

    def report(
        step: str,
        _artefact: object,
        *,
        file: object = None,
        total: int | None = None,
        completed: int | None = None,
    ) -> None:
        del file
        if total and completed is not None and step in _STEPS:
            low, high = _STEPS[step]
            progress(low + (high - low) * min(completed / total, 1.0))

    return report
