"""What the bridge's memory does: over thousands of predictions, and during one large upload."""

import asyncio
import os
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from benchmarks import recordings
from stack.client import Client
from stack.services import services
from stack.settings import StackSettings
from stack.supervisor import Supervisor

PREDICTIONS = 10_000
AT_ONCE = 8
UPLOAD_BYTES = 500_000_000
_PREDICTOR = "benchmarks/null_predictor.py:Predictor"


async def run(predictions: int = PREDICTIONS) -> list[tuple[str, float]]:
    """(moment, resident megabytes of the bridge)."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {
            **os.environ,
            "STATE_DIR": folder,
            "COG_PREDICT_TYPE_STUB": _PREDICTOR,
            "MODELS": "demo",
        }
        settings = StackSettings.from_env(environ, free_ports=True)
        supervisor = Supervisor(services(settings), Path(folder, "log"), print)
        async with supervisor.running(), aiohttp.ClientSession() as session:
            await supervisor.ready()
            process = supervisor.members["bridge"].process
            assert process is not None
            client = Client(session, settings.url, settings.bridge_token)
            found = await _predictions(client, process.pid, folder, predictions)
            return [*found, *await _upload(session, settings, process.pid, folder)]


async def _predictions(
    client: Client, pid: int, folder: str, predictions: int
) -> list[tuple[str, float]]:
    recording = recordings.write(Path(folder, "a.wav"), 0.5)
    uri = f"data:audio/wav;base64,{b64encode(recording.read_bytes()).decode()}"
    found = [("at the start", _megabytes(pid))]
    for share in range(1, 11):
        turns = iter(range(predictions // 10))  # shared by all who work
        await asyncio.gather(*(_work(client, uri, turns) for _ in range(AT_ONCE)))
        found.append((f"after {share * predictions // 10} predictions", _megabytes(pid)))
    return found


async def _work(client: Client, uri: str, turns: Iterator[int]) -> None:
    for _ in turns:
        await client.create({"input": {"audio_file": uri}}, Prefer="wait")


async def _upload(
    session: aiohttp.ClientSession, settings: StackSettings, pid: int, folder: str
) -> list[tuple[str, float]]:
    large = Path(folder, "large")
    with large.open("wb") as file:
        file.truncate(UPLOAD_BYTES)
    highest = before = _megabytes(pid)
    form = aiohttp.FormData()
    with large.open("rb") as file:
        form.add_field("content", file, filename="large.wav")
        headers = {"Authorization": f"Bearer {settings.bridge_token}"}
        task = asyncio.ensure_future(
            session.post(f"{settings.url}/v1/files", data=form, headers=headers)
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
