"""The models that OpenAI's clients may name."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.api.errors import problem
from bridge.api.openai.fields import ALIASES
from bridge.context import CONTEXT, Context

_SINCE = int(datetime.now(UTC).timestamp())  # a model is as old as the process that serves it


async def get_model(request: web.Request) -> web.Response:
    """One of the models, by its own name or one that OpenAI's clients know."""
    name = request.match_info["model"]
    for entry in entries(request.app[CONTEXT]):
        if entry["id"] == name:
            return web.json_response(entry)
    return problem(404, f"There is no model {name[:60]!r}.", param="model", code="model_not_found")


def entries(context: Context) -> list[dict[str, Any]]:
    """All of them; those that stand for the default model come last."""
    owner = context.settings.model_name.partition("/")[0]
    return [
        {"id": name, "object": "model", "created": _SINCE, "owned_by": owner}
        for name in (*context.settings.model_names, *ALIASES)
    ]
