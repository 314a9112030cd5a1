"""Docket, with its own codec replaced: a task is JSON under a seal, and nothing is unpickled.

Docket has no seam for this, so this module knows its inside: it subclasses `Docket`, `Worker` and
`Execution`, and stands where docket's modules name `Execution`, `StrikeList` and `cloudpickle`.
That fits one version of it, which `bridge.tasks.queue.check_docket` asks for at the start.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn, Self, cast

import docket
import docket.docket
import docket.execution
import docket.strikelist
import docket.worker
from docket import Execution
from docket._redelivery import renew_leases
from docket.execution import TaskFunction
from docket.strikelist import StrikeList
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from bridge.records.seals import Seals
from bridge.tasks import codec_scripts as scripts

_KIND = "task"  # what its seal, the log and the metric call a message of the queue
_STATE = ("runs", "progress")  # docket's keys of one task
_MOVED_AT_ONCE = 1000
_log = logging.getLogger(__name__)


class Docket(docket.Docket):
    """A docket whose tasks are sealed. It neither strikes tasks nor keeps what came of them."""

    def __init__(self, name: str, url: str, seals: Seals, on_refused: Callable[[], None]) -> None:
        # Nobody asks docket how a task ended, and the text of an error may quote what was said.
        super().__init__(name=name, url=url, execution_ttl=timedelta(0))
        self.tasks.clear()  # those of docket's own
        self.seals: Final = seals
        self._on_refused: Final = on_refused

    async def drop(self, message: Mapping[bytes, bytes], message_id: Any, *, again: bool) -> None:
        """Acknowledge and delete a message that is not ours. ``again``: a worker had it before."""
        key = message.get(b"key", b"")
        runs = self.key("runs:").encode() + key
        generation = message.get(b"generation", b"")
        arguments = (self.worker_group_name, message_id, generation, int(again))
        async with self.redis() as redis:
            drop = cast("Redis", redis).register_script(scripts.DROP)
            await drop([self.stream_key, runs], arguments)
        self.refuse(key)

    def refuse(self, key: bytes) -> None:
        """Count and log a task that is not ours."""
        self.seals.refuse(_KIND, self.name, key.decode(errors="replace"))
        self._on_refused()

    async def get_execution(self, key: str) -> NoReturn:
        """Docket's way to look at a task; ours is the record."""
        raise NotImplementedError("how a prediction stands is asked of its record")


class _Task(Execution):
    """A task. Its arguments are ids; its seal names docket, key, function, time and try as well."""

    refused = False

    def as_message(self) -> dict[bytes, bytes]:
        owner, when = _ours(self.docket), self.when.isoformat()
        place = (owner.name, self.key, self.function_name, when, str(self.attempt))
        return {
            b"key": self.key.encode(),
            b"when": when.encode(),
            b"function": self.function_name.encode(),
            b"args": owner.seals.close(json.dumps(self.args), _KIND, *place).encode(),
            b"kwargs": b"{}",
            b"attempt": str(self.attempt).encode(),
            b"generation": str(self.generation).encode(),
        }

    @classmethod
    async def from_message(  # noqa: PLR0913, PLR0917 - docket's signature
        cls,
        docket: docket.Docket,
        message: dict[bytes, bytes],
        redelivered: bool = False,  # noqa: FBT001, FBT002 - likewise
        fallback_task: TaskFunction | None = None,  # noqa: ARG003 - likewise
        message_id: Any = None,
        sync: bool = True,  # noqa: ARG003, FBT001, FBT002 - likewise
    ) -> Self:
        """The task of a message; one that does nothing where the message is not ours."""
        owner = _ours(docket)
        task = cls._read(owner, message, message_id, redelivered=redelivered)
        if task is not None:
            return task
        await owner.drop(message, message_id, again=redelivered)
        key = f"refused:{message_id}"  # of its own, so that no other task is taken for it
        nothing = cls(owner, _nothing, (), {}, key, datetime.now(UTC), 1)
        nothing.refused = nothing._acked = True
        return nothing

    @classmethod
    def _read(
        cls, owner: Docket, message: Mapping[bytes, bytes], message_id: Any, *, redelivered: bool
    ) -> Self | None:
        try:
            key, function, when, attempt = (
                message[name].decode() for name in (b"key", b"function", b"when", b"attempt")
            )
            place = (owner.name, key, function, when, attempt)
            # What has no seal was pickled: by the release before, or by somebody else.
            text = owner.seals.verified(message[b"args"], _KIND, *place)
            return None if text is None else cls(
                docket=owner,
                function=owner.tasks[function],
                args=tuple(json.loads(text)),
                kwargs={},
                key=key,
                when=datetime.fromisoformat(when),
                attempt=int(attempt),
                redelivered=redelivered,
                function_name=function,
                generation=int(message.get(b"generation", b"0")),
                message_id=message_id,
            )  # fmt: skip
        except (KeyError, ValueError):
            return None

    def _apply_runs_data(self, data: Mapping[bytes, bytes]) -> None:
        try:
            super()._apply_runs_data(data)
        except ValueError:
            _ours(self.docket).seals.refuse("task's state", self.key)  # which only docket shows


class Worker(docket.Worker):
    """A worker that nothing in Redis can stop, and that holds its tasks to their end."""

    def hand_on(self) -> None:
        """Begin nothing more and break off what is under way: other workers get it, later."""
        self._worker_stopping.set()
        if self._processing_session is not None:
            self._processing_session.stopping.set()  # or docket would take the tasks for done
        for task in self._tasks_by_key.values():
            task.cancel()

    async def _renew_leases(
        self, redis: Any, active_messages: dict["asyncio.Task[None]", Any]
    ) -> None:
        """Docket's own ends as soon as the worker stops, which finishes what is under way."""
        await super()._renew_leases(redis, active_messages)
        while under_way := {task: m for task, m in active_messages.items() if not task.done()}:
            await renew_leases(
                redis,
                stream_key=self.docket.stream_key,
                group_name=self.docket.worker_group_name,
                consumer_name=self.name,
                message_ids=list(under_way.values()),
            )
            seconds = self.redelivery_timeout.total_seconds() / 4
            await asyncio.wait(under_way, timeout=seconds)

    async def _execute(self, execution: Execution, session: Any) -> None:
        if isinstance(execution, _Task) and execution.refused:
            return
        try:
            await super()._execute(execution, session)
        except ResponseError:
            # Docket's keys of this task hold something else. Without them its message is taken for
            # an old one, and the sweep queues again what is still to be done.
            _ours(self.docket).seals.refuse("task's state", execution.key)
            execution._acked = True  # noqa: SLF001 - or docket would write there once more
            async with self.docket.redis() as redis:
                await redis.delete(*(self.docket.key(f"{n}:{execution.key}") for n in _STATE))

    async def _scheduler_loop(self, redis: Any) -> None:
        """Docket's loop that moves tasks that are due, with a script that no bad entry can stop."""
        assert self._processing_session is not None
        stopping = self._processing_session.stopping
        owner = _ours(self.docket)
        move_due = redis.register_script(scripts.MOVE_DUE)
        keys = [owner.queue_key, owner.stream_key]
        while not stopping.is_set():
            try:
                now = datetime.now(UTC).timestamp()
                for key in await move_due(keys, [now, owner.prefix, _MOVED_AT_ONCE]):
                    owner.refuse(key)
            except RedisError:
                _log.warning("what is due waits: Redis does not answer as it should")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.scheduling_resolution.total_seconds()):
                    await stopping.wait()

    async def _handle_cancellation(self, message: Any) -> None:
        """Does nothing: this service never cancels a task by docket."""


class _NoStrikes(StrikeList):
    """Docket's list of forbidden tasks, always empty: records alone end predictions."""

    def __init__(self, url: str | None = None, name: str = "", **_: Any) -> None:  # noqa: ARG002
        super().__init__(None, name)


class _Json:
    """Replaces cloudpickle: code that still reads with it gets data only."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        return json.dumps(value).encode()

    @staticmethod
    def loads(data: bytes) -> Any:
        return json.loads(data)


async def _nothing() -> None:
    """The task of a message that was refused."""


def _ours(owner: docket.Docket) -> Docket:
    assert isinstance(owner, Docket)
    return owner


def _replace() -> None:
    for module in (docket.docket, docket.worker):
        vars(module)["Execution"] = _Task
    vars(docket.docket)["StrikeList"] = _NoStrikes
    for module in (docket.execution, docket.worker, docket.strikelist):
        vars(module)["cloudpickle"] = _Json


_replace()
