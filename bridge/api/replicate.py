"""Replicate's predictions API: create, get, cancel."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import BodyPartReader, web

from bridge.auth import SETTINGS
from bridge.context import CONTEXT, Context
from bridge.errors import problem
from bridge.intake import Upload, check_id, new_id
from bridge.prediction import CancelRequested, Prediction
from bridge.store import AlreadyExists
from transcription.errors import InvalidInput
from transcription.options import AUDIO_NAMES

_WAIT = re.compile(r"\bwait(?:=(\d+))?\b")
LONGEST_WAIT = 55  # seconds; clients give up at 60
_FORM_TEXT_BYTES = 1 << 20


async def create(request: web.Request) -> web.Response:
    """``POST /predictions``, JSON or multipart form: 201 and the record."""
    context = request.app[CONTEXT]
    if request.content_type == "multipart/form-data":
        prediction_id = new_id()
        inputs, upload = await _read_form(request, context, prediction_id)
        body: Mapping[str, Any] = {}
    else:
        body = await _read_json(request)
        prediction_id = check_id(body["id"]) if body.get("id") is not None else new_id()
        inputs, upload = body.get("input") or {}, None
    _check_body(body, inputs, context)
    try:
        prediction = await context.intake.accept(prediction_id, inputs, upload, context.version)
    except AlreadyExists:
        return problem(409, "A prediction with this id exists already.")
    seconds = wait_seconds(request.headers.get("Prefer", ""))
    # The answer has to leave before the client's patience ends.
    if seconds and await context.dispatcher.wait_until_ended(prediction_id, seconds - 0.3):
        return await _answer(request, prediction_id, status=201)
    return web.json_response(render(prediction, None, base_url(request)), status=201)


async def get(request: web.Request) -> web.Response:
    """``GET /predictions/{id}``: the record, whatever state it is in."""
    return await _answer(request, check_id(request.match_info["id"]))


async def cancel(request: web.Request) -> web.Response:
    """``POST /predictions/{id}/cancel``: the record; it is `canceled` now or soon."""
    prediction_id = check_id(request.match_info["id"])
    await request.app[CONTEXT].dispatcher.apply(prediction_id, CancelRequested())
    return await _answer(request, prediction_id)


def render(prediction: Prediction, output: Any, base: str) -> dict[str, Any]:
    """The object that Replicate's clients parse, every member always there."""
    url = f"{base}/v1/predictions/{prediction.id}"
    return {
        "id": prediction.id,
        "model": prediction.model,
        "version": prediction.version,
        "input": dict(prediction.input),
        "output": output,
        "error": prediction.error,
        "logs": prediction.logs,
        "metrics": dict(prediction.metrics),
        "status": prediction.status.value,
        "source": "api",
        "data_removed": False,
        "created_at": _time(prediction.created_at),
        "started_at": _time(prediction.started_at),
        "completed_at": _time(prediction.completed_at),
        "urls": {"get": url, "cancel": f"{url}/cancel"},
    }


def base_url(request: web.Request) -> str:
    """Where the client reaches us: as the operator says, as its proxy says, or as it asked."""
    configured = request.app[SETTINGS].public_url.rstrip("/")
    if configured:
        return configured
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme).split(",")[0].strip()
    host = request.headers.get("X-Forwarded-Host", request.host).split(",")[0].strip()
    return f"{scheme}://{host}"


def wait_seconds(prefer: str) -> int:
    """How long ``Prefer: wait[=n]`` asks the answer to be held; 0 without it."""
    match = _WAIT.search(prefer)
    if match is None:
        return 0
    return min(int(match[1] or LONGEST_WAIT), LONGEST_WAIT)


async def _answer(request: web.Request, prediction_id: str, status: int = 200) -> web.Response:
    found = await request.app[CONTEXT].store.get_with_output(prediction_id)
    if found is None:
        return problem(404, "There is no prediction with this id; results expire.")
    return web.json_response(render(*found, base_url(request)), status=status)


async def _read_json(request: web.Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise web.HTTPBadRequest(text="The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="The body must be a JSON object with an `input` member.")
    return body


async def _read_form(
    request: web.Request, context: Context, prediction_id: str
) -> tuple[dict[str, Any], Upload | None]:
    """Inputs as form fields in any order; the recording goes straight to disk."""
    inputs: dict[str, Any] = {}
    upload = None
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        name = part.name if isinstance(part, BodyPartReader) else None
        if not isinstance(part, BodyPartReader) or name is None:
            raise web.HTTPBadRequest(text="Every part of the form needs a name.")
        if part.filename is None:
            text = (await part.read(decode=True))[:_FORM_TEXT_BYTES].decode(errors="replace")
            inputs[name] = context.inputs.from_text(name, text)
            continue
        if name not in AUDIO_NAMES or upload is not None:
            raise InvalidInput(name, "one file is accepted, named audio_file or audio")
        size = await context.files.write(prediction_id, _chunks(part), name)
        upload = Upload(name, part.filename[:255], size)
    return inputs, upload


async def _chunks(part: BodyPartReader) -> Any:
    while chunk := await part.read_chunk(1 << 18):
        yield chunk


def _check_body(body: Mapping[str, Any], inputs: object, context: Context) -> None:
    if not isinstance(inputs, dict):
        raise web.HTTPUnprocessableEntity(text="- input: must be an object\n")
    version = body.get("version")
    names = context.settings.model_name
    if version is not None and version not in (
        context.version,
        names,
        f"{names}:{context.version}",
    ):
        raise web.HTTPUnprocessableEntity(text="- version: this service serves another version\n")


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
