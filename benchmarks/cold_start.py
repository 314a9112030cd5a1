"""How long the bridge takes from its start to its first answer."""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from stack.services import Service, bridge, redis
from stack.settings import ROOT, StackSettings
from stack.supervisor import Supervisor

ROUNDS = 7


async def measure(rounds: int = ROUNDS) -> list[float]:
    """Seconds from starting the process until ``GET /health`` is answered, Redis being there."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "STATE_DIR": folder}
        settings = StackSettings.from_env(environ, alone=True)
        supervisor = Supervisor([redis(settings)], Path(folder, "log"), print)
        async with supervisor.running(), aiohttp.ClientSession() as session:
            await supervisor.ready()
            service = bridge(settings)
            return [await _once(session, service, settings.url) for _ in range(rounds)]


def line(seconds: list[float]) -> str:
    """The result in a sentence."""
    return (
        f"The bridge answers {statistics.median(seconds):.2f} s after its start"
        f" (median of {len(seconds)}; {min(seconds):.2f} to {max(seconds):.2f})."
    )


async def _once(session: aiohttp.ClientSession, service: Service, url: str) -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", env=dict(service.environ), cwd=ROOT
    )
    try:
        while True:
            try:
                async with session.get(f"{url}/health") as response:
                    await response.read()
                    return time.perf_counter() - began
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.005)
    finally:
        process.terminate()
        await process.wait()


if __name__ == "__main__":
    print(line(asyncio.run(measure())))
