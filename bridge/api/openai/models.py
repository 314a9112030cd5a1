"""The models that OpenAI's clients may name."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.api.errors import problem
from bridge.context import CONTEXT, Context
from transcription.errors import InvalidInput, not_one_of
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


@dataclass(frozen=True, slots=True)
class Named:
    """The model that a client names: the operator's, one of ours by OpenAI's name, or both."""

    served: str | None
    """Its own name; None for the default model."""
    alias: str | None
    """One of `ALIASES`."""


async def get_model(request: web.Request) -> web.Response:
    """Shows a model, by its own name or one that OpenAI's clients know."""
    context, name = request.app[CONTEXT], request.match_info["model"]
    if (entry := entry_of(context, name)) is not None:
        return web.json_response(entry)
    return problem(404, f"There is no model {name[:60]!r}.", param="model", code="model_not_found")


def _named(context: Context, name: str) -> Named | None:
    """The model of that name, None where there is none.

    OpenAI's names are known in any case, and also as gateways name their provider.
    """
    own = bare(name).lower().removeprefix("openai/")
    alias = own if own in ALIASES else None
    served = context.settings.names.resolve(name)
    return None if served is None and alias is None else Named(served, alias)


def model_of(context: Context, name: str | None) -> Named:
    """The model that a form names. Raises InvalidInput without one that is served."""
    if name is None:
        raise InvalidInput("model", "is required")
    if (found := _named(context, name)) is None:
        raise not_one_of("model", name, _all_names(context))
    return found


def entry_of(context: Context, name: str) -> dict[str, Any] | None:
    """The model of that name as clients see it; None where there is none."""
    return _entry(context, name) if _named(context, name) else None


def entries(context: Context) -> list[dict[str, Any]]:
    """All of them; those that stand for the default model come last."""
    return [_entry(context, name) for name in _all_names(context)]


def _all_names(context: Context) -> tuple[str, ...]:
    """What clients may name."""
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
