"""The type of every key's value. A value of another type was written by somebody else.

Redis refuses every command on such a key. So the value is deleted, which its writer could do as
well, and the command is sent once more. A script reads every key before it writes one: it fails
before it has written anything.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, Self, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bridge.records import keys
from bridge.records.connections import connection_pool

_TYPES: Final = {
    r"prediction:[^:]+(:segments|:batches)?": "hash",
    r"prediction:[^:]+:secrets": "string",
    r"predictions:.+|files:.+|webhooks:pending|turns:.+": "zset",
    r"webhooks:(tries|dead(:.+)?)|runs:.+|limits:.+:(day|bytes)": "hash",
    r"limits:.+:unfinished|tenants:known": "set",
    r"limits:.+:requests": "list",
    r"idempotency:.+|file:.+": "string",
}


def type_of(key: str) -> str | None:
    """The type of a key's value; None for what is no key of ours."""
    return next((kind for name, kind in _TYPES.items() if re.fullmatch(name, key)), None)


class TypedRedis(Redis):
    """A client that removes values of types that are not ours where they stop a command."""

    on_stranger: Callable[[str], None] = staticmethod(lambda _key: None)

    @classmethod
    def at(cls, address: str) -> Self:
        """A client of the Redis there, with a pool of its own."""
        return cast("Self", cls.from_pool(connection_pool(address)))

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except ResponseError as error:
            if "WRONGTYPE" not in str(error) or not await self._remove(args):
                raise
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    async def _remove(self, arguments: Iterable[Any]) -> bool:
        removed = False
        for key in [keys.text(one) for one in arguments if isinstance(one, str | bytes)]:
            # The script of the turns makes names of tenants' own lists from this one.
            if key.endswith(":waiting"):
                async for found in self.scan_iter(match=f"{key}:*"):
                    removed |= await self._remove_stranger(keys.text(found))
            removed |= await self._remove_stranger(key)
        return removed

    async def _remove_stranger(self, key: str) -> bool:
        wanted = type_of(key)
        if wanted is None or keys.text(await self.type(key)) in (wanted, "none"):
            return False
        await self.unlink(key)
        self.on_stranger(key)
        return True
