"""``/openapi.json``, ``/docs`` and ``/api-info``."""

from typing import Any

from aiohttp import web

from bridge.api.documentation import page as html
from bridge.api.documentation.openapi import Route, document, fields_of, shown
from bridge.api.origin import base_url
from bridge.context import CONTEXT


async def openapi(request: web.Request) -> web.Response:
    """Every route of every door, for programs (OpenAPI 3.1)."""
    return web.json_response(document(_routes(request), request.app[CONTEXT].version))


async def page(request: web.Request) -> web.Response:
    """Every route of every door, for people."""
    return web.Response(
        text=html.page(_routes(request), request.app[CONTEXT].version),
        content_type="text/html",
        headers={"Content-Security-Policy": html.POLICY, "X-Content-Type-Options": "nosniff"},
    )


async def api_info(request: web.Request) -> web.Response:
    """A short list of the routes, each with an example."""
    base = base_url(request)
    return web.json_response(
        {
            "service": "whisperx-stack",
            "version": request.app[CONTEXT].version,
            "endpoints": [_endpoint(route, base) for route in _routes(request)],
        }
    )


def _routes(request: web.Request) -> list[Route]:
    return list(shown(request.app.router.routes()))


def _endpoint(route: Route, base: str) -> dict[str, Any]:
    outputs = [media for bodies in route.operation.answers.values() for media in bodies]
    return {
        "endpoint": route.path,
        "method": route.method,
        "description": route.summary,
        "token": not route.public,
        "inputs": fields_of(route.operation),
        "outputs": list(dict.fromkeys(outputs)),
        "example": _example(route, base),
    }


def _example(route: Route, base: str) -> str:
    """A command for a shell."""
    method = "" if route.method == "GET" else f" -X {route.method}"
    token = "" if route.public else ' -H "Authorization: Bearer $BRIDGE_TOKEN"'
    form = route.operation.body.get("multipart/form-data", {})
    fields = "".join(
        f" -F {name}=@talk.wav" if schema.get("format") == "binary" else f" -F {name}=…"
        for name, schema in form.get("properties", {}).items()
        if name in form["required"]
    )
    return f"curl{method}{token}{fields} {base}{route.path}"
