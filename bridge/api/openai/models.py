"""The models that OpenAI's clients may name."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.api.errors import problem
from bridge.context import CONTEXT, Context

_SINCE = int(datetime.now(UTC).timestamp())  # a model is as old as the process that serves it

DIARIZING = "gpt-4o-transcribe-diarize"
# The names that clients know; all stand for the operator's default model.
ALIASES = (
    "whisper-1",
    "gpt-transcribe",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
    DIARIZING,
)


async def get_model(request: web.Request) -> web.Response:
    """Shows a model, by its own name or one that OpenAI's clients know."""
    context, name = request.app[CONTEXT], request.match_info["model"]
    if name in _listed(context) or context.settings.names.resolve(name) is not None:
        return web.json_response(_entry(context, name))
    return problem(404, f"There is no model {name[:60]!r}.", param="model", code="model_not_found")


def entries(context: Context) -> list[dict[str, Any]]:
    """All of them; those that stand for the default model come last."""
    return [_entry(context, name) for name in _listed(context)]


def _listed(context: Context) -> tuple[str, ...]:
    names = context.settings.names
    return tuple(dict.fromkeys((*names.offered, *names.aliases, *ALIASES)))


def _entry(context: Context, name: str) -> dict[str, Any]:
    owner = context.settings.model_name.partition("/")[0]
    return {
        "id": name,
        "object": "model",
        "created": _SINCE,
        "owned_by": owner,
        # Of the service that clients were written for, some end on 2027-02-26; here none does.
        "shutdown_date": None,
    }
