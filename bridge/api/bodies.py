"""JSON bodies, bounded in bytes and in silence."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bridge.context import CONTEXT
from transcription.reading import from_json


async def read_object(request: web.Request) -> Mapping[str, Any]:
    """The JSON object in a body. Raises HTTPBadRequest."""
    try:
        body = from_json(await read_content(request), parse_constant=_no_number)
    except ValueError:
        raise web.HTTPBadRequest(text="The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="The body must be a JSON object with an `input` member.")
    return body


def _no_number(name: str) -> None:
    """Python would read NaN and Infinity; JSON has no such numbers, and Cog refuses them."""
    raise ValueError(name)


async def read_content(request: web.Request, max_bytes: int | None = None) -> bytes:
    """A whole body. Raises HTTPRequestEntityTooLarge, HTTPRequestTimeout when it stalls."""
    settings = request.app[CONTEXT].settings
    most = max_bytes or settings.max_json_bytes
    content = bytearray()
    while not request.content.at_eof():
        try:
            async with asyncio.timeout(settings.upload_idle_timeout):
                content += await request.content.readany()
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="The request stalled.") from None
        if len(content) > most:
            raise web.HTTPRequestEntityTooLarge(most, len(content))
    return bytes(content)
