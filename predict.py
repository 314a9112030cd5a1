"""Cog's entry: inputs become `Options`, a `Transcript` becomes the output. No logic.

Cog's static generator reads the signature of ``Predictor.run`` and wants literals there.
``Options`` is where the options are explained; a test compares the two field by field.
"""

# ruff: noqa: B008, FBT001, PLR0913, PLR0917 - the signature is Cog's interface: Input() as default

import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path as LocalPath
from typing import Any

from cog import BaseRunner, Input, Path, Secret, current_scope

from predictor.announcement import announce
from predictor.log import note
from predictor.room import Room
from predictor.run_folders import RunFolders
from predictor.segments import earlier_batches, post_peaks, reporting_segments
from predictor.slots import Slots
from predictor.tracing import trace_stages
from transcription.audio.sandboxed import Decoder
from transcription.engine.fetching import fetch_missing
from transcription.engine.libraries import check_libraries
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.errors import InvalidInput, TranscriptionError
from transcription.findings import Report
from transcription.options import REFERENCES, SECRETS, Options, choose_audio
from transcription.pipeline import Pipeline
from transcription.progress import ProgressLines
from transcription.scratch import use_scratch_folder
from transcription.stopping import check
from transcription.wire import WireTranscript, to_wire


class InternalError(Exception):
    """What a client learns of a defect of ours."""


class Predictor(BaseRunner):  # type: ignore[misc] # cog ships no types
    """Transcribes one recording per call with models that stay loaded."""

    def setup(self) -> None:
        """Loads every model once."""
        settings = Settings.from_environment(os.environ)
        self._slots = Slots(settings.slots)
        self._folders = RunFolders(settings.slots)
        # Before the models, so that what decodes is a small process, and ready when they are.
        decoder = Decoder()
        self._room = Room(settings.max_audio_seconds, decoder.seconds)
        use_scratch_folder()
        check_libraries(settings)
        fetch_missing(settings)
        engine = WhisperxEngine(settings)
        report = decoder.report(required=settings.sandbox_required)
        note("recordings are decoded in a sandbox", None, **report.as_json())
        self._pipeline = Pipeline(
            engine,
            max_seconds=settings.max_audio_seconds,
            known_speaker_threshold=settings.known_speaker_threshold,
            read=decoder.read,
        )
        if settings.bridge_url:
            announce(
                settings.bridge_url, lambda: {**engine.describe(), "decoder": report.as_json()}
            )

    async def run(
        self,
        audio_file: Path | None = Input(default=None),
        audio: Path | None = Input(default=None),
        audio_track: str | None = Input(default=None),
        channels: str = Input(default="mix", choices=["mix", "separate"]),
        whisper_model: str | None = Input(default=None),
        task: str = Input(
            default="transcribe", choices=["transcribe", "translate", "detect_language"]
        ),
        language: str | None = Input(default=None),
        multilingual: bool = Input(default=False),
        language_detection_min_prob: float = Input(default=0.0, ge=0.0, le=1.0),
        language_detection_max_tries: int = Input(default=5, ge=1, le=50),
        initial_prompt: str | None = Input(default=None),
        hotwords: str | None = Input(default=None),
        suppress_numerals: bool = Input(default=False),
        temperature: float = Input(default=0.0, ge=0.0, le=1.0),
        batch_size: int = Input(default=64, ge=1, le=256),
        chunk_size: int = Input(default=30, ge=1, le=30),
        vad_method: str = Input(default="pyannote", choices=["pyannote", "silero"]),
        vad_onset: float = Input(default=0.500, ge=0.0, le=1.0),
        vad_offset: float = Input(default=0.363, ge=0.0, le=1.0),
        align_output: bool = Input(default=True),
        align_model: str | None = Input(default=None),
        return_char_alignments: bool = Input(default=False),
        logprobs: bool = Input(default=False),
        diarization: bool = Input(default=True),
        num_speakers: int | None = Input(default=None, ge=1, le=64),
        min_speakers: int | None = Input(default=None, ge=1, le=64),
        max_speakers: int | None = Input(default=None, ge=1, le=64),
        known_speaker_names: list[str] | None = Input(default=None),
        known_speaker_references: list[Path] | None = Input(default=None),
        known_speaker_threshold: float | None = Input(default=None, ge=0.0, le=1.0),
        speaker_embeddings: bool = Input(default=True),
        huggingface_access_token: Secret | None = Input(default=None),
        output_format: str = Input(default="json", choices=["json", "srt", "vtt", "tsv", "txt"]),
        max_line_width: int | None = Input(default=None, ge=10, le=1000),
        max_line_count: int = Input(default=2, ge=1, le=20),
        highlight_words: bool = Input(default=False),
        speaker_labels: bool = Input(default=True),
        debug: bool = Input(default=False),
    ) -> WireTranscript:
        """The transcript. Its errors are safe to show to a client."""
        inputs = {name: value for name, value in locals().items() if name != "self"}
        async with self._room.taken(inputs):
            return await self._slots.run(lambda: self._transcribe(inputs))

    def _transcribe(self, inputs: Mapping[str, Any]) -> WireTranscript:
        context = current_scope().context
        earlier = earlier_batches(context)
        with (
            self._folders.used_by(context),
            _client_safe_errors(),
            _downloaded(inputs[REFERENCES]) as clips,
            reporting_segments(context, earlier, logprobs=inputs["logprobs"]) as found,
        ):
            recording = _recording(inputs)
            options = Options.from_inputs({**_revealed(inputs), REFERENCES: clips})
            lines = ProgressLines(print)
            report = self._pipeline.transcribe(recording, options, lines, found, earlier)
            self._record(report)
            trace_stages(report)
            post_peaks(context, report.peaks)
            note("transcribed", seconds={k: round(v, 3) for k, v in report.seconds.items()})
            if options.debug:
                print({stage: round(seconds, 3) for stage, seconds in report.seconds.items()})
            return to_wire(report.transcript, options)

    def _record(self, report: Report) -> None:
        duration = report.transcript.duration
        self.record_metric("language", report.transcript.language)
        self.record_metric("audio_seconds", round(duration, 3))
        self.record_metric("real_time_factor", round(report.elapsed / duration, 4))
        for stage, seconds in report.seconds.items():
            self.record_metric(f"timing.{stage}", round(seconds, 4))
        self.record_metric("model_loads", report.loads)
        self.record_metric("windows", report.windows)
        self.record_metric("windows_resumed", report.resumed)
        self.record_metric("windows_retried", report.retries)
        # Linux counts kilobytes; the highest since the process began.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.record_metric("peak_memory_mb", round(peak / 1024, 1))


@contextmanager
def _client_safe_errors() -> Iterator[None]:
    """Lets our own errors pass; of any other the client learns nothing but that it happened."""
    try:
        yield
    except TranscriptionError:
        raise
    except Exception as error:
        check()  # Cog takes the recording away from a run that it cancels
        note("unexpected error", error)
        raise InternalError("Internal error; the operator's log has the details.") from None


def _recording(inputs: Mapping[str, Any]) -> LocalPath:
    name, value = choose_audio(inputs)
    # Cog passes what is neither a URL nor a data URI on as it came: a path on this machine.
    if not isinstance(value, LocalPath):
        raise InvalidInput(name, "must be an http(s) URL, a data URI or an uploaded file")
    return LocalPath(value)


@contextmanager
def _downloaded(clips: list[Any] | None) -> Iterator[list[str]]:
    """The paths of the clips, which are deleted at the end.

    In a list Cog leaves the download of a URL, and its end, to the predictor.
    """
    with ExitStack() as stack:
        yield [_clip(clip, number, stack) for number, clip in enumerate(clips or (), start=1)]


def _clip(clip: Any, number: int, stack: ExitStack) -> str:
    if not isinstance(clip, LocalPath):
        raise InvalidInput(REFERENCES, f"clip {number}: must be an http(s) URL or a data URI")
    stack.callback(clip.unlink, missing_ok=True)
    try:
        return str(clip.convert() if hasattr(clip, "convert") else clip)
    except (OSError, ValueError):
        raise InvalidInput(REFERENCES, f"clip {number}: could not be downloaded") from None


def _revealed(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with secrets in plain text."""
    return {
        name: value.get_secret_value() if name in SECRETS and isinstance(value, Secret) else value
        for name, value in inputs.items()
    }
