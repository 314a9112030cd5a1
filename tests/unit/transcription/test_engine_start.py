"""Diarization, the device, and what stops the start."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")

import torch

from models.registry import DIARIZERS, Family
from tests.unit.transcription.fakes import CPU, GPU, FakePipeline
from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine import (
    device,
    diarization,
)
from transcription.engine.device import Device, choose
from transcription.engine.memory import memory_guard
from transcription.engine.recognition import shared
from transcription.engine.settings import Settings
from transcription.engine.whisperx_engine import WhisperxEngine
from transcription.environment import SettingsError
from transcription.errors import InvalidInput, ModelUnavailable, OutOfMemory
from transcription.options import Options


def test_a_gated_diarizer_does_not_stop_the_start(engine: WhisperxEngine) -> None:
    assert engine.describe()["diarization_available"] is False
    assert engine.loads == 3
    engine.prepare(Options(diarization=False))
    with pytest.raises(ModelUnavailable, match="HUGGINGFACE_TOKEN") as caught:
        engine.prepare(Options())
    assert DIARIZERS[Family.PRODUCTION].name in str(caught.value)
    assert "diarization=false" in str(caught.value)


def test_a_callers_token_is_used_once(
    engine: WhisperxEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        engine.prepare(Options(huggingface_access_token="hf_bad"))
    assert "hf_bad" not in str(caught.value) + "".join(capfd.readouterr())
    engine.prepare(Options(huggingface_access_token="hf_good"))
    engine.prepare(Options(huggingface_access_token="hf_other"))
    engine.prepare(Options())
    assert [token for token in FakePipeline.tokens if token] == ["hf_bad", "hf_good"]
    assert engine.loads == 4
    assert engine.describe()["diarization_available"] is True


@pytest.mark.parametrize(
    ("options", "field"),
    [(Options(language="fr"), "language"), (Options(task="translate"), "task")],
)
def test_a_model_of_english_alone_refuses_what_it_would_invent(
    engine: WhisperxEngine, options: Options, field: str
) -> None:
    engine.prepare(replace(options, diarization=False))
    engine._recognizers["tiny"]._model.model.is_multilingual = False
    with pytest.raises(InvalidInput, match="knows English alone") as caught:
        engine.prepare(replace(options, diarization=False))
    assert caught.value.field == field
    engine.prepare(Options(language="en", diarization=False))
    engine.prepare(replace(options, whisper_model="base", diarization=False))


def test_any_loaded_model_can_be_asked_for(engine: WhisperxEngine) -> None:
    assert engine.describe()["models"] == ["tiny", "base"]
    assert engine.describe()["default_model"] == "tiny"
    for name in (None, "tiny", "base"):
        engine.prepare(Options(whisper_model=name, diarization=False))


class FakeDiarization:
    """An annotation of pyannote's."""

    def __init__(self, turns: list[tuple[float, float, str]]) -> None:
        self.turns = turns

    def itertracks(self, *, yield_label: bool) -> Iterator[tuple[Any, int, str]]:
        assert yield_label
        for start, end, speaker in self.turns:
            yield SimpleNamespace(start=start, end=end), 0, speaker

    def labels(self) -> list[str]:
        return sorted({speaker for _, _, speaker in self.turns})


def test_turns_are_exclusive_named_and_their_vectors_finite() -> None:
    asked: dict[str, Any] = {}
    exclusive = [(0.0, 1.0, "SPEAKER_01"), (1.0, 2.0, "SPEAKER_00"), (2.0, 3.0, "SPEAKER_02")]

    def pipeline(file: dict[str, Any], **options: Any) -> Any:
        asked.update(options)
        options["hook"]("segmentation", None, total=2, completed=1)
        options["hook"]("embeddings", None)
        assert file["waveform"].shape == (1, SAMPLE_RATE)
        return SimpleNamespace(
            exclusive_speaker_diarization=FakeDiarization(exclusive),
            speaker_diarization=FakeDiarization([*exclusive, (0.5, 1.5, "SPEAKER_00")]),
            speaker_embeddings=np.array([[1.0, 2.0], [3.0, 4.0], [np.nan, 0.0]]),
        )

    diarizer = diarization.Diarizer.__new__(diarization.Diarizer)
    diarizer._pipeline = pipeline
    shares: list[float] = []
    samples: Samples = np.zeros(SAMPLE_RATE, dtype=np.float32)
    found = diarizer.diarize(samples, Options(min_speakers=2, max_speakers=5), shares.append)
    assert [turn.speaker for turn in found.turns] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]
    assert found.embeddings == {"SPEAKER_00": (3.0, 4.0), "SPEAKER_01": (1.0, 2.0)}
    assert (asked["num_speakers"], asked["min_speakers"], asked["max_speakers"]) == (None, 2, 5)
    assert shares == [pytest.approx(0.15)]


# Device


def test_the_processor_computes_in_eight_bits() -> None:
    chosen = choose(Settings(device="cpu", cpu_threads=3))
    assert replace(chosen, bfloat16=False) == Device("cpu", "cpu", "int8", 3)
    assert not CPU.is_gpu
    assert GPU.is_gpu


@pytest.mark.parametrize(
    ("quota", "cores"), [("150000 100000", 1), ("50000 100000", 1), ("100000 100000", 1)]
)
def test_a_containers_share_of_the_processor_counts(tmp_path: Path, quota: str, cores: int) -> None:
    unlimited = device._cores(tmp_path / "none")
    assert unlimited >= 1
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert device._cores(file) == cores
    file.write_text("max 100000")
    assert device._cores(file) == unlimited


@pytest.mark.parametrize(
    ("gigabytes", "windows"), [(85, 192), (48, 100), (24, 40), (16, 20), (12, 10), (6, 1), (0, 1)]
)
def test_a_small_card_gets_small_batches(gigabytes: int, windows: int) -> None:
    assert device.windows_in(gigabytes * 10**9) == windows


def test_a_device_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="DEVICE"):
        choose(Settings(device="quantum"))
    if not torch.cuda.is_available():
        with pytest.raises(SettingsError, match="DEVICE"):
            choose(Settings(device="cuda"))


def test_full_memory_is_told_and_other_errors_pass() -> None:
    with pytest.raises(OutOfMemory), memory_guard():
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
    with pytest.raises(RuntimeError, match="shape"), memory_guard():
        raise RuntimeError("shape mismatch")


def test_unknown_models_stop_the_start() -> None:
    with pytest.raises(SettingsError, match="MODELS"):
        WhisperxEngine(Settings(models=("gigantic",), device="cpu"))


def test_batches_of_several_recordings_share_the_cores() -> None:
    eight = replace(CPU, threads=8)
    assert [shared(eight, slots).threads for slots in (1, 2, 9)] == [8, 4, 4]
    assert shared(CPU, 9).threads == 1
    assert shared(replace(GPU, threads=8), 9).threads == 8
