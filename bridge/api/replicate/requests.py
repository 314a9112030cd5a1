"""Requests for a prediction, JSON or multipart form, as `Request`s."""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiohttp import BodyPartReader, web

from bridge.api.replicate.render import base_url
from bridge.context import CONTEXT, Context
from bridge.files import new_id
from bridge.intake import Request, Upload, check_id
from bridge.webhooks import EVENTS
from transcription.errors import InvalidInput
from transcription.options import AUDIO_NAMES

LONGEST_WAIT = 55  # seconds; clients give up at 60
_WAIT = re.compile(r"\bwait(?:=(\d+))?\b")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_FORM_TEXT_BYTES = 1 << 20
_CHUNK = 1 << 18  # bytes of an upload read at a time


async def read(request: web.Request, body: Mapping[str, Any] | None) -> Request:
    """The request in a JSON ``body``, or in a form. Raises InvalidInput or an HTTP error."""
    context = request.app[CONTEXT]
    check_version(body or {}, context, request.match_info)
    parsed = await _read_form(request, context) if body is None else _from_json(body)
    wanted = _cancel_after(request.headers.get("Cancel-After"))
    parsed = replace(parsed, cancel_after=wanted, base_url=base_url(request))
    if "id" in request.match_info:
        parsed = replace(parsed, id=check_id(request.match_info["id"]))
    return _with_repeat(request, parsed)


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
            content += await asyncio.wait_for(
                request.content.readany(), settings.upload_idle_timeout
            )
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


def _with_repeat(request: web.Request, parsed: Request) -> Request:
    """Tell a repeated request by its idempotency key, or by its retry mark, token and content."""
    token = request.headers.get("Authorization", "")
    key = request.headers.get("Idempotency-Key")
    if key:
        return replace(parsed, repeat=_digest("key", token, key), is_retry=True)
    marked = request.headers.get("x-stainless-retry-count", "0")
    digest = _digest("body", token, parsed.fingerprint)
    return replace(parsed, repeat=digest, is_retry=marked not in ("", "0"))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


async def _read_form(request: web.Request, context: Context) -> Request:
    """Inputs as form fields in any order; the recording goes straight to disk."""
    inputs: dict[str, Any] = {}
    upload: Upload | None = None
    try:
        async for name, part in parts_of(request):
            if part.filename is None:
                inputs[name] = context.intake.from_text(name, await text_of(part))
            elif name in AUDIO_NAMES and upload is None:
                upload = await _store(name, part, context)
            else:
                raise InvalidInput(name, "one file is accepted, named audio_file or audio")
    except BaseException:
        if upload is not None:
            context.files.remove(upload.recording)
        raise
    return Request(inputs=inputs, upload=upload)


async def _store(name: str, part: BodyPartReader, context: Context) -> Upload:
    recording = new_id()
    chunks = chunks_of(part, context.settings.upload_idle_timeout)
    stored = await context.files.write(recording, chunks, name)
    return Upload(name, (part.filename or "")[:255], recording, stored)


async def parts_of(request: web.Request) -> AsyncIterator[tuple[str, BodyPartReader]]:
    """A form's parts with their names. Raises HTTPBadRequest where it is no proper form."""
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise web.HTTPBadRequest(text="Every part of the form needs a name.")
            yield part.name, part
    except ValueError:  # aiohttp's word for a boundary that is missing or never comes
        raise web.HTTPBadRequest(text="The multipart form is malformed.") from None


async def text_of(part: BodyPartReader) -> str:
    """A form field's text. Raises HTTPRequestEntityTooLarge past 1 MiB."""
    content = bytearray()
    while chunk := await part.read_chunk(_CHUNK):
        content += chunk
        if len(content) > _FORM_TEXT_BYTES:
            raise web.HTTPRequestEntityTooLarge(_FORM_TEXT_BYTES, len(content))
    return content.decode(errors="replace")


async def chunks_of(part: BodyPartReader, idle_seconds: float) -> AsyncIterator[bytes]:
    """A part's content as it arrives. Raises HTTPRequestTimeout when nothing comes for long."""
    while True:
        try:
            chunk = await asyncio.wait_for(part.read_chunk(_CHUNK), idle_seconds)
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="The upload stalled.") from None
        if not chunk:
            return
        yield chunk
