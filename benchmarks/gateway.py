"""What the bridge adds to a request: its answers' times beside raw Cog's, same predictor, same run.

The predictor does nothing (`null_predictor`), so the difference is the gateway: authentication,
validation, probing the recording, record, queue, webhook. Raw Cog gets the recording as the bridge
gives it: as a loopback URL.
"""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from aiohttp import web

from evaluation.serving import serving
from stack.running import Running, running

ROUNDS = 300
QUEUED = 60
IDLE = "bridge: slot idle between two queued predictions"


async def measure(rounds: int = ROUNDS, queued: int = QUEUED) -> dict[str, list[float]]:
    """Seconds per request, by what was asked, and seconds that the slot stood idle in between."""
    async with running(seconds=1) as stack, _serving(stack.recording) as url:
        found = await _rounds(stack, url, rounds)
        return {**found, IDLE: await _idle(stack, queued)}


@contextlib.asynccontextmanager
async def _serving(recording: Path) -> AsyncIterator[str]:
    """A loopback URL of the recording while the block runs."""

    async def answer(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(recording)

    app = web.Application()
    app.router.add_get("/recording", answer)
    async with serving(app) as url:
        yield f"{url}/recording"


async def _idle(stack: Running, queued: int) -> list[float]:
    """Seconds from the end of each run to the beginning of the next, while others wait."""
    asked = {"input": {"audio_file": stack.uri}}
    created = [await stack.client.create(asked) for _ in range(queued)]
    ended = [(await stack.client.finish(each["id"]))["metrics"] for each in created]
    runs = sorted((metrics["began"], metrics["ended"]) for metrics in ended)
    return [following[0] - run[1] for run, following in pairwise(runs)]


async def _rounds(stack: Running, url: str, rounds: int) -> dict[str, list[float]]:
    """Raw Cog and the bridge take turns, so that a noisy moment hits both."""
    client = stack.client
    asked = {"input": {"audio_file": stack.uri}}
    found: dict[str, list[float]] = {
        "raw Cog: POST to result": [],
        "bridge: POST to result": [],
        "bridge: POST answered": [],
        "bridge: GET": [],
    }

    async def raw() -> None:
        body = {"input": {"audio_file": url}}
        cog = f"{stack.settings.cog_url}/predictions"
        async with stack.session.post(cog, json=body) as response:
            # The 409 that Cog answers in the milliseconds after a completion is no measurement.
            assert (await response.json())["status"] in ("succeeded", "failed")

    async def to_result() -> None:
        created = await client.create(asked, Prefer="wait")
        assert created["status"] == "succeeded", created["error"]

    for _ in range(rounds):
        await _time(found["raw Cog: POST to result"], raw)
        await asyncio.sleep(0.02)
        await _time(found["bridge: POST to result"], to_result)
        created: list[dict[str, Any]] = []

        async def answered(into: list[dict[str, Any]] = created) -> None:
            into.append(await client.create(asked))

        await _time(found["bridge: POST answered"], answered)
        prediction_id = created[0]["id"]
        await client.finish(prediction_id)
        await _time(found["bridge: GET"], lambda key=prediction_id: client.get(key))  # type: ignore[misc] # a lambda's default
    return found


def table(found: dict[str, list[float]]) -> str:
    """Medians and 99th percentiles as a Markdown table."""
    lines = ["| request | p50 | p99 |", "| --- | --- | --- |"]
    for name, seconds in found.items():
        p99 = statistics.quantiles(seconds, n=100)[98]
        lines.append(f"| {name} | {1e3 * statistics.median(seconds):.1f} ms | {1e3 * p99:.1f} ms |")
    return "\n".join(lines)


async def _time(into: list[float], call: Callable[[], Awaitable[object]]) -> None:
    began = time.perf_counter()
    await call()
    into.append(time.perf_counter() - began)


def report() -> str:
    """The table under its heading."""
    found = asyncio.run(measure())
    return f"The bridge beside raw Cog, {ROUNDS} requests each, one client:\n\n{table(found)}"


if __name__ == "__main__":
    print(report())
