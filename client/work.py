"""One recording from its file to its results."""

import asyncio
import enum
import re
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from client import journal, media, outputs
from client.api import Api, Json
from client.failures import Unusable, shown
from client.finding import Found
from client.journal import Journal
from client.media import Media, Track
from client.outputs import Destination
from client.parcel import Counted, Parcel, packed
from client.server import Refusal
from client.wishes import Wishes

FIRST_LOOK, LONGEST_LOOK = 0.2, 2.0  # seconds between two looks at a transcription
LOSSES = 3  # how often a server may lose a transcription before we give it up
_PERCENT = re.compile(r"^\s*(\d{1,3})%\s*\|", re.MULTILINE)


class State(enum.StrEnum):
    """How it ended."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a recording."""

    found: Found
    state: State
    detail: str = ""
    id: str | None = None
    files: tuple[Path, ...] = ()
    record: Json = field(default_factory=dict)


class Bar(Protocol):
    """Shows how far a recording is."""

    def __call__(self, doing: str, share: float | None = None) -> None:
        """``share`` is between 0 and 1; None where it is unknown."""


class Worker:
    """Transcribes recordings through one service, as the wishes say."""

    def __init__(self, api: Api, wishes: Wishes, memory: Journal, *, to_stdout: bool) -> None:
        self._api: Final = api
        self._wishes: Final = wishes
        self._journal: Final = memory
        self._to_stdout: Final = to_stdout
        self.running: Final[set[str]] = set()
        """Ids of what was sent and has not ended."""
        self.stop: Final = threading.Event()

    async def transcribe(self, found: Found, bar: Bar) -> Result:
        """Everything for one recording. Raises Failure or Refusal for what ends the program."""
        try:
            return await self._transcribe(found, bar)
        except media.NoAudio as error:
            state = State.FAILED if found.certain else State.SKIPPED
            return Result(found, state, str(error))
        except Unusable as error:
            return Result(found, State.FAILED, str(error))
        except OSError as error:
            return Result(found, State.FAILED, error.strerror or str(error))
        except Refusal as said:
            if not said.blames_the_recording:
                raise
            return Result(found, State.FAILED, said.reason)

    async def _transcribe(self, found: Found, bar: Bar) -> Result:
        bar("reading")
        holds: tuple[Media, Track | None] | None = None
        place, spoken = Destination(found.folder, found.stem), self._wishes.language
        if found.path is not None:
            holds = await asyncio.to_thread(self._look, found.path)
            place = Destination(found.folder, found.stem, tagged=holds[0].video)
            spoken = spoken or (holds[1].language if holds[1] else None)
        if there := self._there(found, place, self._wishes.written(spoken)):
            return Result(found, State.SKIPPED, f"{shown(there)} is there already")
        if not self._to_stdout:
            outputs.prepare(place.folder)
        with tempfile.TemporaryDirectory(
            prefix="whisperx-stack-", ignore_cleanup_errors=True
        ) as folder:
            parcel = await asyncio.to_thread(
                packed, found, holds, self._wishes, Path(folder), self.stop
            )
            record = await self._ended(parcel, bar)
        if record["status"] != "succeeded":
            reason = record["error"] or "somebody canceled it on the server"
            return Result(found, State.FAILED, shown(reason), parcel.id, record=record)
        bar("writing", 1.0)
        return await self._finished(found, place, parcel.id, record)

    def _look(self, path: Path) -> tuple[Media, Track | None]:
        found = media.look(path)
        return found, found.choose(self._wishes.track, self._wishes.language)

    def _there(self, found: Found, place: Destination, wanted: str | None) -> Path | None:
        """A result that makes the work needless, where all formats have one."""
        if self._to_stdout or self._wishes.replace:
            return None
        there = [place.existing(kind, wanted) for kind in self._wishes.formats]
        if there and all(there):
            return there[0]
        done = self._journal.results(journal.key(found, self._wishes)) if found.path else []
        return Path(done[0]) if done else None

    async def _ended(self, parcel: Parcel, bar: Bar) -> Json:
        """The transcription once it has ended, begun anew where the server lost it."""
        self.running.add(parcel.id)
        try:
            fresh = self._wishes.replace
            for _ in range(LOSSES):
                record = await self._followed(parcel, bar, fresh=fresh)
                if record is not None:
                    self.running.discard(parcel.id)
                    return record
                fresh = False
            raise Unusable(f"the server lost it {LOSSES} times")
        except (Refusal, Unusable, OSError):
            self.running.discard(parcel.id)
            raise

    async def _followed(self, parcel: Parcel, bar: Bar, *, fresh: bool) -> Json | None:
        """The same; None where the server does not know it any more."""
        record: Json | None = await self._begun(parcel, bar, fresh=fresh)
        pause = FIRST_LOOK
        while record is not None and record["completed_at"] is None:
            bar(*_progress(record))
            await asyncio.sleep(pause)
            pause = min(1.3 * pause, LONGEST_LOOK)
            record = await self._api.find(parcel.id)
        return record

    async def _begun(self, parcel: Parcel, bar: Bar, *, fresh: bool) -> Json:
        """The transcription, joined where the server has it and it did not fail."""
        record = await self._api.find(parcel.id)
        if record is not None and record["completed_at"] is not None:
            fresh = fresh or record["status"] != "succeeded"
        elif record is not None:
            fresh = False
        if record is not None and not fresh:
            return record
        if record is not None:
            await self._api.delete(parcel.id)
        if parcel.file is None:
            return await self._api.create(parcel.id, parcel.inputs)
        with Counted(parcel.file, lambda share: bar("sending", share)) as file:
            return await self._api.create_from_file(parcel.id, file, parcel.name, parcel.inputs)

    async def _finished(
        self, found: Found, place: Destination, prediction: str, record: Json
    ) -> Result:
        """Fetch and write the results."""
        written, kept = [], []
        language = self._wishes.written(record["output"]["detected_language"])
        for kind in self._wishes.formats:
            path = place.path(kind, language)
            if self._to_stdout:
                sys.stdout.buffer.write(await self._api.output(prediction, kind))
                sys.stdout.buffer.flush()
                continue
            there = None if self._wishes.replace else place.existing(kind, language)
            content = b"" if there else await self._api.output(prediction, kind)
            if there or not outputs.write(path, content, replace=self._wishes.replace):
                kept.append(there or path)
            else:
                written.append(path)
        if found.path is not None and not self._to_stdout:
            self._journal.note(journal.key(found, self._wishes), [*written, *kept])
        if self._wishes.forget:
            await self._api.delete(prediction)
        detail = "".join(f"{shown(path)} was there and is kept" for path in kept[:1])
        return Result(found, State.DONE, detail, prediction, tuple(written), record)


def _progress(record: Json) -> tuple[str, float | None]:
    """What the service is doing, and how much of it is done."""
    if record["status"] == "starting":
        ahead = record["metrics"].get("queue_position")
        return (f"waiting, {ahead} ahead" if ahead else "waiting"), None
    found = _PERCENT.findall(record["logs"])
    return "transcribing", int(found[-1]) / 100 if found else 0.0
