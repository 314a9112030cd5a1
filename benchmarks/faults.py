"""What is lost when something dies: faults under load, and one table of what came of them.

A client goes on sending predictions and remembers every one that was promised to it (answered
201). In the middle something is killed, stopped or frozen. Afterwards every promise has to have
come to one end that its receiver got, of no two ends, and nothing that had ended may
have changed.

The predictor is the timed one of the tests: the real Cog server runs it, but what it does takes a
chosen time and no models.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from redis.asyncio import Redis

from benchmarks.fault_stack import RUN_LIMIT, FaultStack, fault_stack
from stack.client import ApiError

BEFORE, AFTER = 3.0, 4.0  # seconds of load on either side of the fault
SETTLE_SECONDS = 120.0
_WISH = "logs=3"  # a run of 0.3 s
_PACE = 0.5  # seconds between two requests: less load than the one slot can carry


@dataclass(frozen=True, slots=True)
class Result:
    """What a fault did. ``recovery`` is seconds until the first completion afterwards."""

    fault: str
    promised: int
    succeeded: int
    failed: int
    lost: int
    stuck: int
    changed: int
    twice: int
    left_over: int
    recovery: float

    @property
    def clean(self) -> bool:
        """Whether every promise was kept exactly once."""
        return not (self.lost or self.stuck or self.changed or self.twice or self.left_over)


@dataclass(slots=True)
class Load:
    """A client under way: its promises, and what it saw of them."""

    stack: FaultStack
    promised: dict[str, float] = field(default_factory=dict)
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    async def send(self, seconds: float) -> None:
        """Keep sending; a refusal or a broken connection is no promise."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            body = {
                "input": {"audio_file": self.stack.running.uri, "initial_prompt": _WISH},
                "webhook": self.stack.receiver.url,
                "webhook_events_filter": ["completed"],
            }
            with contextlib.suppress(ApiError, aiohttp.ClientError, TimeoutError, ValueError):
                created = await self.stack.client.create(body)
                self.promised[created["id"]] = time.monotonic()
            await self.look()
            await asyncio.sleep(_PACE)

    async def look(self) -> None:
        """See what has ended, and whether anything that had ended has changed."""
        for prediction_id in list(self.promised):
            try:
                found = await self.stack.client.get(prediction_id)
            except (ApiError, aiohttp.ClientError, TimeoutError, ValueError):
                continue
            if prediction_id in self.ended:
                if found != self.ended[prediction_id]:
                    self.changed.add(prediction_id)
            elif found["completed_at"] is not None:
                self.ended[prediction_id] = found

    async def settle(self) -> None:
        """Wait until every promise has ended and nothing is left in the queue, with patience."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            await self.look()
            delivered = self.stack.receiver.received.keys() >= self.promised.keys()
            ended = len(self.ended) == len(self.promised)
            if delivered and ended and not await _left_over(self.stack):
                break
            await asyncio.sleep(0.2)
        await self.look()


Fault = Callable[[FaultStack], Awaitable[None]]


def _kill(service: str, number: signal.Signals) -> Fault:
    async def fault(stack: FaultStack) -> None:
        stack.signal(service, number)

    return fault


async def _kill_worker(stack: FaultStack) -> None:
    os.kill(stack.worker(), signal.SIGKILL)


async def _freeze_worker(stack: FaultStack) -> None:
    """A hang, not a death: nothing answers, nothing ends."""
    worker = stack.worker()
    os.kill(worker, signal.SIGSTOP)
    await asyncio.sleep(RUN_LIMIT + 2)


async def _freeze_cog(stack: FaultStack) -> None:
    stack.signal("cog", signal.SIGSTOP)
    process = stack.running.supervisor.members["cog"].process
    await asyncio.sleep(RUN_LIMIT + 2)
    assert process is not None
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGCONT)


async def _reset_clients(stack: FaultStack) -> None:
    """Connections that break right after their request was sent."""
    for _ in range(5):
        with contextlib.suppress(TimeoutError, aiohttp.ClientError):
            body = {"input": {"audio_file": stack.running.uri, "initial_prompt": _WISH}}
            async with asyncio.timeout(0.005):
                await stack.client.create(body)


FAULTS: dict[str, Fault] = {
    "bridge: kill -9": _kill("bridge", signal.SIGKILL),
    "bridge: SIGTERM": _kill("bridge", signal.SIGTERM),
    "Cog's server: kill -9": _kill("cog", signal.SIGKILL),
    "Cog's server: SIGTERM": _kill("cog", signal.SIGTERM),
    "Cog's worker: kill -9": _kill_worker,
    "Cog's worker: SIGSTOP": _freeze_worker,
    "Cog's server: SIGSTOP": _freeze_cog,
    "Redis: kill -9": _kill("redis", signal.SIGKILL),
    "Redis: SIGTERM": _kill("redis", signal.SIGTERM),
    "client connections: reset": _reset_clients,
}


async def suffer(name: str, fault: Fault) -> Result:
    """Load, the fault in its middle, and the reckoning."""
    async with fault_stack() as stack:
        load = Load(stack)
        await load.send(BEFORE)
        struck = datetime.now(UTC)
        after = asyncio.create_task(load.send(AFTER))
        await fault(stack)
        await after
        await load.settle()
        return await _reckon(name, stack, load, struck)


async def _reckon(name: str, stack: FaultStack, load: Load, struck: datetime) -> Result:
    statuses = [found["status"] for found in load.ended.values()]
    received = stack.receiver.received
    missing = load.promised.keys() - (load.ended.keys() & received.keys())
    lost = sum([await _is_gone(stack, prediction_id) for prediction_id in missing])
    completions = [datetime.fromisoformat(found["completed_at"]) for found in load.ended.values()]
    waits = [(moment - struck).total_seconds() for moment in completions if moment > struck]
    return Result(
        fault=name,
        promised=len(load.promised),
        succeeded=statuses.count("succeeded"),
        failed=statuses.count("failed"),
        lost=lost,
        stuck=len(missing) - lost,
        changed=len(load.changed),
        twice=sum(len(said) > 1 for said in received.values()),
        left_over=await _left_over(stack),
        recovery=min(waits, default=float("nan")),
    )


async def _is_gone(stack: FaultStack, prediction_id: str) -> bool:
    try:
        await stack.client.get(prediction_id)
    except ApiError:
        return True
    return False


async def _left_over(stack: FaultStack) -> int:
    """Predictions that are still in the queue, promised or not."""
    redis = Redis.from_url(stack.running.settings.redis_url)
    try:
        return int(await redis.zcard("predictions:unfinished"))
    finally:
        await redis.aclose()


def table(results: list[Result]) -> str:
    """The results as a Markdown table."""
    head = [
        "fault",
        "promised",
        "succeeded",
        "failed",
        "lost",
        "stuck",
        "changed",
        "ended twice",
        "left over",
        "recovery",
    ]
    rows = [
        [
            result.fault,
            *(
                str(number)
                for number in (
                    result.promised, result.succeeded, result.failed, result.lost,
                    result.stuck, result.changed, result.twice, result.left_over,
                )
            ),
            f"{result.recovery:.1f} s",
        ]
        for result in results
    ]  # fmt: skip
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


async def run() -> list[Result]:
    """Every fault, each on a stack of its own."""
    return [await suffer(name, fault) for name, fault in FAULTS.items()]


if __name__ == "__main__":
    print(table(asyncio.run(run())))
