"""The programs that are asked what was said, on one Whisper model: text and language alone.

Each as its own documentation calls it, resident and without hints about the recording: ours, stock
whisperx, and faster-whisper in batches and one window after the other. In one process, so with one
way of waiting for threads.
"""

import time
from collections.abc import Callable, Mapping

import whisperx
from faster_whisper import BatchedInferencePipeline, WhisperModel

from benchmarks.quality.understanding import BATCHED, OURS, SEQUENTIAL, STOCK, Heard
from benchmarks.stock import whisper_source
from evaluation.sounds import as_wav
from transcription.audio import Samples
from transcription.engine.device import Device, choose
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.options import Options
from transcription.pipeline import Pipeline

BATCH = 8  # windows at once, of all that have batches

Listener = Callable[[Samples], tuple[str, str]]  # the text, and its language's code


def hear(listener: Listener, samples: Samples) -> Heard:
    """Asks one program."""
    start = time.perf_counter()
    text, language = listener(samples)
    return Heard(text.strip(), language, time.perf_counter() - start)


def listeners(settings: Settings) -> Mapping[str, Listener]:
    """All of them, on the first of MODELS, loaded once."""
    device, model = choose(settings), whisper_source(settings)
    return {OURS: _ours(settings), STOCK: _stock(model, device), **_faster(model, device)}


def _ours(settings: Settings) -> Listener:
    pipeline = Pipeline(WhisperxEngine(settings))
    options = Options(diarization=False, align_output=False, batch_size=BATCH)

    def listen(samples: Samples) -> tuple[str, str]:
        transcript = pipeline.transcribe(as_wav(samples), options).transcript
        return " ".join(segment.text for segment in transcript.segments), transcript.language

    return listen


def _stock(model: str, device: Device) -> Listener:
    stock = whisperx.load_model(
        model, device.whisper, compute_type=device.compute_type, threads=device.threads
    )

    def listen(samples: Samples) -> tuple[str, str]:
        heard = stock.transcribe(samples, batch_size=BATCH)
        return " ".join(segment["text"] for segment in heard["segments"]), heard["language"]

    return listen


def _faster(model: str, device: Device) -> Mapping[str, Listener]:
    whisper = WhisperModel(
        model,
        device=device.whisper,
        compute_type=device.compute_type,
        cpu_threads=device.threads,
    )
    batches = BatchedInferencePipeline(whisper)

    def in_batches(samples: Samples) -> tuple[str, str]:
        segments, about = batches.transcribe(samples, batch_size=BATCH)
        return " ".join(segment.text for segment in segments), about.language

    def in_sequence(samples: Samples) -> tuple[str, str]:
        segments, about = whisper.transcribe(samples)
        return " ".join(segment.text for segment in segments), about.language

    return {BATCHED: in_batches, SEQUENTIAL: in_sequence}
