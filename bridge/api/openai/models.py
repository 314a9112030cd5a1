"""The models that OpenAI's clients may name."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.api.errors import problem
from bridge.context import CONTEXT, Context
from transcription.reading import bare

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
    if (entry := entry_of(context, name)) is not None:
        return web.json_response(entry)
    return problem(404, f"There is no model {name[:60]!r}.", param="model", code="model_not_found")


def alias_of(name: str) -> str | None:
    """OpenAI's model that is named, in any case and also as gateways name its provider."""
    own = bare(name).lower().removeprefix("openai/")
    return own if own in ALIASES else None


def entry_of(context: Context, name: str) -> dict[str, Any] | None:
    """The model of that name; None where there is none."""
    known = alias_of(name) is not None or context.settings.names.resolve(name) is not None
    return _entry(context, name) if known else None


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
