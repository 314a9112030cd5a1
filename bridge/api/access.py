"""Who did what to which prediction or file: a JSON line for each, where ACCESS_LOG asks for them.

A line has ids and names of keys: no word of a transcript, no name of a file, no token.
"""

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.api.auth import LISTENING, SIGNED, caller, route_of
from bridge.logs import ACCESS
from bridge.records.tenants import Key

_CREATE = (
    "POST /predictions",
    "PUT /predictions/{id}",
    "POST /models/{owner}/{name}/predictions",
    "POST /deployments/{owner}/{name}/predictions",
    "POST /files",
    *LISTENING,
)
# By route: what is done there. A test compares it with the table of routes.
ACTIONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_CREATE, "create"),
    "GET /predictions": "list",
    "GET /predictions/{id}": "read",
    "GET /predictions/{id}/stream": "read",
    "GET /predictions/{id}/transcript": "read",
    "GET /predictions/{id}/peaks": "read",
    "GET /predictions/{id}/recording": "listen",
    "GET /predictions/{id}/output": "export",
    "PUT /predictions/{id}/transcript": "correct",
    "POST /predictions/{id}/cancel": "cancel",
    "DELETE /predictions/{id}": "delete",
    "GET /files": "list",
    "GET /files/{id}": "read",
    "GET /files/{id}/download": "export",
    "DELETE /files/{id}": "delete",
    "GET /webhooks/dead-letters": "list",
    "POST /webhooks/dead-letters/{letter}/redeliver": "redeliver",
}
_ABOUT = web.RequestKey("about", tuple[Key, ...])
_ID = re.compile(r"[a-zA-Z0-9_-]{1,80}", re.ASCII)  # anything else in a path may be words
_LEFT = 499  # what nginx calls a client that did not wait
_log = logging.getLogger(ACCESS)


def note(request: web.Request, *keys: Key) -> None:
    """Say what the request turned out to be about, where its path does not."""
    request[_ABOUT] = keys


@web.middleware
async def log_access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Writes the lines of a request once it is answered, however it is answered."""
    status = _LEFT
    try:
        response = await handler(request)
        status = response.status
        return response
    finally:
        if (action := ACTIONS.get(route_of(request))) is not None:
            for line in _lines(request, action, status):
                _log.info(json.dumps(line))


def _lines(request: web.Request, action: str, status: int) -> list[dict[str, str | int | None]]:
    named = request.match_info.get("id") or request.match_info.get("letter") or ""
    keys = request.get(_ABOUT, ())
    ids = [key.public for key in keys] or [named if _ID.fullmatch(named) else None]
    route = route_of(request)
    kinds = {"files": "file", "webhooks": "webhook"}
    who, tenant = caller(request)
    if route in SIGNED:
        who, tenant = "a signed link", keys[0].tenant.name if keys else None
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "tenant": tenant,
        "key": who,
        "action": action,
        "kind": kinds.get(route.split("/")[1], "prediction"),
    }
    return [{**line, "id": one, "status": status} for one in ids]
