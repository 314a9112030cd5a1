"""How long the bridge takes from its start to its first answer, and the whole stack until ready."""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from stack.running import running
from stack.services import Service, bridge, redis
from stack.settings import PREDICTOR, ROOT, StackSettings
from stack.supervisor import Supervisor

ROUNDS = 7
STACK_ROUNDS = 5
MODELS = ("demo", "base")


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


async def stacks(rounds: int = STACK_ROUNDS) -> dict[str, list[float]]:
    """Seconds until a stack around the real predictor is ready, by its models, which take turns.

    Their files are in the cache: a first start fetches them.
    """
    found: dict[str, list[float]] = {models: [] for models in MODELS}
    for turn in range(rounds + 1):
        for models, seconds in found.items():
            began = time.perf_counter()
            async with running(1.0, PREDICTOR, MODELS=models):
                if turn:
                    seconds.append(time.perf_counter() - began)
    return found


def stack_line(models: str, seconds: list[float]) -> str:
    """The result for one set of models in a sentence."""
    return f"The stack with `{models}` is ready after {_figures(seconds)}."


def line(seconds: list[float]) -> str:
    """The result in a sentence."""
    return f"The bridge answers after {_figures(seconds)}."


def _figures(seconds: list[float]) -> str:
    return (
        f"{statistics.median(seconds):.2f} s (median of {len(seconds)};"
        f" {min(seconds):.2f} to {max(seconds):.2f})"
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
    for models, seconds in asyncio.run(stacks()).items():
        print(stack_line(models, seconds))
