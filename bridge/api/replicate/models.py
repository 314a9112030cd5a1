"""What Replicate's clients ask about the model, its versions and the account."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.api.auth import tenant_of
from bridge.api.errors import problem
from bridge.api.openai.models import entries, entry_of
from bridge.api.origin import base_url
from bridge.api.replicate.render import time_text
from bridge.context import CONTEXT, Context
from transcription.schema import openapi

COG_VERSION = "0.23.1"  # of the predictor's server; clients read output arrays by it
_SINCE = datetime.now(UTC)  # a version is as old as the process that serves it


async def list_models(request: web.Request) -> web.Response:
    """Lists the models: `results` for Replicate's clients, `data` for OpenAI's."""
    context = request.app[CONTEXT]
    found = {"previous": None, "next": None, "results": [_model(context, base_url(request))]}
    return web.json_response({"object": "list", "data": entries(context), **found})


async def get_model(request: web.Request) -> web.Response:
    """Shows the model that is served; for OpenAI's clients also one by its name on the hub."""
    name = "{owner}/{name}".format_map(request.match_info)
    if (entry := entry_of(request.app[CONTEXT], name)) is not None:
        return web.json_response(entry)
    context = _checked(request)
    return web.json_response(_model(context, base_url(request)))


async def list_versions(request: web.Request) -> web.Response:
    """Lists the versions: the one that is served."""
    context = _checked(request)
    return web.json_response({"previous": None, "next": None, "results": [_version(context)]})


async def get_version(request: web.Request) -> web.Response:
    """Shows the version that is served, with the schema of its inputs."""
    context = _checked(request)
    if request.match_info["version"] != context.version:
        return problem(404, "This service serves another version.")
    return web.json_response(_version(context))


async def account(request: web.Request) -> web.Response:
    """Shows whose service this is."""
    owner = _owner(request.app[CONTEXT])
    return web.json_response({"type": "organization", "username": owner, "name": owner})


async def webhook_secret(request: web.Request) -> web.Response:
    """Shows the key that verifies the signatures of the tenant's webhooks."""
    settings = request.app[CONTEXT].settings
    return web.json_response({"key": settings.signing_key_of(tenant_of(request))})


def _checked(request: web.Request) -> Context:
    context = request.app[CONTEXT]
    asked = f"{request.match_info['owner']}/{request.match_info['name']}"
    if asked != context.settings.model_name:
        raise web.HTTPNotFound(text=f"The model served here is {context.settings.model_name}.")
    return context


def _owner(context: Context) -> str:
    return context.settings.model_name.partition("/")[0]


def _model(context: Context, base: str) -> dict[str, Any]:
    owner, _, name = context.settings.model_name.partition("/")
    return {
        "url": f"{base}/v1/models/{owner}/{name}",
        "owner": owner,
        "name": name,
        "description": "WhisperX: who said what, when.",
        "visibility": "private",
        "run_count": 0,
        "github_url": None,
        "paper_url": None,
        "license_url": None,
        "cover_image_url": None,
        "default_example": None,
        "latest_version": _version(context),
    }


def _version(context: Context) -> dict[str, Any]:
    return {
        "id": context.version,
        "created_at": time_text(_SINCE),
        "cog_version": COG_VERSION,
        "openapi_schema": openapi(),
    }
