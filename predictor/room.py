"""How much may be under way at once: what recordings take of the memory is bounded together.

Decoded, one of the longest that is allowed takes 1.4 GB. As many seconds as that may be under way,
in one recording or in several; what does not fit waits before it is decoded.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from transcription.contradictions import SEPARATE
from transcription.errors import TranscriptionError
from transcription.options import AUDIO_NAMES, TRACK

PASSES = 8  # how many may go before one that waits for more room than they
_LEAST = 500  # bytes a second: 4 kbit/s, less than codecs for speech usually take
_SMALL = 16  # of what takes no more than this part of the room, nobody has to know more
_WAITS = "Waiting until the recordings under way leave room for this one."


class Look(Protocol):
    """Seconds of samples in a recording's track, None where it does not tell; may block."""

    def __call__(self, source: Path, track: str | None, *, apart: bool) -> float | None: ...


@dataclass(slots=True, eq=False)
class _Waiting:
    seconds: float
    passed: int = 0
    admitted: asyncio.Event = field(default_factory=asyncio.Event)


class Room:
    """Lets runs in, in the order in which they come; one that is alone always."""

    def __init__(self, seconds: float, look: Look) -> None:
        """For ``seconds`` of recordings."""
        self._most: Final = seconds
        self._look: Final = look
        self._under_way: Final[list[_Waiting]] = []
        self._waiting: Final[list[_Waiting]] = []

    @asynccontextmanager
    async def taken(self, inputs: Mapping[str, Any]) -> AsyncIterator[None]:
        """Waits for room for the recording among ``inputs``; it has it while the block runs."""
        own = _Waiting(await self._seconds(inputs))
        self._waiting.append(own)
        try:
            self._let_in()
            if not own.admitted.is_set():
                print(_WAITS, flush=True)
            await own.admitted.wait()
            yield
        finally:
            (self._under_way if own.admitted.is_set() else self._waiting).remove(own)
            self._let_in()

    async def _seconds(self, inputs: Mapping[str, Any]) -> float:
        """Not less than it takes, unless its codec says more in fewer bytes than any other."""
        given = (inputs.get(name) for name in AUDIO_NAMES)
        path: Path | None = next((each for each in given if isinstance(each, Path)), None)
        if path is None:
            return 0.0  # refused soon
        try:
            most: float = min(self._most, path.stat().st_size / _LEAST)
            if most <= self._most / _SMALL and self._fits(most):
                return most
            apart = inputs.get("channels") == SEPARATE
            known = await asyncio.to_thread(self._look, path, inputs.get(TRACK), apart=apart)
        except (OSError, TranscriptionError):
            return 0.0  # likewise
        return most if known is None else min(most, known)

    def _fits(self, seconds: float) -> bool:
        taken = sum(each.seconds for each in self._under_way)
        return not self._under_way or taken + seconds <= self._most

    def _let_in(self) -> None:
        for one in tuple(self._waiting):
            ahead = self._waiting[: self._waiting.index(one)]
            if any(other.passed >= PASSES for other in ahead):
                return
            if self._fits(one.seconds):
                for other in ahead:
                    other.passed += 1
                self._waiting.remove(one)
                self._under_way.append(one)
                one.admitted.set()
