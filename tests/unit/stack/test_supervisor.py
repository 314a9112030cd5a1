"""Processes are kept alive, stopped in order, and never left behind."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.services import Service
from stack.settings import free_port
from stack.supervisor import StartFailed, Supervised, Supervisor

FOREVER = ("sleep", "1000")


def service(name: str, *command: str, check: Callable[[], str | None] = lambda: None) -> Service:
    return Service(name, command, {"PATH": os.environ["PATH"]}, check, stop_seconds=1)


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def current(member: Supervised) -> int:
    assert member.process is not None
    return member.process.pid


async def test_a_process_that_dies_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor([service("a", *FOREVER)], tmp_path, said.append)
    member = supervisor.members["a"]
    async with supervisor.running():
        await supervisor.ready()
        first = current(member)
        os.kill(first, 9)
        await until(lambda: member.starts == 2 and member.problem is None)
        assert current(member) != first
        assert int((tmp_path / "a.pid").read_text()) == current(member)
    assert not alive(current(member))
    assert "a: ended with status -9; starting it again in 0.5 s" in said


async def test_whoever_reads_the_number_of_a_process_never_finds_half_of_it(tmp_path: Path) -> None:
    supervisor = Supervisor([service("a", *FOREVER)], tmp_path, lambda _: None)
    member = supervisor.members["a"]
    async with supervisor.running():
        await supervisor.ready()
        first = current(member)
        with (tmp_path / "a.pid").open() as opened:
            os.kill(first, 9)
            await until(lambda: member.starts == 2 and member.problem is None)
            assert int(opened.read()) == first, "the file was replaced, not emptied and filled"


async def test_a_broken_process_is_replaced(tmp_path: Path) -> None:
    state = {"problem": "broken: worker dead"}
    broken = service("a", *FOREVER, check=lambda: state.pop("problem", None))
    supervisor = Supervisor([broken], tmp_path, lambda _: None)
    async with supervisor.running():
        await until(lambda: supervisor.members["a"].starts == 2)
        await supervisor.ready()


async def test_one_that_fails_again_is_reported(tmp_path: Path) -> None:
    failing = service("a", "sh", "-c", "echo 'ValueError: why'; exit 3", check=lambda: "starting")
    supervisor = Supervisor([failing], tmp_path, lambda _: None)
    async with supervisor.running():
        with pytest.raises(StartFailed, match=r"a: ended with status 3 \(ValueError: why\); see "):
            await supervisor.ready()


async def test_one_that_refuses_is_not_started_again_and_its_last_line_is_shown(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    refusing = service("a", "sh", "-c", "echo first; echo 'a: NAME is wrong'; echo; exit 2")
    supervisor = Supervisor([refusing, service("b", *FOREVER)], tmp_path, said.append)
    async with supervisor.running():
        async with asyncio.timeout(30):
            with pytest.raises(StartFailed, match=r"^a: NAME is wrong$") as failed:
                await supervisor.refused()
        with pytest.raises(StartFailed, match=r"^a: NAME is wrong$"):
            await supervisor.ready()
        assert (failed.value.status, supervisor.members["a"].starts) == (2, 1)
    assert said == []


async def test_a_setup_that_refuses_is_not_tried_again(tmp_path: Path) -> None:
    said: list[str] = []
    refusing = service("a", *FOREVER, check=lambda: "refused: NAME is wrong")
    supervisor = Supervisor([refusing], tmp_path, said.append)
    async with supervisor.running(), asyncio.timeout(30):
        with pytest.raises(StartFailed, match=r"^a: NAME is wrong$") as failed:
            await supervisor.ready()
        assert (failed.value.status, supervisor.members["a"].starts) == (2, 1)
    assert said == []
    assert not alive(current(supervisor.members["a"]))


async def test_what_another_process_answers_is_no_sign_of_ones_own(tmp_path: Path) -> None:
    port = free_port()
    listen = "import socket, time; s = socket.create_server(('127.0.0.1', {})); time.sleep(1000)"
    own = Service("own", (sys.executable, "-c", listen.format(port)), {}, lambda: None, port)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken: int = other.getsockname()[1]
        idle = Service("idle", FOREVER, {"PATH": os.environ["PATH"]}, lambda: None, taken)
        supervisor = Supervisor([own, idle], tmp_path, lambda _: None)
        async with supervisor.running():
            expected = {"idle": f"port {taken} is another process's"}
            await until(lambda: supervisor.problems() == expected)


async def test_pauses_between_restarts_grow(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor([service("a", "false")], tmp_path, said.append)
    async with supervisor.running():
        await until(lambda: len(said) >= 2)
    assert said[0].endswith("in 0.5 s")
    assert said[1].endswith("in 1 s")


async def test_stopping_ends_stubborn_processes_and_their_children(tmp_path: Path) -> None:
    stubborn = "trap '' TERM; sleep 1000 & echo $! > child; wait; sleep 1000"
    supervisor = Supervisor(
        [service("a", "sh", "-c", f"cd {tmp_path}; {stubborn}")], tmp_path, lambda _: None
    )
    child = tmp_path / "child"
    async with supervisor.running():
        await until(lambda: child.exists() and child.read_text())
        pids = [current(supervisor.members["a"]), int(child.read_text())]
        began = time.monotonic()
    assert time.monotonic() - began < 10
    await until(lambda: not any(alive(pid) and not zombie(pid) for pid in pids))


def zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
