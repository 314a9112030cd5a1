"""Webhooks that were given up: list them, have them delivered again."""

from dataclasses import asdict

from aiohttp import web

from bridge.api.errors import problem
from bridge.context import CONTEXT


async def list_all(request: web.Request) -> web.Response:
    """Lists the webhooks that were given up, newest first."""
    letters = await request.app[CONTEXT].webhooks.dead_letters()
    return web.json_response({"results": [asdict(letter) for letter in letters]})


async def redeliver(request: web.Request) -> web.Response:
    """Delivers a webhook again that was given up; the tries start over."""
    context = request.app[CONTEXT]
    revived = await context.webhooks.revive(request.match_info["letter"])
    if revived is None:
        return problem(404, "There is no dead letter with this id, or its prediction has expired.")
    await context.queue.notify(*revived)
    return web.json_response({"status": "queued"}, status=202)
