"""The models, for hosts that run them in their own process. Importing this imports torch."""

import threading
from pathlib import Path

from transcription.audio.sandboxed import Decoder
from transcription.engine.fetching import fetch_missing
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.errors import InvalidAudio
from transcription.findings import Progress, Report
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.scratch import use_scratch_folder


class Worker:
    """Models that stay loaded, and one transcription at a time."""

    def __init__(self, settings: Settings) -> None:
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
        self._one_at_a_time = threading.Lock()

    def model(self, options: Options) -> str:
        """The name of the model that ``options`` ask for."""
        return options.whisper_model or str(self._engine.describe()["default_model"])

    def check(self, options: Options) -> None:
        """Raises InvalidInput or ModelUnavailable for what this worker cannot do."""
        self._engine.prepare(options)

    def transcribe(
        self, source: Path | bytes, name: str, options: Options, progress: Progress
    ) -> Report:
        """The transcript of input ``name``. Raises TranscriptionError."""
        with self._one_at_a_time:
            try:
                return self._pipeline.transcribe(source, options, progress)
            except InvalidAudio as error:
                raise InvalidAudio(error.reason, name) from error
