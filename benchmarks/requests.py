"""Many short recordings at once through the whole stack, beside the stack of another tree.

``python -m benchmarks.requests --beside PATH`` starts the stacks of this tree and of ``PATH`` on
the same models. Clients send people's clips of 1 to 8 s, each the next one when its answer is
there. The trees take turns round by round: first without a language, then with the clip's own. Of
a quiet machine requests per second are printed, of a busy one the ratio.
"""

import argparse
import asyncio
import base64
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from evaluation.people import CORPUS, Clip, clips
from stack.client import Client
from stack.settings import ROOT, free_port, python_path
from transcription.audio import decode, seconds

SHORTEST, LONGEST = 1.0, 8.0  # seconds
START_SECONDS = 300.0  # models may have to be fetched first
TOKEN, SECRET = "a-token-for-benchmarks", "a-secret-for-benchmarks"


@dataclass(slots=True)
class Load:
    """What one tree did with one kind of request. ``heard`` maps clips to detected languages."""

    latencies: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    heard: dict[str, str] = field(default_factory=dict)

    @property
    def p95(self) -> float:
        """Seconds that 95 of 100 requests took at most."""
        return statistics.quantiles(self.latencies, n=20)[-1]


@contextlib.asynccontextmanager
async def stack_of(tree: Path, models: str, slots: int | None) -> AsyncIterator[str]:
    """The address of a stack of ``tree`` while the block runs."""
    port = free_port()
    given = {} if slots is None else {"COG_SLOTS": str(slots)}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "stack.log")
        environ = {
            **os.environ,
            **given,
            "PATH": python_path(),
            "PYTHONPATH": str(tree),
            "STATE_DIR": folder,
            "MODELS": models,
            "BRIDGE_TOKEN": TOKEN,
            "WEBHOOK_SECRET": SECRET,
            "BRIDGE_PORT": str(port),
            "COG_PORT": str(free_port()),
        }
        with log.open("wb") as output:
            command = [sys.executable, "-m", "stack"]
            process = subprocess.Popen(  # noqa: ASYNC220 - it only begins here
                command, cwd=tree, stdout=output, stderr=subprocess.STDOUT, env=environ
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                while "ready:" not in log.read_text(errors="replace"):
                    if process.poll() is not None:
                        sys.exit(f"the stack of {tree.name} ended: {log.read_text()[-2000:]}")
                    await asyncio.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 60)


async def load(
    url: str, work: Sequence[Clip], clients: int, found: Load, *, language: bool
) -> None:
    """All of ``work`` through one stack, from ``clients`` clients at once."""
    waiting = iter(work)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        api = Client(session, url, TOKEN)

        async def client() -> None:
            for clip in waiting:
                data = base64.b64encode(clip.audio.read_bytes()).decode()
                inputs = {"audio_file": f"data:audio/ogg;base64,{data}"}
                if language:
                    inputs["language"] = clip.language
                began = time.monotonic()
                created = await api.create({"input": inputs}, Prefer="wait=60")
                ended = await api.finish(created["id"])
                found.latencies.append(time.monotonic() - began)
                if ended["status"] != "succeeded":
                    sys.exit(f"{clip.name}: {ended['error']}")
                found.heard[clip.name] = ended["output"]["detected_language"]

        began = time.monotonic()
        await asyncio.gather(*(client() for _ in range(clients)))
        found.rates.append(len(work) / (time.monotonic() - began))


async def run(arguments: argparse.Namespace) -> dict[tuple[str, bool], Load]:
    """What each tree did, without and with the language."""
    trees = {"this tree": ROOT}
    if arguments.beside:
        trees["the other"] = arguments.beside.resolve()
    usable = [c for c in clips(arguments.corpus) if SHORTEST <= length(c) <= LONGEST and c.text]
    work = (usable * arguments.requests)[: arguments.requests]
    found = {(name, given): Load() for given in (False, True) for name in trees}
    async with contextlib.AsyncExitStack() as entered:
        urls = {
            name: await entered.enter_async_context(
                stack_of(tree, arguments.models, arguments.slots if tree == ROOT else None)
            )
            for name, tree in trees.items()
        }
        for url in urls.values():
            await load(url, work[:2], 1, Load(), language=False)
        for _ in range(arguments.rounds):
            for (name, given), timed in found.items():
                await load(urls[name], work, arguments.clients, timed, language=given)
    return found


def length(clip: Clip) -> float:
    """Seconds of its recording."""
    return seconds(decode(clip.audio))


def table(found: dict[tuple[str, bool], Load]) -> str:
    """The result in Markdown."""
    lines = ["| tree | language | requests/s | median | p95 | same language |", "|" + " --- |" * 6]
    for (name, given), timed in found.items():
        first = next(iter(found.values())).heard
        same = [timed.heard[clip] == language for clip, language in first.items()]
        lines.append(
            f"| {name} | {'given' if given else 'detected'} | {statistics.median(timed.rates):.2f} "
            f"| {statistics.median(timed.latencies):.1f} s | {timed.p95:.1f} s "
            f"| {'' if given else f'{sum(same)} of {len(same)}'} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.requests", description=__doc__)
    parser.add_argument("--beside", type=Path, help="another tree of this project")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=96, help="in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", default="base")
    parser.add_argument("--slots", type=int, help="COG_SLOTS of this tree")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folder with clips.toml")
    print(table(asyncio.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
