"""Server-sent events of one prediction, in the dialect of Replicate's clients."""

import json
import re
from collections.abc import AsyncIterator

from aiohttp import web

from bridge.api import sse
from bridge.api.access import note
from bridge.api.errors import problem
from bridge.context import CONTEXT, Context
from bridge.records.prediction import Prediction, Status
from bridge.records.tenants import Key

# Everything that some client takes for the end of a line.
_LINE_END = re.compile(r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_REASONS = {Status.CANCELED: "canceled", Status.FAILED: "error"}


async def stream(request: web.Request) -> web.StreamResponse:
    """Streams events: the log as it grows, then the output, then `done`.

    With ``segments=1`` also what is recognized, as it is: one client fails at unknown events.
    """
    context = request.app[CONTEXT]
    prediction_id = context.links.opened("stream", request.match_info["id"], request.query)
    if prediction_id is None:
        return problem(403, "The link has expired or is not one of ours.")
    note(request, prediction_id)
    if await context.store.status(prediction_id) is None:
        return problem(404, "There is no prediction with this id; results expire.")
    segments = request.query.get("segments") == "1"
    events = _events(context, prediction_id, segments=segments)
    return await sse.send(request, _numbered(prediction_id, events))


async def _numbered(
    prediction_id: Key, events: AsyncIterator[tuple[str, str] | None]
) -> AsyncIterator[str]:
    """The events' lines. Without an id, one of the clients drops every event in silence."""
    number = 0
    async for found in events:
        if found is None:
            yield ""
            continue
        number += 1
        event, data = found
        lines = "\n".join(f"data: {line}" for line in _LINE_END.split(data))
        yield f"event: {event}\nid: {prediction_id.public}-{number}\n{lines}"


async def _events(
    context: Context, prediction_id: Key, *, segments: bool
) -> AsyncIterator[tuple[str, str] | None]:
    """(event, data) as they happen; None after each look that found nothing new."""
    sent = 0  # characters of the log
    first = attempt = 0  # segments that were sent, and of which run
    with context.watch.changes(prediction_id) as changes:
        while True:
            prediction = await context.store.get(prediction_id)
            if prediction is None:
                yield "done", json.dumps({"reason": "error"})
                return
            new, sent = prediction.logs[sent:], max(sent, len(prediction.logs))
            yield ("logs", new) if new else None
            if segments:
                if attempt != prediction.attempt:  # a run that was lost begins again
                    first, attempt = 0, prediction.attempt
                found = await context.heard.segments(prediction_id, first)
                if found:
                    yield "segments", json.dumps({"first": first, "segments": found})
                first += len(found)
            if prediction.terminal:
                break
            await changes.next()
    for last in await _last(context, prediction):
        yield last


async def _last(context: Context, prediction: Prediction) -> list[tuple[str, str]]:
    if prediction.status is Status.SUCCEEDED:
        found = await context.store.get_with_output(prediction.id)
        output = found[1] if found else None
        return [("output", _ascii(output or b"null")), ("done", "{}")]
    ending = ("done", json.dumps({"reason": _REASONS[prediction.status]}))
    if prediction.status is Status.FAILED:
        return [("error", json.dumps({"detail": prediction.error})), ending]
    return [ending]


def _ascii(document: bytes) -> str:
    """JSON text in ASCII: some clients take more than a newline for the end of a line."""
    return json.dumps(json.loads(document))
