"""Keeps processes alive: starts them, starts them again with back-off, stops them all."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from stack.processes import listens
from stack.services import REFUSED, Service, working_directory

CHECK_SECONDS = 1.0
FIRST_PAUSE = 0.5  # seconds before the first restart; doubles up to LONGEST_PAUSE
LONGEST_PAUSE = 30.0
REFUSAL = 2  # the exit status of a process whose environment is not usable
STABLE_SECONDS = 60.0  # a process that lived this long starts with a short pause again

Say = Callable[[str], None]


class Supervised:
    """One service and the process that currently is it."""

    def __init__(self, service: Service, log: Path, say: Say, kept: tuple[int, ...]) -> None:
        self.service: Final = service
        self.problem: str | None = "starting"
        self.process: asyncio.subprocess.Process | None = None
        self.starts = 0
        self._log = log
        self._pid_file = log.with_suffix(".pid")
        self._say = say
        self._kept = kept
        self._listened = False

    async def keep_alive(self) -> None:
        """Start the process, and again whenever it ends or is broken; until cancelled.

        Raises StartFailed when it refuses to start: then nothing is gained by another try.
        """
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self._start()
            reason = await self._watch()
            if self.process is not None and self.process.returncode == REFUSAL:
                raise StartFailed(self._refusal(), REFUSAL)
            if reason.startswith(REFUSED):
                await self.stop()
                raise StartFailed(f"{self.service.name}: {reason[len(REFUSED) :]}", REFUSAL)
            if loop.time() - began > STABLE_SECONDS:
                pause = FIRST_PAUSE
            self._say(f"{self.service.name}: {reason}; starting it again in {pause:g} s")
            await self.stop()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def stop(self) -> None:
        """SIGTERM, then, if it will not end, SIGKILL to its whole group."""
        process = self.process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.service.stop_seconds):
                await process.wait()
        except TimeoutError:
            self._say(f"{self.service.name} did not stop in time")
        self.kill()
        await process.wait()

    def kill(self) -> None:
        """SIGKILL to the group, workers that outlived their parent included."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def _start(self) -> None:
        self.starts += 1
        self.problem = "starting"
        self._listened = False
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.service.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=dict(self.service.environ),
                cwd=working_directory(),
                # A group of its own: Ctrl-C reaches the supervisor alone, which stops in order.
                start_new_session=True,
                pass_fds=self._kept,
            )
        self._note_pid(self.process.pid)
        stdin = self.process.stdin
        assert stdin is not None
        stdin.write(self.service.stdin.encode())
        stdin.close()

    def _note_pid(self, pid: int) -> None:
        # In one step: whoever reads the file in this moment finds the old number or the new one.
        written = self._pid_file.with_suffix(".pid.new")
        written.write_text(f"{pid}\n")
        written.replace(self._pid_file)

    async def _watch(self) -> str:
        """Returns why the process has to be started again."""
        assert self.process is not None
        ended = asyncio.create_task(self.process.wait())
        try:
            while not ended.done():
                self.problem = await asyncio.to_thread(self._check)
                if self.problem is not None and self.problem.startswith(("broken", REFUSED)):
                    return self.problem
                wait = CHECK_SECONDS if self.problem is None else CHECK_SECONDS / 10
                await asyncio.wait([ended], timeout=wait)
        finally:
            ended.cancel()
        self.problem = f"ended with status {self.process.returncode}"
        return self.problem

    def _check(self) -> str | None:
        problem, port = self.service.check(), self.service.port
        if problem is None and port is not None and not self._listened:
            assert self.process is not None
            self._listened = listens(self.process.pid, port)
            return None if self._listened else f"port {port} is another process's"
        return problem

    def failure(self, problem: str) -> str:
        """``problem`` in one line, with what the process said last where it just ended."""
        said = f" ({self._last_line()})" if problem.startswith("ended") else ""
        return f"{self.service.name}: {problem}{said}; see {self._log}"

    def _refusal(self) -> str:
        last = self._last_line()
        name = f"{self.service.name}: "
        return last if last.startswith(name) else name + last

    def _last_line(self) -> str:
        lines = self._log.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), f"see {self._log}")


class Supervisor:
    """All services of a stack."""

    def __init__(
        self, services: list[Service], log_dir: Path, say: Say, kept: tuple[int, ...] = ()
    ) -> None:
        """The processes inherit the descriptors ``kept``."""
        log_dir.mkdir(parents=True, exist_ok=True)
        self.log_dir: Final = log_dir
        self.members: Final = {
            service.name: Supervised(service, log_dir / f"{service.name}.log", say, kept)
            for service in services
        }
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps all services alive while the block runs, and stops them, last first."""
        self._tasks = {
            name: asyncio.create_task(member.keep_alive()) for name, member in self.members.items()
        }
        try:
            yield
        finally:
            for name in reversed(list(self.members)):
                self._tasks[name].cancel()
                await asyncio.gather(self._tasks[name], return_exceptions=True)
                await self.members[name].stop()

    async def ready(self) -> None:
        """Returns when every service is well. Raises StartFailed when one cannot become so."""
        while problems := self.problems():
            self._raise_refusal()
            for name, member in self.members.items():
                if member.starts > 1 and problems.get(name, "").startswith(("broken", "ended")):
                    raise StartFailed(member.failure(problems[name]))
            await asyncio.sleep(CHECK_SECONDS / 10)

    async def refused(self) -> None:
        """Waits for a service that refuses to be started again. Raises StartFailed."""
        await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        self._raise_refusal()

    def _raise_refusal(self) -> None:
        for task in self._tasks.values():
            if task.done():
                task.result()

    def problems(self) -> dict[str, str]:
        """What is not well, by service."""
        return {name: member.problem for name, member in self.members.items() if member.problem}

    def kill(self) -> None:
        """End everything at once, and start nothing again."""
        for task in self._tasks.values():
            task.cancel()
        for member in self.members.values():
            member.kill()


class StartFailed(Exception):
    """A service failed again right after it was started again, or refused to start."""

    def __init__(self, reason: str, status: int = 1) -> None:
        super().__init__(reason)
        self.status: Final = status
