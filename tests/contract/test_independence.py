"""No request leaves anything behind: options, models, files, connections."""

import os
import random
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("whisperx")

import torch

from evaluation import recordings
from tests.unit.transcription.test_memory import Limited
from transcription.engine import Engine, emissions
from transcription.engine.speaker_vectors import OnePass
from transcription.errors import OutOfMemory, TranscriptionError
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.wire import to_wire

pytestmark = pytest.mark.models

# Ends of files that hold a model; audit events tell when Python opens one.
_MODELS = (".bin", ".pt", ".pth", ".safetensors", ".ckpt", ".onnx", ".npz")
_opened: list[str] = []
_hooked: list[bool] = []


class Interruption(Exception):
    """Raised in the middle of the work."""


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and str(arguments[0]).endswith(_MODELS):
        _opened.append(str(arguments[0]))
    elif event == "socket.connect":
        _opened.append(f"connection to {arguments[1]}")


@pytest.fixture
def opened() -> list[str]:
    """Model files and connections opened from now on. An audit hook can never be taken away."""
    if not _hooked:
        sys.addaudithook(_listen)
        _hooked.append(True)
    _opened.clear()
    return _opened


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.write(tmp_path_factory.mktemp("audio") / "a.wav", 4)


def interrupted_at(share: float) -> Any:
    def progress(done: float) -> None:
        if done >= share:
            raise Interruption

    return progress


def test_no_file_is_left_behind(
    demo_engine: Engine, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pipeline = Pipeline(demo_engine)
    before = set(recording.parent.iterdir()) | set(Path.cwd().iterdir())
    pipeline.transcribe(recording, Options())
    for share in (0.1, 0.9):
        with suppress(Interruption):
            pipeline.transcribe(recording, Options(), interrupted_at(share))
    with suppress(TranscriptionError):
        pipeline.transcribe(b"no recording", Options())
    assert list(tmp_path.iterdir()) == []
    assert set(recording.parent.iterdir()) | set(Path.cwd().iterdir()) == before


def test_nothing_is_read_from_disk_or_network_but_the_recording(
    demo_engine: Engine, recording: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyannote reports the length of every recording to its makers unless a variable forbids it."""

    def refused(*_arguments: object, **_options: object) -> None:
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    report = Pipeline(demo_engine).transcribe(recording, Options())
    assert report.transcript.segments
    assert report.loads == 0
    assert opened == []
    assert os.environ["PYANNOTE_METRICS_ENABLED"] == "0"


def test_torch_reads_files_as_its_makers_meant(demo_engine: Engine) -> None:
    assert torch.load.__module__ == "torch.serialization"
    assert torch.load.__qualname__ == "load"
    assert torch.serialization.load is torch.load
    with tempfile.TemporaryFile() as file:
        torch.save(print, file)
        file.seek(0)
        with pytest.raises(Exception, match=r"(?i)weights.?only"):
            torch.load(file)


def mixed(seed: int) -> Iterator[Options]:
    """Requests that differ in whatever a pipeline could keep by mistake."""
    rng = random.Random(seed)
    for number in count():
        yield Options(
            language=rng.choice((None, "en", "de", "haw")),
            task=rng.choice(("transcribe", "transcribe", "translate")),
            temperature=rng.choice((0.0, 0.0, 1.0)),
            initial_prompt=rng.choice((None, f"Prompt {number}.")),
            hotwords=rng.choice((None, "Maria Peter")),
            chunk_size=rng.choice((3, 30)),
            batch_size=rng.choice((1, 8, 64)),
            vad_method=rng.choice(("pyannote", "silero")),
            vad_onset=rng.choice((0.5, 0.8)),
            suppress_numerals=rng.random() < 0.3,
            align_output=rng.random() < 0.7,
            diarization=number % 5 == 0,
            num_speakers=rng.choice((None, 1, 2)),
        )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_hundred_mixed_requests_load_nothing_and_change_nothing(
    demo_engine: Engine, tmp_path: Path, opened: list[str]
) -> None:
    recording = recordings.write(tmp_path / "a.wav", 3)
    pipeline = Pipeline(demo_engine)
    before = to_wire(pipeline.transcribe(recording, Options()).transcript)
    opened.clear()
    loads = demo_engine.loads
    requests = mixed(1)
    for number in range(100):
        fault = interrupted_at(0.5) if number % 10 == 9 else (lambda _share: None)
        with suppress(Interruption):
            pipeline.transcribe(recording, next(requests), fault)
    assert demo_engine.loads == loads
    assert opened == []
    assert to_wire(pipeline.transcribe(recording, Options()).transcript) == before


def networks(engine: Any) -> dict[str, tuple[object, str]]:
    """Where each stage hands a batch to its network: object and attribute."""
    diarizer = engine._diarizers._loaded[0]._pipeline
    return {
        "find_speech": (
            engine._speech._detectors["pyannote"]._score._segmentation.model,
            "forward",
        ),
        "recognize": (engine._recognizers["demo"]._decoder._encoder, "_encode"),
        "align": (engine._aligners._resident["en"][0]._acoustics, "_features"),
        "segmentation": (diarizer._segmentation.model, "forward"),
        "speaker vectors": (diarizer._embedding.model_, "forward"),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "stage", ["find_speech", "recognize", "align", "segmentation", "speaker vectors"]
)
def test_a_full_memory_halves_the_batch_of_any_stage_and_the_next_request_works(
    demo_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setattr(OnePass, "_chunks_at_once", lambda _self: 4)  # as on a GPU
    monkeypatch.setattr(emissions, "_SHORTEST", {False: 0.0})  # likewise
    recording = recordings.write(tmp_path / "a.wav", 9)
    # Else the diarizer takes over what the speech detector's network has heard.
    method: Any = "silero" if stage == "segmentation" else "pyannote"
    options = Options(chunk_size=3, num_speakers=2, vad_method=method)
    pipeline = Pipeline(demo_engine)

    def said() -> list[tuple[str, str | None, float]]:
        segments = pipeline.transcribe(recording, options).transcript.segments
        return [(word.text, word.speaker, word.start) for s in segments for word in s.words]

    before = said()
    place, name = networks(demo_engine)[stage]
    limited = Limited(getattr(place, name), 1)
    monkeypatch.setattr(place, name, limited)
    halved = said()
    assert max(limited.sizes) > 1, "nothing was too large"
    assert [word[:2] for word in halved] == [word[:2] for word in before]
    assert [word[2] for word in halved] == pytest.approx([word[2] for word in before], abs=0.021)
    limited.capacity = 0
    with pytest.raises(OutOfMemory):
        said()
    limited.capacity = 1000
    assert said() == before
