"""Starts that cannot succeed: one line that names what and how, soon, and exit status 2."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stack import machine
from stack.preflight import prepared
from stack.settings import ROOT, StackSettings, free_port
from tests.fixtures.old_redis import old_redis
from transcription.default_model import has_gpu
from transcription.engine.settings import Settings
from transcription.environment import SettingsError

SECONDS = 8.0  # three on a machine that has nothing else to do
ENTER = ("unshare", "--user", "--map-root-user", "--mount")


@dataclass
class Start:
    """A start that is to fail: what differs from one that would succeed."""

    environ: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable
    before: Sequence[str] = ()


Make = Callable[[Path, ExitStack], Start]


def port_taken(_: Path, stack: ExitStack) -> Start:
    taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return Start({"BRIDGE_PORT": str(taken.getsockname()[1])})


def redis_of_version_5(_: Path, stack: ExitStack) -> Start:
    return Start({"REDIS_URL": f"redis://127.0.0.1:{stack.enter_context(old_redis())}/0"})


def no_disk(folder: Path, _: ExitStack) -> Start:
    (folder / "full").mkdir()
    mounted = f'mount -t tmpfs -o size=1m none {folder}/full && exec "$@"'
    if subprocess.run([*ENTER, "sh", "-c", mounted, "-", "true"]).returncode != 0:
        pytest.skip("this machine lets nobody mount")
    state = {"STATE_DIR": str(folder / "full" / "state")}
    return Start(state, before=(*ENTER, "sh", "-c", mounted, "-"))


def unreadable_folder(folder: Path, _: ExitStack) -> Start:
    (folder / "file").touch()
    return Start({"FILES_DIR": str(folder / "file" / "files")})


def model_without_files(folder: Path, _: ExitStack) -> Start:
    (folder / "mine").mkdir()
    return Start({"MODELS": str(folder / "mine")})


def no_hub(folder: Path, _: ExitStack) -> Start:
    places = dict.fromkeys(("HF_HOME", "XDG_CACHE_HOME"), str(folder / "cache"))
    nobody = f"http://127.0.0.1:{free_port()}"
    return Start({"MODELS": "tiny", "MODEL_SOURCES": "hub", "HF_ENDPOINT": nobody, **places})


def no_graphics_card(_: Path, __: ExitStack) -> Start:
    if has_gpu("auto"):
        pytest.skip("this machine has one")
    return Start({"DEVICE": "cuda"})


def another_stack(folder: Path, stack: ExitStack) -> Start:
    state = {"STATE_DIR": str(folder / "state")}
    stack.enter_context(prepared(StackSettings.from_env({**state, "DEVICE": "cpu"}, alone=True)))
    return Start(state)


def empty_environment(folder: Path) -> tuple[str, Path]:
    """An interpreter without packages, and where its own would be."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (packages,) = (folder / "venv/lib").glob("python*/site-packages")
    return str(folder / "venv/bin/python"), packages


def half_an_install(folder: Path, _: ExitStack) -> Start:
    python, _packages = empty_environment(folder)
    return Start(python=python)


def old_environment(folder: Path, _: ExitStack) -> Start:
    python, packages = empty_environment(folder)
    ours = next(path for path in map(Path, sys.path) if (path / "aiohttp").is_dir())
    (packages / "base.pth").write_text(f"{ours}\n")
    (packages / "aiohttp-3.0.0.dist-info").mkdir()
    metadata = "Metadata-Version: 2.1\nName: aiohttp\nVersion: 3.0.0\n"
    (packages / "aiohttp-3.0.0.dist-info/METADATA").write_text(metadata)
    return Start(python=python)


def keys_with_a_bad_line(folder: Path, _: ExitStack) -> Start:
    (folder / "keys").write_text("# nobody yet\nacme-ci 1234 acme read\n")
    return Start({"API_KEYS_FILE": str(folder / "keys")})


def redis_that_says_nothing(_: Path, stack: ExitStack) -> Start:
    silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return Start({"REDIS_URL": f"rediss://127.0.0.1:{silent.getsockname()[1]}/0"})


def given(**environ: str) -> Make:
    return lambda _, __: Start(environ)


BROKEN: dict[str, tuple[Make, str]] = {
    "a port that another program has": (port_taken, r"BRIDGE_PORT: port \d+ is taken by .*process"),
    "a port that is none": (given(BRIDGE_PORT="80000"), "BRIDGE_PORT must be .* to 65535"),
    "a short token": (given(BRIDGE_TOKEN="short"), "BRIDGE_TOKEN is shorter than 8"),
    "a placeholder": (given(WEBHOOK_SECRET="changeme"), "WEBHOOK_SECRET still holds a placeholder"),
    "a Redis of version 5": (redis_of_version_5, r"REDIS_URL: .* version 5.* 6\.2 is needed"),
    "no disk": (no_disk, r"STATE_DIR needs 100 MB in .*, and 1 MB are free"),
    "a folder that cannot be used": (unreadable_folder, "FILES_DIR: .* cannot be written to"),
    "an unknown model": (given(MODELS="huge"), "MODELS: 'huge' is no model: expected one of demo"),
    "a model's folder without files": (model_without_files, "MODELS: mine lacks config.json"),
    "no hub": (no_hub, "tiny is not on this machine, and the hub does not answer"),
    "a device that is none": (given(DEVICE="tpu"), "DEVICE must be auto, cuda, mps or cpu"),
    "a device that is not there": (no_graphics_card, "DEVICE is cuda, but this machine has no"),
    "a format of numbers that is none": (given(COMPUTE_TYPE="half"), "COMPUTE_TYPE must be auto, "),
    "a format for cards alone": (given(COMPUTE_TYPE="float16"), "COMPUTE_TYPE is .* needs a GPU"),
    "an aligner that is none": (given(ALIGN_MODELS="mine"), "ALIGN_MODELS: 'mine' is neither"),
    "no number": (given(MAX_AUDIO_SECONDS="nan"), "MAX_AUDIO_SECONDS must be a whole number"),
    "a number of the bridge": (given(QUEUE_LIMIT="many"), "QUEUE_LIMIT must be a whole number"),
    "a level that is none": (given(LOG_LEVEL="LOUD"), "LOG_LEVEL must be DEBUG, INFO, WARNING or"),
    "an address that is none": (given(PUBLIC_URL="example.org"), "PUBLIC_URL must be a http or"),
    "a token in quotes": (given(BRIDGE_TOKEN="'a-token-for-tests'"), "BRIDGE_TOKEN stands in quo"),
    "keys that are away": (given(API_KEYS_FILE="/none"), "API_KEYS_FILE: /none cannot be read: No"),
    "a key's line that is none": (keys_with_a_bad_line, "API_KEYS_FILE: line 2: the second word"),
    "no interpreter": (given(BRIDGE_PYTHON="/none"), "/none cannot be run: No such file"),
    "a host that is none": (
        given(BRIDGE_HOST="no-such.invalid"),
        r"BRIDGE_PORT: .* \(BRIDGE_HOST\)",
    ),
    "a Redis that says nothing": (redis_that_says_nothing, "REDIS_URL: .*rediss:// is Redis with"),
    "two stacks in one folder": (another_stack, "STATE_DIR: .* is in use by .*process"),
    "an old environment": (old_environment, r"an older one: aiohttp 3\.0\.0 .*; run: make install"),
    "half an install": (half_an_install, "not complete: .* missing; run: make install"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_start_says_in_one_line_what_is_amiss(name: str, tmp_path: Path) -> None:
    make, expected = BROKEN[name]
    with ExitStack() as stack:
        start = make(tmp_path, stack)
        began = time.monotonic()
        done = subprocess.run(
            [*start.before, start.python, "-W", "ignore", "-m", "stack"],
            cwd=ROOT,
            env={**working(tmp_path), **start.environ},
            capture_output=True,
            text=True,
            timeout=60,
        )
        seconds = time.monotonic() - began
    (line,) = done.stderr.splitlines()
    assert re.match(f"stack: .*{expected}", line), line
    assert (done.returncode, done.stdout) == (2, "")
    assert seconds < SECONDS
    assert not (tmp_path / "state" / "log").exists(), "nothing was started"


def working(folder: Path) -> dict[str, str]:
    """With which a start would succeed."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "STATE_DIR": str(folder / "state"),
        "MODELS": "demo",
        "DEVICE": "cpu",
        "BRIDGE_TOKEN": "a-token-for-tests",
        "WEBHOOK_SECRET": "a-secret-for-tests",
        **{name: str(free_port()) for name in ("BRIDGE_PORT", "COG_PORT")},
    }


def test_a_program_that_is_none(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stack", "dance"]
    done = subprocess.run(command, cwd=ROOT, env=working(tmp_path), capture_output=True, text=True)
    usage = "usage: python -m stack [up|demo|doctor]\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", usage)


@pytest.mark.parametrize(("name", "label"), [("up", "stack"), ("demo", "demo")])
def test_an_interruption_while_it_still_imports_is_one_line(
    name: str, label: str, tmp_path: Path
) -> None:
    code = f"""
import importlib, os, signal, sys
from stack import __main__ as program
imported = importlib.import_module
def interrupted(module):
    os.kill(os.getpid(), signal.SIGINT)
    return imported(module)
importlib.import_module = interrupted
sys.exit(program.main(["{name}"]))
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=working(tmp_path), capture_output=True, text=True)
    line = f"{label}: stopped before anything was started\n"
    assert (done.returncode, done.stdout, done.stderr) == (130, "", line)


@contextmanager
def free_memory(count: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "free_memory", lambda: count)
        yield


def test_too_little_memory_for_the_models_asked_for() -> None:
    large = Settings(models=("large-v3",), sources=())
    with free_memory(3_500_000_000):
        with pytest.raises(SettingsError, match=r"large-v3 takes about 4.0 GB .* 3.5 GB are free"):
            machine.check_room(large, on_gpu=False)
        machine.check_room(large, on_gpu=True)
        machine.check_room(Settings(models=("base",), sources=()), on_gpu=False)


def test_too_little_disk_for_the_models_that_are_to_be_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.machine.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    usage = shutil.disk_usage(tmp_path)._replace(free=2_000_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(SettingsError, match=r"download of large-v3 needs 3.1 GB in .* 2.0 GB are"):
        machine.check_room(Settings(models=("large-v3",), sources=("hub",)), on_gpu=True)
    machine.check_room(Settings(models=("large-v3",), sources=()), on_gpu=True)
