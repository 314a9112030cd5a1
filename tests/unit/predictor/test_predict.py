"""Cog's entry, with an engine that follows a script."""

import asyncio
import importlib
import json
import re
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cog import Path as CogPath
from cog import Secret

from tests.contract.scripted_engine import ScriptedEngine
from tests.unit.transcription.recordings import recording
from transcription.audio.sandboxed import Decoder
from transcription.engine.settings import Settings
from transcription.errors import InvalidAudio, InvalidInput
from transcription.options import Options


class Seen(ScriptedEngine):
    """Remembers the options."""

    options: Options

    def __init__(self, settings: Settings) -> None:
        super().__init__(model=settings.models[0])

    def prepare(self, options: Options) -> None:
        super().prepare(options)
        type(self).options = options


@pytest.fixture
def predict(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """predict.py, without torch."""
    stand_in = ModuleType("transcription.engine.whisperx_engine")
    stand_in.WhisperxEngine = Seen  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    monkeypatch.setenv("MODELS", "demo")
    monkeypatch.delenv("BRIDGE_INTERNAL_URL", raising=False)
    monkeypatch.delitem(sys.modules, "predict", raising=False)
    found = importlib.import_module("predict")
    decoders: list[Decoder] = []

    def decoder() -> Decoder:
        decoders.append(Decoder())
        return decoders[-1]

    monkeypatch.setattr(found, "Decoder", decoder)
    yield found
    for each in decoders:
        each.close()
    sys.modules.pop("predict", None)


@pytest.fixture
def run(predict: ModuleType) -> Callable[..., Any]:
    """Calls the predictor as Cog does: every input given, defaults where the request has none."""
    predictor = predict.Predictor()
    predictor.setup()
    metrics: dict[str, Any] = {}
    predictor.record_metric = metrics.__setitem__
    names = predict.Predictor.run.__code__.co_varnames[
        1 : predict.Predictor.run.__code__.co_argcount
    ]
    values = [info.default for info in predict.Predictor.run.__defaults__]
    defaults = dict(zip(names, values, strict=True))

    def call(**inputs: Any) -> Any:
        metrics.clear()
        return asyncio.run(predictor.run(**(defaults | inputs)))

    call.metrics = metrics  # type: ignore[attr-defined]
    return call


@pytest.fixture
def audio(tmp_path: Path) -> CogPath:
    file = tmp_path / "recording.wav"
    file.write_bytes(recording(2.0, 1.0))
    return CogPath(file)


def test_output_metrics_and_progress(
    run: Callable[..., Any], audio: CogPath, capsys: pytest.CaptureFixture[str]
) -> None:
    output = run(audio_file=audio)
    assert [segment["text"] for segment in output["segments"]] != []
    json.dumps(output, allow_nan=False)

    metrics = run.metrics  # type: ignore[attr-defined]
    assert metrics["audio_seconds"] == pytest.approx(5.5)
    assert metrics["model_loads"] == 0
    assert metrics["real_time_factor"] >= 0
    assert metrics["peak_memory_mb"] > 1
    assert metrics["timing.recognize"] >= 0

    lines = capsys.readouterr().out.splitlines()
    percents = [
        int(match[1])
        for line in lines
        if (match := re.search(r"^\s*(\d+)%\s*\|.+?\|\s*(\d+)/(\d+)", line))
    ]
    assert len(percents) == len(lines)
    assert percents == sorted(set(percents))
    assert percents[-1] == 100


def test_inputs_become_options(run: Callable[..., Any], audio: CogPath) -> None:
    run(audio=audio, language="en", batch_size=2, huggingface_access_token=Secret("hf_mine"))
    assert Seen.options == Options(language="en", batch_size=2, huggingface_access_token="hf_mine")


def test_defaults_are_those_of_options(run: Callable[..., Any], audio: CogPath) -> None:
    run(audio_file=audio)
    assert Seen.options == Options()


def test_clips_of_known_speakers_are_deleted_after_the_run(
    run: Callable[..., Any], audio: CogPath, tmp_path: Path
) -> None:
    file = tmp_path / "clip.wav"
    file.write_bytes(recording(1.0, 1.0))
    data = f"data:audio/wav;base64,{b64encode(file.read_bytes()).decode()}"
    output = run(
        audio_file=audio,
        known_speaker_names=["Ann", "Bob"],
        known_speaker_references=[CogPath(file), CogPath.validate(data)],
        output_format="srt",
    )
    clips = [Path(clip) for clip in Seen.options.known_speaker_references]
    assert len(clips) == 2
    assert not any(clip.exists() for clip in clips)
    assert output["formatted"].startswith("1\n00:00:0")


@pytest.mark.parametrize("clip", ["/etc/hostname", "file:///etc/hostname", "s3://bucket/key"])
def test_no_file_of_this_machine_is_taken_for_a_clip(
    run: Callable[..., Any], audio: CogPath, clip: str
) -> None:
    with pytest.raises(InvalidInput, match="clip 1") as caught:
        run(audio_file=audio, known_speaker_names=["Ann"], known_speaker_references=[clip])
    assert caught.value.field == "known_speaker_references"


def test_debug_prints_the_time_of_each_stage(
    run: Callable[..., Any], audio: CogPath, capsys: pytest.CaptureFixture[str]
) -> None:
    run(audio_file=audio, debug=True)
    assert "'recognize':" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("inputs", "error", "field"),
    [
        ({}, InvalidInput, "audio_file"),
        ({"audio_file": CogPath("a"), "audio": CogPath("b")}, InvalidInput, "audio"),
        # What Cog could not fetch arrives as plain text: nobody may read this machine's files.
        ({"audio_file": "/etc/hostname"}, InvalidInput, "audio_file"),
        ({"audio": "s3://bucket/key"}, InvalidInput, "audio"),
        ({"audio_file": CogPath("/etc/hostname")}, InvalidAudio, "audio_file"),
    ],
)
def test_unusable_recordings_name_the_field(
    run: Callable[..., Any], inputs: dict[str, Any], error: type[InvalidInput], field: str
) -> None:
    with pytest.raises(error) as caught:
        run(**inputs)
    assert caught.value.field == field


def test_defects_of_ours_are_told_to_the_operator_alone(
    run: Callable[..., Any],
    audio: CogPath,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_arguments: object) -> None:
        raise OSError("/secret/path is full")

    monkeypatch.setattr(Seen, "find_speech", broken)
    with (tmp_path / "operator.log").open("w") as log:
        monkeypatch.setattr(sys, "__stderr__", log)
        with pytest.raises(Exception, match="Internal error") as caught:
            run(audio_file=audio)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    printed = capsys.readouterr()
    assert "secret" not in printed.out + printed.err
    assert "/secret/path is full" in (tmp_path / "operator.log").read_text()


def test_cancellation_is_never_swallowed(
    run: Callable[..., Any], audio: CogPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cancelled(BaseException):
        """As Cog's own: no Exception."""

    def cancelled(*_arguments: object) -> None:
        raise Cancelled

    monkeypatch.setattr(Seen, "recognize", cancelled)
    with pytest.raises(Cancelled):
        run(audio_file=audio)
