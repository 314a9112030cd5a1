"""What the demo does before it starts anything, and what it makes of a result."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from models.sources import CannotFetch
from stack import demo
from stack.demo import PEOPLE, TOY, Refused
from stack.settings import ROOT, StackSettings
from transcription.probe import probe


def settings(**environ: str) -> StackSettings:
    return StackSettings.from_env({"DEVICE": "cpu", **environ}, alone=True)


@pytest.fixture
def nothing_to_be_had(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def refuse(settings: StackSettings, _say: object) -> None:
        asked.append(settings.models)
        raise CannotFetch(f"{settings.models}: nobody gives it")

    monkeypatch.setattr(demo, "fetch_ahead", refuse)
    return asked


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("talk.txt", b"plain text", "not a recording"), ("talk.mp3", b"", "empty")],
)
def test_what_cannot_be_heard_is_refused_before_anything_starts(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "stack", "demo"],
        cwd=ROOT,
        env={**os.environ, "AUDIO": str(tmp_path / name), "STATE_DIR": str(tmp_path / "state")},
        capture_output=True,
        text=True,
    )
    assert time.monotonic() - began < 8, "a second on a machine that has nothing else to do"
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"demo: AUDIO: {name}: ")
    assert reason in line
    assert not (tmp_path / "state").exists()


def test_inputs_are_sent_along() -> None:
    assert demo.inputs("diarization=false  language=fr") == {
        "diarization": "false",
        "language": "fr",
    }
    assert demo.inputs("") == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("diarization", "'diarization' is not of the form name=value"),
        ("diarisation=1", "diarisation: unknown input; there are audio_file"),
        ("temperature=hot", "temperature: 'hot' is not a number"),
        ("language=xx", "language: "),
        ("min_speakers=3 max_speakers=2", "m.*_speakers: "),
    ],
)
def test_inputs_that_the_service_would_refuse_start_nothing(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=f"^INPUTS: {reason}"):
        demo.inputs(text)


def test_without_any_source_the_toy_set_is_shown(
    nothing_to_be_had: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert demo.with_models(settings(), own=False).models == "demo"
    assert nothing_to_be_had == ["base"]
    said = capfd.readouterr().err.splitlines()
    assert said[0] == "demo: MODELS is not set: base, since there is no GPU"
    assert "nobody gives it" in said[1]
    assert len(said) == 2


def test_a_gpu_without_its_model_takes_the_small_one(nothing_to_be_had: list[str]) -> None:
    assert demo.with_models(settings(DEVICE="cuda"), own=False).models == "demo"
    assert nothing_to_be_had == ["large-v3", "base"]


def test_a_recording_or_a_model_of_ones_own_gets_no_toy(nothing_to_be_had: list[str]) -> None:
    with pytest.raises(Refused, match="no model for your recording is available"):
        demo.with_models(settings(), own=True)
    with pytest.raises(Refused, match="small: nobody gives it"):
        demo.with_models(settings(MODELS="small"), own=False)


@pytest.mark.parametrize("content", ["[]", "{}", '{"turns": [{"text": 1}]}', "no JSON"])
def test_another_programs_file_beside_a_recording_is_no_truth(tmp_path: Path, content: str) -> None:
    (tmp_path / "talk.json").write_text(content)
    assert demo._truth(tmp_path / "talk.wav") is None


@pytest.mark.parametrize(("recording", "speakers"), [(PEOPLE, 3), (TOY, 2)])
def test_our_recordings_have_their_truth_beside_them(recording: Path, speakers: int) -> None:
    truth = demo._truth(recording)
    assert truth is not None
    duration = probe(recording).duration
    assert duration is not None
    assert len({turn.speaker for turn in truth.turns}) == speakers
    assert len(truth.words) > 100
    assert max(turn.end for turn in truth.turns) < duration


def output(*texts: tuple[str, str]) -> dict[str, Any]:
    return {"segments": [{"text": text, "speaker": speaker} for speaker, text in texts]}


def test_the_exit_status_tells_whether_our_recording_was_understood(tmp_path: Path) -> None:
    turns = [
        {"speaker": "A", "start": 0, "end": 1, "words": [{"word": "Hello", "start": 0, "end": 1}]},
        {"speaker": "B", "start": 1, "end": 2, "words": [{"word": "Bye", "start": 1, "end": 2}]},
    ]
    (tmp_path / "talk.json").write_text(json.dumps({"turns": turns}))
    truth = demo._truth(tmp_path / "talk.wav")
    assert truth is not None
    right = output(("S0", "Hello."), ("S1", "Bye."))
    assert demo._compare(truth, right, 0.0) == 0
    assert demo._compare(truth, output(("S0", "Hello."), ("S1", "By.")), 0.1) == 1
    assert demo._compare(truth, output(("S0", "Hello. Bye.")), 0.1) == 1
    assert demo._compare(truth, output(("S0", "Hallo.")), None) == 0, "one's own never fails"
