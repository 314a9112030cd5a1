"""Whisper's encoder and LSTMs in bfloat16, beside those that they take the place of."""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("whisperx")

import ctranslate2

from models import registry
from models.registry import DEMO_DIRECTORY
from transcription.audio import SAMPLE_RATE
from transcription.engine import device, diarization, recognition, speech
from transcription.engine.bfloat16 import FILE, Network, has_units, in_bfloat16
from transcription.engine.features import WHOLE, log_mels
from transcription.engine.heard import Heard
from transcription.engine.lanes import Lanes
from transcription.engine.settings import Settings
from transcription.engine.speech import Pyannote
from transcription.engine.weights import weights
from transcription.findings import Window, ignore_progress

DEMO_WHISPER = DEMO_DIRECTORY / "whisper"
SOUND = np.random.default_rng(1).normal(0, 0.1, 30 * SAMPLE_RATE).astype(np.float32)
WINDOWS = [Window(0, 12), Window(12, 14)]


def spectrograms(frames: int) -> Any:
    mels = ctranslate2.models.Whisper(str(DEMO_WHISPER)).n_mels
    return log_mels(SOUND, WINDOWS, mels, "cpu", frames)


def by_ctranslate2(features: Any, compute_type: str) -> Any:
    model = ctranslate2.models.Whisper(str(DEMO_WHISPER), compute_type=compute_type)
    return np.array(model.encode(ctranslate2.StorageView.from_array(features)))


@pytest.mark.parametrize("frames", [1500, WHOLE])
def test_the_encoder_is_ctranslate2s(frames: int) -> None:
    features = spectrograms(frames)
    exact = by_ctranslate2(features, "float32")
    found = Network(DEMO_WHISPER, torch.float32)(features)
    assert found.shape == exact.shape
    assert found.dtype.name == "float32"
    np.testing.assert_allclose(found, exact, atol=1e-4)


def test_it_is_more_exact_in_bfloat16_than_ctranslate2s_in_int8() -> None:
    features = spectrograms(1500)
    exact = by_ctranslate2(features, "float32")
    off = np.abs(Network(DEMO_WHISPER)(features) - exact).mean()
    assert 1e-4 < off < np.abs(by_ctranslate2(features, "int8") - exact).mean()


def file_of(*variables: tuple[str, Any, int], version: int = 6) -> bytes:
    """As CTranslate2 writes it: names with a zero behind, shapes, kinds and sizes."""

    def named(name: str) -> bytes:
        return struct.pack("<H", len(name) + 1) + name.encode() + b"\0"

    content = struct.pack("<I", version) + named("WhisperSpec")
    content += struct.pack("<II", 3, len(variables))
    for name, values, kind in variables:
        content += named(name) + struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        content += struct.pack("<BI", kind, values.nbytes) + values.tobytes()
    return content + struct.pack("<I", 0)


HALVES = np.array([[0.5, -2.0]], np.float16)
WHOLES = np.array([[100, -50], [20, 10]], np.int8)
SCALES = np.array([50.0, 10.0], np.float32)
VARIABLES = [
    ("decoder/a", HALVES, 4),
    ("encoder/a", HALVES, 4),
    ("encoder/b", WHOLES, 1),
    ("encoder/b_scale", SCALES, 0),
    ("encoder/c", np.array(8, np.int16), 2),
]


def test_weights_are_read_in_all_their_kinds(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_bytes(file_of(*VARIABLES))
    found = weights(file, "encoder/")
    assert {name: values.tolist() for name, values in found.items()} == {
        "a": [[0.5, -2.0]],
        "b": [[2.0, -1.0], [2.0, 1.0]],
        "c": 8,
    }
    assert [found[name].dtype for name in "abc"] == [torch.float16, torch.float32, torch.int16]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (file_of(*VARIABLES, version=7), "version 7, not 6"),
        (file_of(*VARIABLES)[:-20], "ends early"),
        (file_of(*VARIABLES)[:100], "ends early"),
        (file_of(("encoder/a", HALVES, 5)), "unknown kind, 5"),
        (file_of(*VARIABLES), "no layers"),
    ],
)
def test_a_model_of_another_format_keeps_ctranslate2s_encoder(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        Network(tmp_path)
    assert recognition.bfloat16_encoder(str(tmp_path), None) is None


def layer(width: int) -> list[tuple[str, Any, int]]:
    """Two of its variables, ``width`` wide."""
    return [
        (f"encoder/layer_0/{part}/linear_0/weight", np.zeros((width, width), np.float32), 0)
        for part in ("self_attention", "ffn")
    ]


def test_what_a_models_layers_lack_is_found_when_it_loads(tmp_path: Path) -> None:
    outer = [
        ("encoder/conv1/weight", np.zeros((4, 3, 3), np.float32), 0),
        ("encoder/conv1/bias", np.zeros(4, np.float32), 0),
        ("encoder/conv2/weight", np.zeros((4, 4, 3), np.float32), 0),
        ("encoder/conv2/bias", np.zeros(4, np.float32), 0),
        ("encoder/position_encodings/encodings", np.zeros((9, 4), np.float32), 0),
    ]
    narrow = [*outer[:2], ("encoder/conv2/weight", np.zeros((4, 5, 3), np.float32), 0), *outer[3:]]
    for variables, said in (
        (outer, "no layers"),
        ([*layer(4)], "no 'conv1/weight'"),
        ([*outer, *layer(4)], "no 'num_heads'"),
        ([*narrow, *layer(4)], "do not fit"),
    ):
        (tmp_path / FILE).write_bytes(file_of(*variables))
        with pytest.raises(ValueError, match=said):
            Network(tmp_path)
        assert recognition.bfloat16_encoder(str(tmp_path), None) is None


@pytest.mark.parametrize("units", [True, False])
def test_a_processor_with_units_for_it_encodes_in_bfloat16(
    monkeypatch: pytest.MonkeyPatch, units: bool
) -> None:
    monkeypatch.setattr(device, "has_units", lambda: units)
    chosen = device.choose(Settings(device="cpu"))
    assert (chosen.compute_type, chosen.bfloat16) == ("int8", units)
    assert not device.choose(Settings(device="cpu", compute_type="int8")).bfloat16


@pytest.mark.skipif(not has_units(), reason="a processor without these units")
@pytest.mark.parametrize(("compute_type", "vectors"), [("auto", "AVX512"), ("int8", "AVX2")])
def test_where_the_units_are_ctranslate2_uses_the_widest_vectors(
    compute_type: str, vectors: str
) -> None:
    """It says so when it first computes, in a process of its own."""
    program = f"""
from transcription.engine import device, recognition
from transcription.engine.lanes import Lanes
from transcription.engine.settings import Settings
chosen = device.choose(Settings(device="cpu", compute_type={compute_type!r}))
recognition.Recognizer({str(DEMO_WHISPER)!r}, chosen, Lanes(1))
"""
    environ = {k: v for k, v in os.environ.items() if k != "CT2_FORCE_CPU_ISA"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**environ, "CT2_VERBOSE": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert f"Selected ISA: {vectors}\n" in done.stderr


def test_the_recognizer_encodes_with_it_where_the_device_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CT2_FORCE_CPU_ISA", "")  # this processor may have no such vectors
    encoded = []
    whole = Network.__call__

    def remembered(network: Network, features: Any) -> Any:
        encoded.append(len(features))
        return whole(network, features)

    monkeypatch.setattr(Network, "__call__", remembered)
    folder = shutil.copytree(DEMO_WHISPER, tmp_path / "whisper")
    for wanted in (True, False):
        own = device.Device("cpu", "cpu", "int8", 1, bfloat16=wanted)
        recognizer = recognition.Recognizer(str(folder), own, Lanes(1))
        recognizer.detect(SOUND, WINDOWS[0])
        assert bool(encoded) == wanted
        encoded.clear()


def test_lstms_compute_in_bfloat16_and_keep_their_weights() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.LSTM(6, 8, 2, batch_first=True, bidirectional=True))
    states = torch.randn(3, 20, 6)
    weights = {name: values.clone() for name, values in network.state_dict().items()}
    exact, (hidden, cells) = network(states)
    in_bfloat16(SimpleNamespace(model=network))
    with torch.inference_mode():
        found, last = network(states)
    assert found.dtype == torch.float32
    assert 0 < (found - exact).abs().max() < 0.02
    for own, whole in zip(last, (hidden, cells), strict=True):
        assert own.dtype == torch.float32
        torch.testing.assert_close(own, whole, atol=0.05, rtol=0)
    assert all(torch.equal(values, weights[name]) for name, values in network.state_dict().items())


def test_the_speech_detector_does_so_where_the_processor_has_units(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {}
    for units in (True, False):
        monkeypatch.setattr(speech, "has_units", lambda units=units: units)
        detector = Pyannote("cpu", Lanes(1), Heard())
        found[units] = np.array(detector(SOUND[: 6 * SAMPLE_RATE], ignore_progress).values)
    off = np.abs(found[True] - found[False]).max()
    assert 0 < off < 0.05


@pytest.mark.parametrize("units", [True, False])
def test_so_does_a_diarizers_segmentation(monkeypatch: pytest.MonkeyPatch, units: bool) -> None:
    monkeypatch.setattr(diarization, "has_units", lambda: units)
    model = registry.DIARIZERS[registry.Family.BASE]
    network: Any = diarization.Diarizer(model, "cpu", Lanes(1))._pipeline._segmentation.model
    sound = torch.from_numpy(SOUND[: 5 * SAMPLE_RATE])[None, None]
    with torch.inference_mode():
        found = network(sound)
        network.lstm.forward = network.lstm.__class__.forward.__get__(network.lstm)
        assert torch.equal(found, network(sound)) != units
