"""How many requests the bridge answers, and how fast, beside raw Cog and beside the floor.

The floor is `floor_server`: aiohttp and Redis and nothing else. The load comes from ``wrk`` (a
package of most distributions), because a generator in Python would be slower than what it measures.
Everything runs on this machine, in one run: the generator takes its share of it.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis

from stack.running import running
from stack.settings import ROOT, StackSettings, free_port

CLIENTS = (1, 50, 200)
SECONDS = 8
OFFERED = 1000  # requests per second, of 200 clients together
_LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)\s*$", re.MULTILINE)
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per second, and milliseconds that half and 99 of 100 of them took at most."""

    per_second: float
    p50: float
    p99: float
    errors: str


def wrk(url: str, clients: int, *arguments: str) -> Rate:
    """Load ``url`` from ``clients`` connections for `SECONDS` seconds."""
    timing = [f"-d{SECONDS}s", "--timeout", "30s", "--latency"]
    command = ["wrk", "-t1", f"-c{clients}", *timing, *arguments, url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {share: float(value) * _UNITS[unit] for share, value, unit in _LATENCY.findall(output)}
    rate = _RATE.search(output)
    errors = " ".join(re.findall(r"(?:Non-2xx.*|Socket errors.*)", output))
    none = float("nan")
    per_second = float(rate[1]) if rate else 0.0
    return Rate(per_second, found.get("50", none), found.get("99", none), errors)


def offered(url: str, header: str, script: Path) -> Rate:
    """Ask for ``url`` `OFFERED` times per second from 200 connections, for `SECONDS` seconds.

    Each client asks, waits for the answer, and asks again after a pause of random length
    (exponentially distributed, as of people who know nothing of each other).
    """
    script.write_text(
        f"function delay() return -math.log(1 - math.random()) * {1e3 * 200 / OFFERED} end\n"
    )
    return wrk(url, 200, "-s", str(script), "-H", header)


async def run() -> list[tuple[str, int, Rate]]:
    """(what, clients, rate) for GET of the floor and the bridge, POST of raw Cog and the bridge."""
    if shutil.which("wrk") is None:
        sys.exit("this benchmark needs wrk: apt-get install wrk")
    async with running(seconds=0.5, QUEUE_LIMIT="1000000") as stack:
        asked = {"input": {"audio_file": stack.uri}}
        created = await stack.client.create(asked, Prefer="wait")
        found = await _gets(stack.settings, created, stack.folder / "offered.lua")
        script = stack.folder / "post.lua"
        script.write_text(_post(json.dumps(asked), stack.settings.bridge_token))
        return [*found, *await _posts(stack.settings, script)]


async def _gets(
    settings: StackSettings, created: dict[str, object], script: Path
) -> list[tuple[str, int, Rate]]:
    redis = Redis.from_url(settings.redis_url)
    await redis.set("floor", json.dumps(created), ex=3600)
    await redis.aclose()
    port = free_port()
    environ = {**os.environ, "REDIS_URL": settings.redis_url, "PORT": str(port)}
    command = [sys.executable, "-m", "benchmarks.floor_server"]
    process = await asyncio.create_subprocess_exec(*command, env=environ, cwd=ROOT)
    try:
        await asyncio.sleep(2)
        token = f"Authorization: Bearer {settings.bridge_token}"
        found = []
        for clients in CLIENTS:
            floor = f"http://127.0.0.1:{port}/floor"
            bridge = f"{settings.url}/v1/predictions/{created['id']}"
            found.append(("GET, the floor", clients, await asyncio.to_thread(wrk, floor, clients)))
            rate = await asyncio.to_thread(wrk, bridge, clients, "-H", token)
            found.append(("GET, the bridge", clients, rate))
        for name, url in (("the floor", floor), ("the bridge", bridge)):
            rate = await asyncio.to_thread(offered, url, token, script)
            found.append((f"GET, {name}, offered {OFFERED}/s", 200, rate))
        return found
    finally:
        process.terminate()
        await process.wait()


async def _posts(settings: StackSettings, script: Path) -> list[tuple[str, int, Rate]]:
    found = []
    for clients in CLIENTS:
        for name, url in (
            ("POST, raw Cog", f"{settings.cog_url}/predictions"),
            ("POST, the bridge", f"{settings.url}/v1/predictions"),
        ):
            rate = await asyncio.to_thread(wrk, url, clients, "-s", str(script))
            found.append((name, clients, rate))
    return found


def table(found: list[tuple[str, int, Rate]]) -> str:
    """The rates as a Markdown table."""
    lines = [
        "| request | clients | per second | p50 | p99 | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, clients, rate in found:
        lines.append(
            f"| {name} | {clients} | {rate.per_second:.0f} | {rate.p50:.1f} ms"
            f" | {rate.p99:.1f} ms | {rate.errors} |"
        )
    return "\n".join(lines)


def _post(body: str, token: str) -> str:
    """A script for wrk: every request the same POST."""
    return (
        'wrk.method = "POST"\n'
        f"wrk.body = [==[{body}]==]\n"
        'wrk.headers["Content-Type"] = "application/json"\n'
        f'wrk.headers["Authorization"] = "Bearer {token}"\n'
    )


if __name__ == "__main__":
    print(table(asyncio.run(run())))
