"""The models, for hosts that run them in their own process. Importing this imports torch."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from platforms.core import Recording, Sources
from transcription.audio.sandboxed import Decoder
from transcription.engine.fetching import fetch_missing
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.errors import InvalidAudio
from transcription.findings import Progress, Report, ignore_progress
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.scratch import use_scratch_folder


class Worker:
    """Models that stay loaded, and one transcription at a time."""

    def __init__(self, settings: Settings, sources: Sources) -> None:
        """Loads every model. Raises SettingsError, CannotFetch, what the model libraries raise."""
        use_scratch_folder()
        decoder = Decoder()
        decoder.report(required=settings.sandbox_required)
        fetch_missing(settings)
        self._engine = WhisperxEngine(settings)
        self._pipeline = Pipeline(
            self._engine,
            max_seconds=settings.max_audio_seconds,
            known_speaker_threshold=settings.known_speaker_threshold,
            read=decoder.read,
        )
        self._sources = sources
        self._thread = ThreadPoolExecutor(1, "transcription")

    def model(self, options: Options) -> str:
        """The name of the model that ``options`` ask for."""
        return options.whisper_model or str(self._engine.describe()["default_model"])

    def check(self, options: Options) -> None:
        """Raises InvalidInput or ModelUnavailable for what this worker cannot do."""
        self._engine.prepare(options)

    async def run(
        self, recording: Recording, options: Options, progress: Progress = ignore_progress
    ) -> Report:
        """The transcript; what was fetched counts as the stage ``download``.

        Options that cannot be met are refused before anything is fetched. Raises
        TranscriptionError.
        """
        await asyncio.to_thread(self.check, options)
        began = time.perf_counter()
        async with self._sources.fetched(recording, options) as (path, ready):
            took = time.perf_counter() - began
            work = partial(self._transcribe, path, recording.field, ready, progress)
            report = await asyncio.get_running_loop().run_in_executor(self._thread, work)
        return replace(report, seconds={"download": took, **report.seconds})

    def _transcribe(self, path: Path, field: str, options: Options, progress: Progress) -> Report:
        try:
            return self._pipeline.transcribe(path, options, progress)
        except InvalidAudio as error:
            raise InvalidAudio(error.reason, field) from error
