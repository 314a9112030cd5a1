"""The page's files, as they are, under a policy that lets nothing else run."""

import mimetypes
import secrets
from functools import cache
from pathlib import Path

from aiohttp import web

from bridge.context import CONTEXT

FOLDER = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{}'; connect-src 'self'; "
    "media-src 'self' blob:; img-src 'self' data:; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
START = "index.html"


async def index(request: web.Request) -> web.Response:
    """Serves the page for people, which asks for the token itself."""
    return _answer(request, START)


async def file(request: web.Request) -> web.Response:
    """Serves what the page consists of."""
    return _answer(request, request.match_info["name"])


def _answer(request: web.Request, name: str) -> web.Response:
    if request.app[CONTEXT].settings.page != 1:
        raise web.HTTPNotFound(text="The page is turned off.")
    content = contents().get(name)
    if content is None:
        raise web.HTTPNotFound(text="The page has no such file.")
    response = web.Response(
        body=content,
        content_type=mimetypes.guess_type(name)[0],
        charset="utf-8",
        headers={
            "Cache-Control": "no-cache",
            "Content-Security-Policy": POLICY.format(secrets.token_urlsafe(16)),
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )
    response.enable_compression()
    return response


@cache
def contents() -> dict[str, bytes]:
    """Every file of the page by its name."""
    return {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir())}
