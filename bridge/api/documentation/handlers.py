"""``/openapi.json``, ``/docs`` and ``/api-info``."""

from typing import Any

from aiohttp import web

from bridge.api.documentation import page as html
from bridge.api.documentation.examples import command
from bridge.api.documentation.openapi import Route, document, fields_of, shown
from bridge.api.origin import base_url
from bridge.context import CONTEXT


async def openapi(request: web.Request) -> web.Response:
    """Describes all routes for programs (OpenAPI 3.1)."""
    return web.json_response(document(_routes(request), request.app[CONTEXT].version))


async def page(request: web.Request) -> web.Response:
    """Describes all routes for people."""
    return web.Response(
        text=html.page(_routes(request), request.app[CONTEXT].version, base_url(request)),
        content_type="text/html",
        headers={"Content-Security-Policy": html.POLICY, "X-Content-Type-Options": "nosniff"},
    )


async def api_info(request: web.Request) -> web.Response:
    """Lists the routes, each with an example."""
    base = base_url(request)
    return web.json_response(
        {
            "service": "whisperx-stack",
            "version": request.app[CONTEXT].version,
            "endpoints": [_endpoint(route, base) for route in _routes(request)],
        }
    )


def _routes(request: web.Request) -> list[Route]:
    anonymous = bool(request.app[CONTEXT].settings.allow_anonymous)
    return list(shown(request.app.router.routes(), anonymous=anonymous))


def _endpoint(route: Route, base: str) -> dict[str, Any]:
    outputs = [media for bodies in route.operation.answers.values() for media in bodies]
    return {
        "endpoint": route.path,
        "method": route.method,
        "description": route.summary,
        "token": not route.public,
        "inputs": fields_of(route.operation),
        "outputs": list(dict.fromkeys(outputs)),
        "example": command(route, base),
    }
