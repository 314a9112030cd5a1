"""Predictions: create, get, list, cancel, erase."""

import math
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from yarl import URL

from bridge.api.access import note
from bridge.api.auth import tenant_of
from bridge.api.errors import problem
from bridge.api.ids import id_in
from bridge.api.origin import base_url
from bridge.api.replicate.paging import cursor_of, moment, parse_cursor
from bridge.api.replicate.render import prediction_body, prediction_object
from bridge.api.replicate.requests import read
from bridge.api.waiting import begin
from bridge.context import CONTEXT, Context
from bridge.recordings.files import kept
from bridge.records.pace import QueuePlace
from bridge.records.prediction import Prediction, Status
from bridge.records.tenants import Key

PAGE = 100  # predictions per page of the list
_MARGIN_SECONDS = 0.3  # the answer has to leave before the client's patience ends


async def create(request: web.Request) -> web.Response:
    """Creates a prediction; answers its record.

    With ``Prefer: wait`` the answer is held until the prediction has ended; if it does not end in
    time the answer says `starting`: clients take any other status for the end.
    """
    context, asked = request.app[CONTEXT], await read(request)
    if asked.forwarded is not None:
        return await _forward(context, asked.forwarded)
    accepted = await begin(request, asked.request)
    prediction, base = accepted.prediction, asked.request.origin.base_url
    ended = prediction.terminal or (
        asked.wait > 0 and await context.watch.ended(prediction.id, asked.wait - _MARGIN_SECONDS)
    )
    if ended:
        return await _stored(context, prediction.id, base, status=201)
    queued = await _queued(context, prediction, accepted.place)
    rendered = prediction_object(prediction, base, context.links, queued)
    if asked.wait > 0:
        rendered["status"] = Status.STARTING.value
    return web.json_response(rendered, status=201)


async def _forward(context: Context, body: Mapping[str, Any]) -> web.Response:
    """Hand the request to Cog as it is; Cog's own answer."""
    status, answer = await context.forward.send(body)
    if status >= 400:
        return problem(status, f"The predictor refused the request: {str(answer)[:500]}")
    return web.json_response(answer, status=status)


async def get(request: web.Request) -> web.Response:
    """Shows a prediction's record, whatever state it is in."""
    return await _stored(request.app[CONTEXT], id_in(request), base_url(request))


async def cancel(request: web.Request) -> web.Response:
    """Cancels a prediction; its record is `canceled` now or soon."""
    context = request.app[CONTEXT]
    prediction = await context.lifecycle.cancel(id_in(request))
    if prediction is None:
        return _unknown()
    if prediction.status is Status.SUCCEEDED:  # it came too late, and the answer has the output
        return await _stored(context, prediction.id, base_url(request))
    return await _answer(context, prediction, None, base_url(request))


async def erase(request: web.Request) -> web.Response:
    """Deletes a prediction with all that belongs to it; stops it first if it runs."""
    context = request.app[CONTEXT]
    prediction_id = id_in(request)
    prediction = await context.lifecycle.cancel(prediction_id)
    if prediction is None or not await context.store.erase(prediction_id):
        return _unknown()
    names = [one.name for one in prediction.recordings]
    context.files.remove(*names, kept(prediction.recording))
    return web.Response(status=204)


async def list_all(request: web.Request) -> web.Response:
    """Lists predictions, newest first, a page at a time; `next` is the URL of the next page."""
    context, tenant = request.app[CONTEXT], tenant_of(request)
    since = moment(request, "created_after", -math.inf)
    until = moment(request, "created_before", math.inf)
    cursor = request.query.get("cursor")
    before = parse_cursor(cursor, tenant) if cursor else None
    found = await context.store.newest(tenant, before, PAGE + 1, since, until)
    page, base = found[:PAGE], base_url(request)
    note(request, *(entry.id for entry in page))
    following = None
    if len(found) > PAGE:
        query = {**request.query, "cursor": cursor_of(page[-1])}
        following = str(URL(f"{base}/v1/predictions").with_query(query))
    # Without logs and output, which would make a page of hours of speech too large.
    results = [prediction_object(entry, base, context.links, {}) | {"logs": ""} for entry in page]
    return web.json_response({"previous": None, "next": following, "results": results})


async def _stored(
    context: Context, prediction_id: Key, base: str, status: int = 200
) -> web.Response:
    """The record as it is stored now, with its output."""
    found = await context.store.get_with_output(prediction_id)
    return _unknown() if found is None else await _answer(context, *found, base, status)


async def _answer(
    context: Context, prediction: Prediction, output: bytes | None, base: str, status: int = 200
) -> web.Response:
    queued = await _queued(context, prediction)
    body = prediction_body(prediction, output, base, context.links, queued)
    return web.Response(body=body, status=status, content_type="application/json")


async def _queued(
    context: Context, prediction: Prediction, known: QueuePlace | None = None
) -> dict[str, Any]:
    """For a prediction that waits: how many are ahead of it, and for about how long."""
    if prediction.status is not Status.STARTING:
        return {}
    place = known or await context.store.place(prediction.id)
    if place is None:
        return {}
    shown: dict[str, Any] = {"queue_position": place.ahead}
    if place.seconds is not None:
        slots = max(context.settings.cog_slots, 1)
        shown["estimated_wait_seconds"] = round(place.seconds / slots, 1)
    return shown


def _unknown() -> web.Response:
    return problem(404, "There is no prediction with this id; results expire.")
