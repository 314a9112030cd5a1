"""Pages of other origins that may call this service from a browser: CORS, as Fetch defines it."""

import re
from collections.abc import Awaitable, Callable, Collection

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

ANY = "*"
EXPOSED = (
    *("Content-Disposition", "ETag", "Retry-After", "x-prediction-id", "x-should-retry"),
    *("RateLimit", "RateLimit-Policy"),
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
_ASKED = "Access-Control-Request-Method"
_HEADERS = "Access-Control-Request-Headers"
_PRIVATE = "Access-Control-Request-Private-Network"
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # of a header, by RFC 9110
_NAMES = re.compile(rf"{_NAME}(\s*,\s*{_NAME})*", re.ASCII)
_REMEMBERED_SECONDS = 600  # for which a browser does not ask again

Signal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def preflight(origins: Collection[str]) -> Middleware:
    """Answers a browser's question before it sends a request, which it asks without a token."""

    @web.middleware
    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method != "OPTIONS" or _ASKED not in request.headers:
            return await handler(request)
        if _allowed(request, origins) is None:
            return await handler(request)
        headers = {
            "Access-Control-Allow-Methods": ", ".join(METHODS),
            "Access-Control-Max-Age": str(_REMEMBERED_SECONDS),
        }
        # Every client has headers of its own; none of them gives it a right.
        if _NAMES.fullmatch(asked := request.headers.get(_HEADERS, "")):
            headers["Access-Control-Allow-Headers"] = asked
        if request.headers.get(_PRIVATE) == "true":
            headers["Access-Control-Allow-Private-Network"] = "true"
        return web.Response(status=204, headers=headers)

    return answered


def allow_origins(origins: Collection[str]) -> Signal:
    """Tells in every answer, errors included, whether the page that asks may read it."""

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        if not origins:
            return
        if ANY not in origins:
            response.headers.add("Vary", "Origin")
        if (origin := _allowed(request, origins)) is None:
            return
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = ", ".join(EXPOSED)
        if origin != ANY:
            response.headers["Access-Control-Allow-Credentials"] = "true"

    return add_headers


def _allowed(request: web.Request, origins: Collection[str]) -> str | None:
    """What to answer to the page that asks; None where it may not read our answers."""
    origin = request.headers.get("Origin", "")
    if not origin:
        return None
    if ANY in origins:
        return ANY
    return origin if origin.lower() in origins else None
