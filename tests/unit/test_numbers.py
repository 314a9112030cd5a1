"""Every variable that takes a number refuses what is none, and says which variable it was."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields

import pytest

import bridge.settings
from platforms.core import Sources
from platforms.lightning.settings import LightningSettings
from predictor import entry
from stack.settings import ROOT, StackSettings
from transcription.engine.settings import Settings as EngineSettings
from transcription.environment import SettingsError

Read = Callable[[Mapping[str, str]], object]
SECRETS = {"BRIDGE_TOKEN": "a-good-token", "WEBHOOK_SECRET": "a-good-secret"}
BRIDGE = [
    name
    for setting in fields(bridge.settings.Settings)
    if isinstance(setting.default, int)
    for name in setting.metadata["variables"]
]
NO_NUMBER = ("abc", "nan", "inf", "-1", "1e400", "0x10")


def of_bridge(environ: Mapping[str, str]) -> object:
    return bridge.settings.Settings.from_env({**SECRETS, **environ})


WHOLE: list[tuple[str, Read]] = [
    *((name, of_bridge) for name in BRIDGE),
    *((name, EngineSettings.from_environment) for name in ("ALIGN_CACHE", "CPU_THREADS")),
    *((name, StackSettings.from_env) for name in ("BRIDGE_PORT", "COG_PORT", "INTERNAL_PORT")),
    *((n, LightningSettings.from_environment) for n in ("PORT", "CHUNK_SIZE", "QUEUE_LIMIT")),
    ("MAX_FILE_BYTES", Sources.from_environment),
]
DECIMAL: list[tuple[str, Read]] = [
    ("MAX_AUDIO_SECONDS", EngineSettings.from_environment),
    ("KNOWN_SPEAKER_THRESHOLD", EngineSettings.from_environment),
    ("FETCH_TIMEOUT", Sources.from_environment),
]


def test_all_of_the_bridges_numbers_are_here() -> None:
    assert {"BRIDGE_PORT", "RESULT_TTL", "OPENAI_STT_TIMEOUT_SECONDS"} <= set(BRIDGE)


@pytest.mark.parametrize("value", [*NO_NUMBER, "2.7"])
@pytest.mark.parametrize(("name", "read"), WHOLE)
def test_a_whole_number_is_due(name: str, read: Read, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be a whole number"):
        read({name: value})


@pytest.mark.parametrize("value", NO_NUMBER)
@pytest.mark.parametrize(("name", "read"), DECIMAL)
def test_a_number_is_due(name: str, read: Read, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be a number"):
        read({name: value})


@pytest.mark.parametrize(
    ("name", "read"),
    [(name, read) for name, read in WHOLE if name.endswith("PORT")],
)
def test_a_port_is_one(name: str, read: Read) -> None:
    with pytest.raises(SettingsError, match=f"^{name} .* to 65535, not '80000'"):
        read({name: "80000"})


@pytest.mark.parametrize(("name", "read"), [*WHOLE, *DECIMAL])
def test_empty_is_unset(name: str, read: Read) -> None:
    assert read({name: ""})
    assert read({name: "1"})


def test_the_containers_first_process_names_its_variable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert entry.main(["true"], {"DRAIN_SECONDS": "nan"}) == 2
    assert "DRAIN_SECONDS must be a number" in capsys.readouterr().err


def test_make_up_says_which_port_is_none() -> None:
    environ = {**os.environ, "BRIDGE_PORT": "abc"}
    done = subprocess.run(
        [sys.executable, "-m", "stack"], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("stack: BRIDGE_PORT must be a whole number")
    assert len(done.stderr.splitlines()) == 1
