"""What Redis decides about requests, by its own clock: MONITOR shows every step of a script."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from redis.asyncio import Redis

from bridge.records import keys
from tests.clients.helpers import eventually

_END = "all was seen"


@dataclass(slots=True)
class Decisions:
    """Times at which requests of a key passed, and at which others were refused."""

    port: int
    key: str
    commands: list[tuple[float, str]] = field(default_factory=list)

    async def wait(self) -> tuple[list[float], list[tuple[float, float]]]:
        """Both, once everything that Redis did until now was seen.

        A refusal is two moments: the script read Redis' clock between them.
        """
        async with aclosing(Redis(port=self.port)) as redis:
            await redis.echo(_END)
        await eventually(lambda: _END in self.commands[-1][1], _END)
        passed: list[float] = []
        refused: list[tuple[float, float]] = []
        began = 0.0
        for moment, command in self.commands:
            name, _, arguments = command.partition(" ")
            if self.key not in arguments:
                continue
            match name.upper():
                case "EVALSHA":
                    began = moment
                case "LLEN":  # by the script: without it Redis did not know the script yet
                    if refused and refused[-1][0] == began:
                        refused.pop()
                    refused.append((began, moment))
                case "LPUSH":  # the script notes a request that passes, and its time
                    passed.append(int(arguments.split()[-1]) / 1e6)
                    refused.pop()
        return passed, refused


@asynccontextmanager
async def decisions(port: int, key_id: str) -> AsyncIterator[Decisions]:
    """Those of the key while the block runs."""
    found = Decisions(port, keys.limit(key_id, "requests"))
    async with aclosing(Redis(port=port)) as redis, redis.monitor() as monitor:

        async def watch() -> None:
            while True:
                shown = await monitor.next_command()
                found.commands.append((shown["time"], shown["command"]))

        watching = asyncio.create_task(watch())
        try:
            yield found
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
