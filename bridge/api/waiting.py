"""Answers that hold a connection: queue the work, wait for its end, and never depend on waiting.

The prediction goes on when its client goes away. Every answer of these routes has its id in a
header, so that the result can be fetched later.
"""

import json
from dataclasses import dataclass, replace

from aiohttp import web

from bridge.api.access import note
from bridge.context import CONTEXT, Context
from bridge.intake.accept import Accepted, Request
from bridge.records.prediction import Prediction, Status
from bridge.records.tenants import Key
from transcription.cues import USUAL, Layout
from transcription.errors import InvalidInput
from transcription.options import AUDIO_NAMES, NAMES
from transcription.transcript import Transcript
from transcription.wire import from_wire

ID_HEADER = "x-prediction-id"
_ID = web.RequestKey("prediction_id", str)
# The official clients send a request again after a 409 or 5xx: the outcome would be the same.
_FINAL = {"x-should-retry": "false"}


@dataclass(frozen=True, slots=True)
class Result:
    """A prediction that succeeded, and what it found; ``document`` is its output as stored."""

    prediction: Prediction
    transcript: Transcript
    document: bytes
    layout: Layout = USUAL
    """How its subtitles were asked for."""


async def begin(request: web.Request, asked: Request) -> Accepted:
    """Record and queue what is asked. Raises what `Intake.accept` does."""
    accepted = await request.app[CONTEXT].intake.accept(asked)
    request[_ID] = accepted.prediction.id.public
    note(request, accepted.prediction.id)
    return accepted


async def finish(request: web.Request, asked: Request, seconds: int | None = None) -> Result:
    """Begin, and wait for the result. Raises what `begin` and `load` do.

    Past ``seconds``, or else ``SYNC_TIMEOUT``, it raises HTTPGatewayTimeout, and the prediction
    goes on.
    """
    context = request.app[CONTEXT]
    prediction = (await begin(request, asked)).prediction
    patience = seconds or context.settings.sync_timeout
    if not prediction.terminal and not await context.watch.ended(prediction.id, patience):
        public = prediction.id.public
        raise web.HTTPGatewayTimeout(
            text=f"Not finished after {patience} s; it goes on as prediction {public}. "
            f"GET /v1/predictions/{public}/output has the result when it is there.",
            headers=_FINAL,
        )
    return await load(context, prediction.id)


async def load(context: Context, prediction_id: Key) -> Result:
    """The result of a prediction that has ended.

    Raises HTTPNotFound, InvalidInput where its input was to blame, HTTPInternalServerError where
    it failed otherwise, HTTPConflict where it was canceled or has not ended.
    """
    found = await context.store.get_with_output(prediction_id)
    if found is None:
        raise web.HTTPNotFound(text="There is no prediction with this id; results expire.")
    prediction, output = found
    match prediction.status:
        case Status.SUCCEEDED if output is not None:
            layout = Layout.from_inputs(prediction.input)
            return Result(prediction, from_wire(json.loads(output)), output, layout)
        case Status.FAILED:
            raise _failure(prediction.error or "")
        case status:
            retry = _FINAL if prediction.terminal else {"Retry-After": "2"}
            raise web.HTTPConflict(text=f"The prediction is {status}.", headers=retry)


async def load_corrected(context: Context, prediction_id: Key) -> Result:
    """The same with all corrections. Raises what `load` does."""
    result = await load(context, prediction_id)
    document = await context.revisions.output(prediction_id)
    if document is None:
        return result
    return replace(result, transcript=from_wire(json.loads(document)), document=document)


async def add_id(request: web.Request, response: web.StreamResponse) -> None:
    """Adds the header to whatever is answered, errors included."""
    if _ID in request:
        response.headers[ID_HEADER] = request[_ID]


def _failure(error: str) -> Exception:
    """Our own errors name the input that is to blame, as ``name: reason``."""
    name, _, reason = error.partition(": ")
    if name in NAMES or name in AUDIO_NAMES:
        return InvalidInput(name, reason)
    return web.HTTPInternalServerError(text=f"The transcription failed: {error}", headers=_FINAL)
