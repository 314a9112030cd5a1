"""The state of this pod's Cog, and what its worker reports of itself."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.cog.client import Cog
from predictor.health import CogState, Health

READY_INTERVAL = 1.0  # seconds between looks at a Cog that is ready
_CHARACTERS = 100  # of a member of an announcement
WAITING_INTERVAL = 0.2  # seconds between looks at one that is not: its start should be seen soon

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the predictor announces about its models and its device."""

    gpu_available: bool
    alignment_languages: frozenset[str]
    diarization_available: bool
    decoder: Mapping[str, str] | None  # how it is confined, and FFmpeg's version

    @property
    def alignment_available(self) -> bool:
        """Whether there is any language whose words can be timed."""
        return bool(self.alignment_languages)

    @classmethod
    def from_body(cls, body: Any) -> "Announcement":
        """Raises TypeError, KeyError when ``body`` is not an announcement."""
        return cls(
            gpu_available=bool(body["gpu_available"]),
            alignment_languages=frozenset(map(str, body["alignment_languages"])),
            diarization_available=bool(body["diarization_available"]),
            decoder={name: str(value)[:_CHARACTERS] for name, value in decoder.items()}
            if (decoder := body.get("decoder"))
            else None,
        )


class Monitor:
    """Polls Cog's health, for all parts of the bridge."""

    def __init__(self, cog: Cog) -> None:
        self._cog = cog
        self._changed = asyncio.Condition()
        self.health = Health(CogState.STARTING, "the bridge has not seen Cog yet")
        self.worker: Announcement | None = None
        self.draining = False  # whether this bridge claims no more work, because it is stopping

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Keeps looking while the block runs."""
        task = asyncio.create_task(self._watch(), name="cog monitor")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def wait(self, *, ready: bool) -> None:
        """Returns when Cog is ready, or (``ready=False``) when it no longer is."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.health.ready is ready)

    async def _watch(self) -> None:
        while True:
            health = await self._cog.health()
            if health.status != self.health.status:
                _log.info(
                    "Cog is %s%s", health.status, f": {health.reason}" if health.reason else ""
                )
            async with self._changed:
                self.health = health
                self._changed.notify_all()
            await asyncio.sleep(READY_INTERVAL if health.ready else WAITING_INTERVAL)
