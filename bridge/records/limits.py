"""How much each key has used, counted in Redis for all bridges together.

What a key holds is looked at again before it is refused more: predictions that have ended, and
files that are gone, count no longer. So nothing has to be given back, and nothing can be forgotten.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis

from bridge.records import keys, limit_scripts
from bridge.records.tenants import Key, Limits, Principal

DAY = 86_400  # seconds
# Seconds after which to try again where nobody knows when there will be room.
UNFINISHED_RETRY, BYTES_RETRY = 5, 60
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """A limit, and what is left of it: what the fields RateLimit-Policy and RateLimit tell."""

    name: str
    quota: int
    remaining: int
    seconds: int
    """After which there is more."""

    @property
    def policy(self) -> str:
        """As an item of RateLimit-Policy."""
        more = {
            "requests": ";w=1",
            "unfinished": ';qu="concurrent-requests"',
            "minutes": f";w={DAY}",
            "bytes": ';qu="content-bytes"',
        }
        return f'"{self.name}";q={self.quota}{more[self.name]}'

    @property
    def left(self) -> str:
        """As an item of RateLimit."""
        return f'"{self.name}";r={self.remaining};t={self.seconds}'


class LimitReached(Exception):
    """A key has used as much as it may."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(allowance.name)
        self.allowance: Final = allowance

    @property
    def detail(self) -> str:
        """What the client reads."""
        quota = self.allowance.quota
        return {
            "requests": f"This key may send {quota} requests a second; try again later.",
            "unfinished": f"This key may have {quota} unfinished predictions; try again later.",
            "minutes": f"This key may transcribe {quota} minutes of recordings a day, in UTC.",
            "bytes": f"This key may store {quota} bytes of recordings and files at once.",
        }[self.allowance.name]


@dataclass(frozen=True, slots=True)
class Claim:
    """What is taken of a key's limits."""

    key_id: str = ""
    limits: Limits = Limits()
    seconds: float | None = 0.0
    """Length of a recording, None where it is not known yet."""
    bytes: int = 0

    @property
    def keys(self) -> list[str]:
        """Where it is kept what the key has."""
        return [keys.limit(self.key_id, name) for name in ("unfinished", "day", "bytes")]

    def arguments(self, name: str, *, joins: bool, kept: bool) -> list[str | int | float]:
        """Those of `take` in the scripts."""
        limits = self.limits
        minutes = None if limits.minutes is None else limits.minutes * _MINUTE
        bounds = (limits.unfinished, minutes, limits.bytes, self.seconds)
        texts = ["" if bound is None else bound for bound in bounds]
        return [name, int(joins), *texts, self.bytes, int(kept)]

    def check(self, answer: Any) -> None:
        """Raises LimitReached where a script answers so."""
        match [keys.text(entry) for entry in answer or ()]:
            case ["limit", name, used, left]:
                quota = int(getattr(self.limits, name))
                wait = {"unfinished": UNFINISHED_RETRY, "bytes": BYTES_RETRY}.get(name, int(left))
                remaining = max(0, math.floor(quota - float(used)))
                raise LimitReached(Allowance(name, quota, remaining, wait))


class Meter:
    """Counts. Raises LimitReached, RedisError."""

    def __init__(self, redis: "Redis", *, kept: bool) -> None:
        self._kept: Final = kept
        self._request: Final = redis.register_script(limit_scripts.REQUEST)
        self._charge: Final = redis.register_script(limit_scripts.CHARGE)

    async def request(self, holder: Principal) -> Allowance | None:
        """Count a request; what is left, None where that is not limited."""
        quota = holder.limits.requests
        if quota is None:
            return None
        allowed, remaining, wait = await self._request(
            keys=[keys.limit(holder.key_id, "requests")], args=[quota]
        )
        allowance = Allowance("requests", quota, remaining, math.ceil(wait / 1_000_000))
        if not allowed:
            raise LimitReached(allowance)
        return allowance

    async def charge(self, claim: Claim, key: Key) -> None:
        """Count what is known of a prediction by now; what was counted before counts once."""
        await self._take(claim, str(key), keys.prediction(key), recorded=True)

    async def store(self, claim: Claim, key: Key) -> None:
        """Count an uploaded file."""
        await self._take(claim, keys.file(key), keys.file(key), recorded=False)

    async def _take(self, claim: Claim, name: str, record: str, *, recorded: bool) -> None:
        if claim.key_id:
            arguments = claim.arguments(name, joins=False, kept=self._kept)
            taken = await self._charge(keys=[record, *claim.keys], args=[int(recorded), *arguments])
            claim.check(taken)
