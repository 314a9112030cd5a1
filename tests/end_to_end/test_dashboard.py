"""A Prometheus that scrapes a running stack answers every query of the dashboard."""

import asyncio
import json
import shutil
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from benchmarks.fault_stack import receiving
from stack.client import Client
from stack.settings import ROOT, free_port
from tests.conftest import RunningStack
from tests.manifests.test_monitoring import queries

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ELSEWHERE = "DCGM_"  # NVIDIA's exporter gives these, where there is a GPU


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[str]:
    """A server that looks at ``target`` every second; its address."""
    beside = ROOT / ".venv-manifests/bin/prometheus"
    program = str(beside) if beside.exists() else shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed: make install-manifests")
    job = {"job_name": "whisperx", "static_configs": [{"targets": [target]}]}
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            program,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={address}",
            "--log.level=error",
        ],
        cwd=folder,
    )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)


async def answers(session: aiohttp.ClientSession, url: str, query: str) -> list[Any]:
    """What the server has for a query now; nothing while it starts."""
    try:
        async with session.get(f"{url}/api/v1/query", params={"query": query}) as response:
            body = await response.json()
    except aiohttp.ClientError:
        return []
    assert body["status"] == "success", (query, body)
    return list(body["data"]["result"])


async def test_every_query_of_the_dashboard_answers(
    stack: RunningStack, session: aiohttp.ClientSession, client: Client,
    short_recording: Path, tmp_path: Path,
) -> None:  # fmt: skip
    target = stack.metrics_url.removeprefix("http://").removesuffix("/metrics")
    with prometheus(tmp_path, target) as url:
        async with asyncio.timeout(60):
            while not await answers(session, url, "whisperx_redis_up"):
                await asyncio.sleep(0.1)
        async with receiving() as receiver:
            uri = f"data:audio/wav;base64,{b64encode(short_recording.read_bytes()).decode()}"
            webhook = {"webhook": receiver.url, "webhook_events_filter": ["completed"]}
            created = await client.create({"input": {"audio_file": uri}, **webhook})
            ended = await client.finish(created["id"])
            assert ended["status"] == "succeeded", json.dumps(ended)
            waiting = [query for query in queries() if ELSEWHERE not in query]
            deadline = time.monotonic() + 60
            while waiting and time.monotonic() < deadline:
                waiting = [q for q in waiting if not await answers(session, url, q)]
                await asyncio.sleep(0.5)
    assert waiting == []
