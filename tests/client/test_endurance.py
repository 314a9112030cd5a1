"""What the program is kept for: interruptions of every kind, and a library of films.

It runs as installed by pip into an environment of its own, without torch and Redis.
"""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from client.failures import Exit
from stack.settings import ROOT, free_port
from tests.client.conftest import Program, ended, records
from tests.client.films import Sound, film
from tests.clients.helpers import PREDICTOR, cutting
from tests.conftest import RECORDING, RunningStack, start_stack, stop_stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SPANISH = ROOT / "examples" / "conversation-es.wav"
Recording = Callable[..., Path]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment in which nothing else is installed."""
    source = tmp_path_factory.mktemp("source")
    for name in ("client", "transcription"):
        shutil.copytree(ROOT / name, source / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "-q", source], check=True)
    return folder / "bin"


@pytest.fixture
def program(program: Program, installed: Path) -> Program:
    return replace(program, command=(str(installed / "whisperx-stack"),), path="")


def test_the_installed_program_is_light(installed: Path) -> None:
    listed = subprocess.run(
        [installed / "pip", "list", "--format", "json"], capture_output=True, check=True
    )
    names = {package["name"].casefold() for package in json.loads(listed.stdout)}
    assert "whisperx-stack" in names
    assert not names & {"torch", "redis", "aiohttp", "numpy", "pydocket", "cog"}
    assert len(names) < 25


def test_twenty_recordings_are_transcribed_once_although_it_is_killed(
    program: Program, recording: Recording, stack: RunningStack, tmp_path: Path
) -> None:
    folder = tmp_path / "twenty"
    talks = [recording(f"talk {number:02d}.wav", folder) for number in range(20)]
    before = ended(stack)
    process = program.start("transcribe", folder, "--prompt", "sleep=1")
    wait_until(lambda: len(list(folder.glob("*.srt"))) >= 7, "seven are done", 150)
    process.kill()
    process.wait()
    assert len(list(folder.glob("*.srt"))) < 20
    said = program("transcribe", folder, "--prompt", "sleep=1")
    assert said.returncode == Exit.OK, said.stderr
    assert all(talk.with_suffix(".srt").read_text() for talk in talks)
    assert ended(stack) == before + 20
    assert "20 skipped" in program("transcribe", folder, "--prompt", "sleep=1").stderr


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)],
)
def test_an_interruption_cancels_what_runs_on_the_server(
    number: signal.Signals,
    status: Exit,
    program: Program,
    recording: Recording,
    stack: RunningStack,
    tmp_path: Path,
) -> None:
    for count in range(3):
        recording(f"{number.name} {count}.wav", tmp_path / "tree")

    def ours() -> list[str]:
        return [r["status"] for r in records(stack) if number.name in r["input"]["audio_file"]]

    process = program.start("transcribe", tmp_path / "tree", "--prompt", "sleep=60")
    wait_until(lambda: "processing" in ours() and len(ours()) == 3, "all three are sent", 60)
    process.send_signal(number)
    assert process.wait(20) == status
    assert "interrupted; 3 canceled on the server" in program.messages
    wait_until(lambda: ours() == ["canceled"] * 3, "the server has stopped them")
    assert program("transcribe", tmp_path / "tree", "--overwrite").returncode == Exit.OK


def test_a_server_that_dies_and_comes_back_is_waited_for(
    program: Program, recording: Recording, tmp_path: Path
) -> None:
    state, port = tmp_path / "stack", str(free_port())
    state.mkdir()
    given = {"COG_PREDICT_TYPE_STUB": PREDICTOR, "BRIDGE_PORT": port}
    program = replace(program, url=f"http://127.0.0.1:{port}")
    running = start_stack(state, **given)
    talks = [recording(f"{number}.wav", tmp_path / "tree") for number in range(6)]
    process = program.start("transcribe", tmp_path / "tree", "--prompt", "sleep=2", "-j", "2")
    try:
        wait_until(lambda: talks[0].with_suffix(".srt").exists(), "the first one is done")
        stop_stack(running)
        wait_until(lambda: f"waiting for http://127.0.0.1:{port}" in program.messages, "it waits")
        assert process.poll() is None
        running = start_stack(state, **given)
        assert process.wait(60) == Exit.OK, program.messages
        assert all("sleep=2" in talk.with_suffix(".srt").read_text() for talk in talks)
        assert sorted(record["status"] for record in records(running)) == ["succeeded"] * 6
    finally:
        stop_stack(running)


async def test_a_server_that_stays_away_is_given_up(
    program: Program, recording: Recording, stack: RunningStack
) -> None:
    async with cutting(stack.url, connections=0) as url:
        program = replace(program, url=url)
        arguments = ("--prompt", "sleep=60", "--patience", "2")
        process = program.start("transcribe", recording("away.wav"), *arguments)

        def ours() -> list[str]:
            return [r["id"] for r in records(stack) if "away.wav" in r["input"]["audio_file"]]

        await asyncio.to_thread(wait_until, ours, "it is sent")
    assert await asyncio.to_thread(process.wait, 30) == Exit.UNREACHABLE
    assert "is gone; it does not answer" in program.messages
    assert "start again to fetch it" in program.messages
    assert program("cancel", *ours(), WHISPERX_URL=stack.url).returncode == Exit.OK


def test_a_transcription_that_the_server_lost_is_sent_again(
    program: Program, recording: Recording, stack: RunningStack
) -> None:
    talk = recording("lost.wav")

    def ours() -> list[str]:
        return [r["id"] for r in records(stack) if "lost.wav" in r["input"]["audio_file"]]

    process = program.start("transcribe", talk, "--prompt", "sleep=3")
    wait_until(ours, "it is sent")
    assert program("delete", *ours()).returncode == Exit.OK
    assert process.wait(60) == Exit.OK
    assert talk.with_suffix(".srt").exists()


def test_a_watched_folder_is_taken_when_its_files_are_whole(
    program: Program, recording: Recording, stack: RunningStack, tmp_path: Path
) -> None:
    folder = tmp_path / "inbox"
    first = recording("first.wav", folder)
    process = program.start("transcribe", folder, "--watch", "-f", "json")
    wait_until(lambda: first.with_suffix(".json").exists(), "what was there is done")
    content = recording("late.wav", tmp_path).read_bytes()
    before, growing = ended(stack), folder / "growing.wav"
    with growing.open("wb", buffering=0) as file:
        for part in range(8):
            file.write(content[part * len(content) // 8 : (part + 1) * len(content) // 8])
            time.sleep(0.7)  # somebody copies slowly
    wait_until(lambda: growing.with_suffix(".json").exists(), "what came is done")
    warnings = json.loads(growing.with_suffix(".json").read_text())["warnings"]
    assert warnings == [f"{len(content)} bytes"]
    assert ended(stack) == before + 1
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == Exit.INTERRUPTED


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack that hears what is said."""
    running = start_stack(tmp_path_factory.mktemp("speaking"))
    yield running
    stop_stack(running)


def library(root: Path) -> dict[str, str]:
    """Films and series as people keep them; the subtitles that have to come, and their words."""
    en, es = Sound(RECORDING, "eng"), Sound(SPANISH, "spa")
    film(root / "Films/Two (2016)/Two (2016).mkv", es, replace(en, default=True))
    film(
        root / "Films/Commented [1080p]/Commented [1080p].mkv",
        replace(en, title="Commentary by the director", default=True),
        es,
    )
    film(root / "Films/Late/Late.mkv", replace(en, late=3.0))
    film(root / "Films/Mistagged/Mistagged.mp4", replace(es, language="eng"))
    film(root / "Shows/One/S01E01.mkv", en)
    (root / "Shows/One/S01E01.en.srt").write_text("by hand")
    film(root / "Shows/One/S01E02.ts", en)
    film(root / "Shows/One/S01E03.avi", es)
    film(root / "Shows/One/S01E04.mkv", es)
    (root / "Shows/One/S01E04.en.srt").write_text("a translation")
    (root / "Shows/One/Linked.mkv").symlink_to("S01E02.ts")
    (root / "Shows/Again").symlink_to("../Shows")
    (root / "Shows/One/poster.jpg").write_bytes(b"a picture")
    return {
        "Films/Two (2016)/Two (2016).en.srt": "Hello Maria",
        "Films/Commented [1080p]/Commented [1080p].es.srt": "Hola",
        "Films/Late/Late.en.srt": "1\n00:00:03,",
        "Films/Mistagged/Mistagged.es.srt": "Hola",
        "Shows/One/S01E01.en.srt": "by hand",
        "Shows/One/S01E02.en.srt": "Hello Maria",
        "Shows/One/S01E03.es.srt": "Hola",
        "Shows/One/S01E04.en.srt": "a translation",
        "Shows/One/S01E04.es.srt": "Hola",
        "Shows/One/Linked.en.srt": "Hello Maria",
    }


def test_a_library_is_subtitled_untouched_by_hand(
    program: Program, speaking: RunningStack, tmp_path: Path
) -> None:
    program = replace(program, url=speaking.url)
    root = tmp_path / "library"
    wanted = library(root)
    said = program("transcribe", root)
    assert said.returncode == Exit.OK, said.stderr
    found = {str(path.relative_to(root)): path.read_text() for path in root.rglob("*.srt")}
    assert found.keys() == wanted.keys()
    for name, words in wanted.items():
        assert words in found[name], name
    before = ended(speaking)
    assert "9 skipped" in program("transcribe", root).stderr
    assert ended(speaking) == before
    films = root / "Films" / "Two (2016)"
    assert program("transcribe", films, "--language", "Spanish").returncode == Exit.OK
    assert "Hola" in (films / "Two (2016).es.srt").read_text()
