"""What the bridge's memory does: over thousands of predictions, and during one large upload."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from stack.client import Client
from stack.running import Running, running

PREDICTIONS = 10_000
AT_ONCE = 8
UPLOAD_BYTES = 500_000_000


async def run(predictions: int = PREDICTIONS) -> list[tuple[str, float]]:
    """(moment, resident megabytes of the bridge)."""
    async with running(seconds=0.5) as stack:
        pid = stack.pid("bridge")
        return [*await _predictions(stack, pid, predictions), *await _upload(stack, pid)]


async def _predictions(stack: Running, pid: int, predictions: int) -> list[tuple[str, float]]:
    found = [("at the start", _megabytes(pid))]
    for share in range(1, 11):
        turns = iter(range(predictions // 10))  # shared by all who work
        await asyncio.gather(*(_work(stack.client, stack.uri, turns) for _ in range(AT_ONCE)))
        found.append((f"after {share * predictions // 10} predictions", _megabytes(pid)))
    return found


async def _work(client: Client, uri: str, turns: Iterator[int]) -> None:
    for _ in turns:
        await client.create({"input": {"audio_file": uri}}, Prefer="wait")


async def _upload(stack: Running, pid: int) -> list[tuple[str, float]]:
    large, settings = stack.folder / "large", stack.settings
    with large.open("wb") as file:
        file.truncate(UPLOAD_BYTES)
    highest = before = _megabytes(pid)
    form = aiohttp.FormData()
    with large.open("rb") as file:
        form.add_field("content", file, filename="large.wav")
        headers = {"Authorization": f"Bearer {settings.bridge_token}"}
        task = asyncio.ensure_future(
            stack.session.post(f"{settings.url}/v1/files", data=form, headers=headers)
        )
        while not task.done():
            highest = max(highest, _megabytes(pid))
            await asyncio.sleep(0.02)
    (await task).raise_for_status()
    size = f"{UPLOAD_BYTES / 1e6:.0f} MB"
    return [(f"before an upload of {size}", before), ("at its highest meanwhile", highest)]


def _megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def table(found: list[tuple[str, float]]) -> str:
    """The figures as a Markdown table."""
    lines = ["| moment | resident memory of the bridge |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {moment} | {size:.0f} MB |" for moment, size in found)])


if __name__ == "__main__":
    print(table(asyncio.run(run())))
