"""Server-sent events: the one place that writes them to a connection."""

import contextlib
import time
from collections.abc import AsyncIterator

from aiohttp import web

KEEP_ALIVE_SECONDS = 10.0  # one client gives up after 30 silent seconds, proxies sooner or later


async def send(request: web.Request, events: AsyncIterator[str]) -> web.StreamResponse:
    """Writes each event as it comes, until there are no more or the client goes away.

    An event is its lines (``data: …`` and the like), without the empty line that ends it. "" says
    that nothing happened: then a comment is sent where the connection was silent for long.
    """
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",  # proxies would hold events back
        }
    )
    # A client that has read enough closes the connection in the middle.
    with contextlib.suppress(ConnectionResetError):
        await response.prepare(request)
        wrote = time.monotonic()
        async for event in events:
            if not event and time.monotonic() - wrote < KEEP_ALIVE_SECONDS:
                continue
            await response.write(f"{event or ': still here'}\n\n".encode(errors="replace"))
            wrote = time.monotonic()
        await response.write_eof()
    return response
