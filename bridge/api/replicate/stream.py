"""Server-sent events of one prediction, in the dialect of Replicate's clients."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator

from aiohttp import web

from bridge.api.auth import SETTINGS
from bridge.api.errors import problem
from bridge.context import CONTEXT, Context
from bridge.intake.accept import check_id
from bridge.links import signed_by
from bridge.records.prediction import Prediction, Status

LOOK_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 10.0  # one client gives up after 30 silent seconds

# Everything that some client takes for the end of a line.
_LINE_END = re.compile(r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_REASONS = {Status.CANCELED: "canceled", Status.FAILED: "error"}


async def stream(request: web.Request) -> web.StreamResponse:
    """``GET /predictions/{id}/stream``: logs as they grow, then the output, then `done`."""
    prediction_id = check_id(request.match_info["id"])
    if not _permitted(request, prediction_id):
        return problem(403, "The link has expired or is not one of ours.")
    context = request.app[CONTEXT]
    if await context.store.status(prediction_id) is None:
        return problem(404, "There is no prediction with this id; results expire.")
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",  # proxies would hold events back
        }
    )
    # Who has heard enough goes away in the middle.
    with contextlib.suppress(ConnectionResetError):
        await response.prepare(request)
        await _tell(response, prediction_id, _events(context, prediction_id))
        await response.write_eof()
    return response


async def _tell(
    response: web.StreamResponse,
    prediction_id: str,
    events: AsyncIterator[tuple[str | None, str]],
) -> None:
    number = 0
    async for event, data in events:
        if event is None:
            await response.write(b": still here\n\n")
            continue
        number += 1
        # Without an id, one of the clients drops every event in silence.
        lines = "".join(f"data: {line}\n" for line in _LINE_END.split(data))
        await response.write(f"event: {event}\nid: {prediction_id}-{number}\n{lines}\n".encode())


async def _events(context: Context, prediction_id: str) -> AsyncIterator[tuple[str | None, str]]:
    """(event, data) as they happen; (None, "") where nothing did for a while."""
    told, spoke = 0, time.monotonic()
    while True:
        found = await context.store.get_with_output(prediction_id)
        if found is None:
            yield "done", json.dumps({"reason": "error"})
            return
        prediction, output = found
        if len(prediction.logs) > told:
            yield "logs", prediction.logs[told:]
            spoke = time.monotonic()
        told = len(prediction.logs)
        if prediction.terminal:
            for last in _last(prediction, output):
                yield last
            return
        if time.monotonic() - spoke > KEEP_ALIVE_SECONDS:
            yield None, ""
            spoke = time.monotonic()
        await asyncio.sleep(LOOK_SECONDS)


def _last(prediction: Prediction, output: bytes | None) -> list[tuple[str, str]]:
    if prediction.status is Status.SUCCEEDED:
        return [("output", _ascii(output or b"null")), ("done", "{}")]
    ending = ("done", json.dumps({"reason": _REASONS[prediction.status]}))
    if prediction.status is Status.FAILED:
        return [("error", json.dumps({"detail": prediction.error})), ending]
    return [ending]


def _ascii(document: bytes) -> str:
    """JSON text in ASCII: some clients take more than a newline for the end of a line."""
    return json.dumps(json.loads(document))


def _permitted(request: web.Request, prediction_id: str) -> bool:
    expiry, signature = request.query.get("expiry", ""), request.query.get("signature", "")
    secret = request.app[SETTINGS].webhook_secret
    valid = signed_by(secret, signature, "stream", prediction_id, expiry)
    return valid and expiry.isdecimal() and int(expiry) > time.time()
