"""How many requests the bridge answers, and how fast, beside raw Cog and beside the floor.

The floor is `floor_server`: aiohttp and Redis and nothing else. The load comes from ``wrk`` and
``hey`` (packages of most distributions), because a generator in Python would be slower than what it
measures. Everything runs on this machine, in one run: the generator takes its share of it.
"""

import asyncio
import csv
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from redis.asyncio import Redis

from benchmarks import recordings
from stack.client import Client
from stack.services import services
from stack.settings import ROOT, StackSettings, free_port
from stack.supervisor import Supervisor

CLIENTS = (1, 50, 200)
SECONDS = 8
OFFERED = 1000  # requests per second, of 200 clients together
_PREDICTOR = "benchmarks/null_predictor.py:Predictor"
_LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)$", re.MULTILINE)
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
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {share: float(value) * _UNITS[unit] for share, value, unit in _LATENCY.findall(told)}
    rate = _RATE.search(told)
    errors = " ".join(re.findall(r"(?:Non-2xx.*|Socket errors.*)", told))
    none = float("nan")
    per_second = float(rate[1]) if rate else 0.0
    return Rate(per_second, found.get("50", none), found.get("99", none), errors)


def offered(url: str, header: str) -> Rate:
    """Ask for ``url`` `OFFERED` times per second from 200 connections, for `SECONDS` seconds."""
    each = OFFERED // 200
    command = ["hey", "-z", f"{SECONDS}s", "-c", "200", "-q", str(each), "-o", "csv", "-H", header]
    told = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    rows = list(csv.DictReader(told.splitlines()))
    seconds = sorted(float(row["response-time"]) for row in rows)
    failed = sum(row["status-code"] != "200" for row in rows)
    shares = statistics.quantiles(seconds, n=100)
    errors = f"{failed} failed" if failed else ""
    return Rate(len(rows) / SECONDS, 1e3 * shares[49], 1e3 * shares[98], errors)


async def run() -> list[tuple[str, int, Rate]]:
    """(what, clients, rate) for GET of the floor and the bridge, POST of raw Cog and the bridge."""
    if shutil.which("wrk") is None or shutil.which("hey") is None:
        sys.exit("this benchmark needs wrk and hey: apt-get install wrk hey")
    with tempfile.TemporaryDirectory() as folder:
        environ = {
            **os.environ,
            "STATE_DIR": folder,
            "COG_PREDICT_TYPE_STUB": _PREDICTOR,
            "MODELS": "demo",
            "QUEUE_LIMIT": "1000000",
        }
        settings = StackSettings.from_env(environ, free_ports=True)
        supervisor = Supervisor(services(settings), Path(folder, "log"), print)
        async with supervisor.running(), aiohttp.ClientSession() as session:
            await supervisor.ready()
            uri = _data_uri(recordings.write(Path(folder, "a.wav"), 0.5))
            client = Client(session, settings.url, settings.bridge_token)
            created = await client.create({"input": {"audio_file": uri}}, Prefer="wait")
            found = await _gets(settings, created)
            script = Path(folder, "post.lua")
            body = json.dumps({"input": {"audio_file": uri}})
            script.write_text(_post(body, settings.bridge_token))
            return [*found, *await _posts(settings, script)]


async def _gets(settings: StackSettings, created: dict[str, object]) -> list[tuple[str, int, Rate]]:
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
        rate = await asyncio.to_thread(offered, bridge, token)
        found.append((f"GET, the bridge, offered {OFFERED}/s", 200, rate))
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


def _data_uri(recording: Path) -> str:
    return f"data:audio/wav;base64,{b64encode(recording.read_bytes()).decode()}"


if __name__ == "__main__":
    print(table(asyncio.run(run())))
