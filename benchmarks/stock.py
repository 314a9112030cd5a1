"""WhisperX 3.8.6 itself, called as its README and the predictor we replace call it.

What our pipeline is compared with: the same models, the same recording, nothing of ours in between
but the decoder, because whisperx wants a system FFmpeg for that. ``reload`` loads every model anew
for each recording and drops it after its stage, as that predictor does; ``resident`` keeps them,
which is as well as whisperx can be called.
"""

import gc
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
import whisperx
from whisperx.diarize import DiarizationPipeline

from benchmarks.clock import Clock
from models import registry
from models.registry import Place
from transcription.audio import Samples
from transcription.engine import parts
from transcription.engine.alignment import find_sentence_tables
from transcription.engine.device import Device
from transcription.engine.diarization import checkpoint
from transcription.engine.settings import Settings

Variant = Literal["resident", "reload"]


@dataclass(frozen=True, slots=True)
class Sources:
    """Directories, names or hub repositories, as whisperx takes them.

    ``align`` is None for whisperx's own choice for the language.
    """

    whisper: str
    diarization: str
    align: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What whisperx can be asked per recording; None is left to it."""

    language: str | None = None
    batch_size: int = 64
    chunk_size: int = 30
    num_speakers: int | None = None
    min_speakers: int | None = None
    max_speakers: int | None = None


@dataclass(slots=True)
class StockResult:
    """What whisperx says: its own dictionaries, and the turns (start, end, speaker) it used."""

    segments: list[dict[str, Any]] = field(default_factory=list)
    language: str = ""
    turns: list[tuple[float, float, str]] = field(default_factory=list)
    embeddings: Mapping[str, list[float]] | None = None
    clock: Clock = field(default_factory=Clock)


class Stock:
    """Stock whisperx. Loading counts as stage ``load`` of the recording that waits for it."""

    def __init__(self, sources: Sources, device: Device, variant: Variant = "resident") -> None:
        """Loads nothing when ``variant`` is ``reload``; all but the aligner otherwise."""
        logging.getLogger("whisperx").setLevel(logging.ERROR)
        find_sentence_tables(registry.DEMO_NLTK_DATA)
        torch.set_num_threads(device.threads)
        self._sources = sources
        self._device = device
        self._variant = variant
        self._kept: dict[str, Any] = {}
        if variant == "resident":
            self._kept = {"whisper": self._whisper(), "diarizer": self._diarizer()}

    def transcribe(
        self, samples: Samples, request: Request = Request(), clock: Clock | None = None
    ) -> StockResult:
        """Recognized, aligned and attributed. What whisperx raises passes."""
        result = StockResult(clock=clock or Clock())
        self._recognize(result, samples, request)
        self._align(result, samples)
        self._attribute(result, samples, request)
        return result

    def keep_aligner(self, language: str) -> None:
        """Loads it now instead of for the first recording in ``language``."""
        self._kept[f"aligner {language}"] = self._aligner(language)

    @contextmanager
    def timing_embeddings(self, clock: Clock) -> Iterator[None]:
        """The step ``embeddings`` of diarizations in the body is timed by itself."""
        diarizer = self._kept["diarizer"].model
        embed = diarizer.get_embeddings
        diarizer.get_embeddings = clock.around("embeddings", embed)
        try:
            yield
        finally:
            diarizer.get_embeddings = embed

    def _recognize(self, result: StockResult, samples: Samples, request: Request) -> None:
        """Speech detection, language and text: whisperx does them in one call."""
        with (
            self._model(result, "whisper", self._whisper) as whisper,
            result.clock.stage("recognition"),
        ):
            heard = whisper.transcribe(
                samples,
                batch_size=request.batch_size,
                chunk_size=request.chunk_size,
                language=request.language,
            )
        result.segments, result.language = heard["segments"], heard["language"]

    def _align(self, result: StockResult, samples: Samples) -> None:
        name = f"aligner {result.language}"
        with (
            self._model(result, name, lambda: self._aligner(result.language)) as (model, metadata),
            result.clock.stage("alignment"),
        ):
            aligned = whisperx.align(result.segments, model, metadata, samples, self._device.torch)
        result.segments = aligned["segments"]

    def _attribute(self, result: StockResult, samples: Samples, request: Request) -> None:
        with (
            self._model(result, "diarizer", self._diarizer) as diarize,
            result.clock.stage("diarization"),
        ):
            turns, result.embeddings = diarize(
                samples,
                num_speakers=request.num_speakers,
                min_speakers=request.min_speakers,
                max_speakers=request.max_speakers,
                return_embeddings=True,
            )
        with result.clock.stage("diarization"):
            whisperx.assign_word_speakers(turns, {"segments": result.segments}, result.embeddings)
        result.turns = [
            (float(row["start"]), float(row["end"]), str(row["speaker"]))
            for _, row in turns.iterrows()
        ]

    @contextmanager
    def _model(self, result: StockResult, name: str, load: Callable[[], Any]) -> Iterator[Any]:
        """The kept model, or one that lives for the body alone."""
        model = self._kept.get(name)
        if model is None:
            with result.clock.stage("load"):
                model = load()
        if self._variant == "resident":
            self._kept[name] = model
        yield model
        if self._variant == "reload":
            del model
            gc.collect()
            if self._device.is_gpu:
                torch.cuda.empty_cache()

    def _whisper(self) -> Any:
        return whisperx.load_model(
            self._sources.whisper,
            self._device.whisper,
            compute_type=self._device.compute_type,
            threads=self._device.threads,
        )

    def _aligner(self, language: str) -> Any:
        return whisperx.load_align_model(
            language, self._device.torch, model_name=self._sources.align
        )

    def _diarizer(self) -> Any:
        return DiarizationPipeline(model_name=self._sources.diarization, device=self._device.torch)


def sources(settings: Settings, scratch: Path) -> Sources:
    """The models that ours uses, as whisperx takes them; ``scratch`` is for what is assembled.

    The aligner is that of the first of ALIGN_LANGUAGES where it lies in a directory, else
    whisperx's own choice for the language.
    """
    language = next(iter(settings.align_languages), None)
    wanted = parts.aligner(settings, language) if language else None
    at_hand = parts.aligner_at_hand(language, wanted) if language else None
    aligner = at_hand.model if at_hand else None
    return Sources(
        whisper=whisper_source(settings),
        diarization=checkpoint(parts.diarizer_at_hand(settings).model, scratch),
        align=aligner.source if aligner and aligner.place is Place.DIRECTORY else None,
    )


def whisper_source(settings: Settings) -> str:
    """The first of MODELS, as the libraries take it: where it lies, wherever it came from."""
    return str(parts.whisper_source(parts.whispers(settings)[0], settings))
