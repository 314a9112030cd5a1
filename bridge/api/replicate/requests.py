"""Requests for a prediction, JSON or multipart form, as `Request`s."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from aiohttp import web

from bridge.api.auth import tenant_of
from bridge.api.bodies import read_object
from bridge.api.forms import read_form
from bridge.api.ids import key_of
from bridge.api.origin import asked
from bridge.context import CONTEXT, Context
from bridge.intake.accept import Request
from bridge.recordings.arrive import Upload
from bridge.records.prediction import EVENTS
from bridge.records.tenants import DEFAULT, Key
from transcription.errors import InvalidInput
from transcription.options import AUDIO_NAMES

LONGEST_WAIT = 55  # seconds; clients give up at 60
_WAIT = re.compile(r"\bwait(?:=(\d{1,9}))?\b", re.ASCII)
_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks for: a prediction, or (``forwarded``) a request that Cog gets as it is."""

    request: Request
    wait: int = 0
    """Seconds that the answer is to be held."""
    forwarded: Mapping[str, Any] | None = None


async def read(request: web.Request) -> Asked:
    """A request for a prediction, JSON or form. Raises InvalidInput or an HTTP error."""
    context = request.app[CONTEXT]
    # Before the body: what is refused later would leave an uploaded file behind.
    cancel_after = _cancel_after(request.headers.get("Cancel-After"))
    form = request.content_type == "multipart/form-data"
    body = {} if form else await read_object(request)
    _check_version(body, context, request.match_info)
    given = request.match_info.get("id", body.get("id"))
    chosen = None if given is None else key_of(request, given)
    webhook, events = _webhook(body), _events(body.get("webhook_events_filter"))
    wait = _wait_seconds(request.headers.get("Prefer", ""))
    inputs, upload = await _read_form(request) if form else (_inputs(body), None)
    # What is forwarded has no record, and what has no record has no tenant.
    usual = tenant_of(request) != DEFAULT
    forwarded = None if usual else _forwarded(body, inputs, chosen, context)
    parsed = replace(
        asked(request, inputs, upload, chosen),
        webhook=webhook,
        webhook_events=events,
        cancel_after=cancel_after,
    )
    return Asked(parsed, wait, forwarded)


def _forwarded(
    body: Mapping[str, Any], inputs: Mapping[str, Any], chosen: Key | None, context: Context
) -> Mapping[str, Any] | None:
    """What Cog is to get as it is, where the operator and the client want it so."""
    both = body.get("webhook") is not None and body.get("webhook_events_filter") is not None
    if not both or context.settings.client_webhooks != "forward":
        return None
    return {**body, "input": dict(inputs), **({"id": chosen.public} if chosen else {})}


def _check_version(body: Mapping[str, Any], context: Context, path: Mapping[str, str]) -> None:
    """Raises HTTPUnprocessableEntity or HTTPNotFound for a version or model not served here."""
    name = context.settings.model_name
    if "owner" in path and f"{path['owner']}/{path['name']}" != name:
        raise web.HTTPNotFound(text=f"The model served here is {name}.")
    version = body.get("version")
    known = [context.version, name, f"{name}:{context.version}"]
    if version is not None and version not in known:
        raise web.HTTPUnprocessableEntity(text="- version: this service serves another version\n")


def _wait_seconds(prefer: str) -> int:
    """How long ``Prefer: wait[=n]`` asks the answer to be held; 0 without it."""
    match = _WAIT.search(prefer)
    if match is None:
        return 0
    return min(int(match[1] or LONGEST_WAIT), LONGEST_WAIT)


def _webhook(body: Mapping[str, Any]) -> str | None:
    webhook = body.get("webhook")
    if webhook is not None and not isinstance(webhook, str):
        raise InvalidInput("webhook", "must be a URL")
    return webhook or None


def _inputs(body: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a JSON request. Raises HTTPUnprocessableEntity."""
    inputs = body.get("input")
    if inputs is None:
        return {}
    if not isinstance(inputs, dict):
        raise web.HTTPUnprocessableEntity(text="- input: must be an object\n")
    return dict(inputs)


def _events(given: Any) -> tuple[str, ...]:
    """The events that a client wants webhooks for; all without a filter. Raises InvalidInput."""
    if given is None:
        return EVENTS
    if not isinstance(given, list) or not all(event in EVENTS for event in given):
        raise InvalidInput("webhook_events_filter", f"must be a list of {', '.join(EVENTS)}")
    return tuple(given)


def _cancel_after(header: str | None) -> timedelta | None:
    """``90s``, ``5m`` or ``1h30m``. Raises HTTPBadRequest for anything else."""
    if header is None:
        return None
    match = _DURATION.fullmatch(header.strip())
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    duration = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta(seconds=5) <= duration <= timedelta(hours=24):
        raise web.HTTPBadRequest(text="Cancel-After must be a duration like 90s, 5m or 1h30m.")
    return duration


async def _read_form(request: web.Request) -> tuple[Mapping[str, Any], Upload | None]:
    """Inputs as form fields in any order; the recording goes straight to disk."""
    form = await read_form(request, {name: name for name in AUDIO_NAMES})
    return form.fields.inputs(form.fields.texts), form.upload
