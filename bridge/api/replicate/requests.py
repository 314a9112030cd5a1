"""Requests for a prediction, JSON or multipart form, as `Request`s."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiohttp import web

from bridge.api.fields import Fields
from bridge.api.forms import read_form
from bridge.api.origin import base_url, with_repeat
from bridge.context import CONTEXT, Context
from bridge.intake.accept import Request, check_id
from bridge.recordings.files import new_id
from bridge.tasks.webhooks import EVENTS
from transcription.errors import InvalidInput
from transcription.options import AUDIO_NAMES

LONGEST_WAIT = 55  # seconds; clients give up at 60
_WAIT = re.compile(r"\bwait(?:=(\d+))?\b")
_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)


async def read(request: web.Request, body: Mapping[str, Any] | None) -> Request:
    """The request in a JSON ``body``, or in a form. Raises InvalidInput or an HTTP error."""
    context = request.app[CONTEXT]
    check_version(body or {}, context, request.match_info)
    parsed = await _read_form(request, context) if body is None else _from_json(body)
    wanted = _cancel_after(request.headers.get("Cancel-After"))
    parsed = replace(parsed, cancel_after=wanted, base_url=base_url(request))
    if "id" in request.match_info:
        parsed = replace(parsed, id=check_id(request.match_info["id"]), named=True)
    return with_repeat(request, parsed)


async def read_object(request: web.Request) -> Mapping[str, Any] | None:
    """The JSON object in a body, None when a form was sent. Raises HTTPBadRequest."""
    if request.content_type == "multipart/form-data":
        return None
    try:
        body = json.loads(await _content(request), parse_constant=_no_number)
    except ValueError:
        raise web.HTTPBadRequest(text="The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="The body must be a JSON object with an `input` member.")
    return body


def _no_number(name: str) -> None:
    """Python would read NaN and Infinity; JSON has no such numbers, and Cog refuses them."""
    raise ValueError(name)


async def _content(request: web.Request) -> bytes:
    """A whole body. Raises HTTPRequestEntityTooLarge, HTTPRequestTimeout when it stalls."""
    settings = request.app[CONTEXT].settings
    content = bytearray()
    while not request.content.at_eof():
        try:
            async with asyncio.timeout(settings.upload_idle_timeout):
                content += await request.content.readany()
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="The request stalled.") from None
        if len(content) > settings.max_json_bytes:
            raise web.HTTPRequestEntityTooLarge(settings.max_json_bytes, len(content))
    return bytes(content)


def check_version(body: Mapping[str, Any], context: Context, path: Mapping[str, str]) -> None:
    """Raises HTTPUnprocessableEntity or HTTPNotFound for a version or model not served here."""
    name = context.settings.model_name
    if "owner" in path and f"{path['owner']}/{path['name']}" != name:
        raise web.HTTPNotFound(text=f"The model served here is {name}.")
    version = body.get("version")
    known = [context.version, name, f"{name}:{context.version}"]
    if version is not None and version not in known:
        raise web.HTTPUnprocessableEntity(text="- version: this service serves another version\n")


def wait_seconds(prefer: str) -> int:
    """How long ``Prefer: wait[=n]`` asks the answer to be held; 0 without it."""
    match = _WAIT.search(prefer)
    if match is None:
        return 0
    return min(int(match[1] or LONGEST_WAIT), LONGEST_WAIT)


def _from_json(body: Mapping[str, Any]) -> Request:
    inputs = inputs_of(body)
    webhook = body.get("webhook")
    if webhook is not None and not isinstance(webhook, str):
        raise InvalidInput("webhook", "must be a URL")
    return Request(
        id=new_id() if body.get("id") is None else check_id(body["id"]),
        named=body.get("id") is not None,
        inputs=inputs,
        webhook=webhook or None,
        webhook_events=events_of(body.get("webhook_events_filter")),
    )


def inputs_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a JSON request. Raises HTTPUnprocessableEntity."""
    inputs = body.get("input")
    if inputs is None:
        return {}
    if not isinstance(inputs, dict):
        raise web.HTTPUnprocessableEntity(text="- input: must be an object\n")
    return inputs


def events_of(given: Any) -> tuple[str, ...]:
    """The events that a client wants to be told of; all without a filter. Raises InvalidInput."""
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


async def _read_form(request: web.Request, context: Context) -> Request:
    """Inputs as form fields in any order; the recording goes straight to disk."""
    form = await read_form(request, {name: name for name in AUDIO_NAMES})
    fields = Fields(form.texts, context)
    return Request(inputs=fields.inputs(fields.texts), upload=form.upload)
