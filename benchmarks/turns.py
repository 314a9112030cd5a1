"""Voice messages that come behind a long recording: ``python -m benchmarks.turns``.

A stack of this tree transcribes people talking on, alone and then with eight clips sent while it is
under way. Told are how soon the clips begin and end, and what the long recording loses by them.
Its loss does not depend on its length, so it is also given as a share of an hour's time.
"""

import argparse
import asyncio
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.requests import TOKEN, length, stack_of
from evaluation.people import CORPUS, Clip, clips
from evaluation.recordings import write_people
from stack.client import Client, progress
from stack.settings import ROOT

CLIPS, LONGEST = 8, 6.0  # how many, and seconds
UNDER_WAY = 20  # percent; by then recognition has begun
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Turns:
    """Seconds: the long recording ``alone`` and ``beside`` clips; clips until they are ``heard``.

    That is when their speech was found and Whisper's turn came, and ``answered`` when all was done.
    """

    alone: float
    beside: float
    heard: tuple[float, ...]
    answered: tuple[float, ...]

    def lost_of_an_hour(self, seconds: float) -> float:
        """The share of an hour's time that is lost, by a recording of ``seconds``."""
        return (self.beside - self.alone) / (self.alone * HOUR / seconds)


async def measure(client: Client, long: Path, behind: list[Clip]) -> Turns:
    """The recording alone, and once more with the clips behind it."""
    created = await client.create_from_file(long)
    alone = await _ended(client, created["id"])
    created = await client.create_from_file(long)
    async for prediction in client.follow(created["id"]):
        if progress(prediction["logs"]) >= UNDER_WAY:
            break
    sent = [await client.create_from_file(clip.audio) for clip in behind]
    records = await asyncio.gather(*(_ended(client, each["id"]) for each in sent))
    beside = await _ended(client, created["id"])
    return Turns(
        _between(alone, "started_at", "completed_at"),
        _between(beside, "started_at", "completed_at"),
        tuple(map(_until_heard, records)),
        tuple(_between(each, "created_at", "completed_at") for each in records),
    )


async def _ended(client: Client, prediction_id: str) -> dict[str, Any]:
    ended = await client.finish(prediction_id)
    assert ended["status"] == "succeeded", ended["error"]
    return ended


def _until_heard(prediction: dict[str, Any]) -> float:
    timing = prediction["metrics"]["timing"]
    before = timing["decode"] + timing["find_speech"]
    return _between(prediction, "created_at", "started_at") + float(before)


def _between(prediction: dict[str, Any], first: str, last: str) -> float:
    moments = (datetime.fromisoformat(prediction[name]) for name in (first, last))
    before, after = moments
    return (after - before).total_seconds()


def short_clips() -> list[Clip]:
    """The clips that are sent behind."""
    short = [clip for clip in clips(CORPUS) if clip.text and 3.0 <= length(clip) <= LONGEST]
    return short[:: len(short) // CLIPS][:CLIPS]


async def run(arguments: argparse.Namespace) -> list[str]:
    """A line for each number of slots."""
    lines = [
        "| COG_SLOTS | alone | with 8 clips | of an hour | clips heard | answered |",
        "|" + " --- |" * 6,
    ]
    seconds = 60.0 * arguments.minutes
    with tempfile.TemporaryDirectory() as folder:
        long = write_people(Path(folder, "long.wav"), seconds)
        for slots in arguments.slots:
            async with (
                stack_of(ROOT, arguments.models, slots) as url,
                aiohttp.ClientSession() as session,
            ):
                client = Client(session, url, TOKEN)
                await _ended(client, (await client.create_from_file(short_clips()[0].audio))["id"])
                found = await measure(client, long, short_clips())
            lines.append(
                f"| {slots} | {found.alone:.1f} s | {found.beside:.1f} s "
                f"| {found.lost_of_an_hour(seconds):+.1%} | within {max(found.heard):.1f} s "
                f"| within {max(found.answered):.1f} s |"
            )
    return lines


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turns", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="the long recording's length")
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 4, 9, 16])
    parser.add_argument("--models", default="base")
    print("\n".join(asyncio.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
