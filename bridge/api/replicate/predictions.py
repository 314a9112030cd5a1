"""Predictions: create, get, list, cancel, erase."""

import math
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from yarl import URL

from bridge.api.errors import problem
from bridge.api.origin import base_url
from bridge.api.replicate.paging import cursor_of, moment, parse_cursor
from bridge.api.replicate.render import prediction_object, with_output
from bridge.api.replicate.requests import (
    check_version,
    events_of,
    inputs_of,
    read,
    read_object,
    wait_seconds,
)
from bridge.context import CONTEXT, Context
from bridge.intake.accept import check_id
from bridge.intake.forward import applies
from bridge.records.prediction import Prediction, Status
from bridge.records.store import Place

PAGE = 100  # predictions per page of the list
_MARGIN_SECONDS = 0.3  # the answer has to leave before the client's patience ends


async def create(request: web.Request) -> web.Response:
    """``POST /predictions`` and ``PUT /predictions/{id}``: 201 and the record.

    With ``Prefer: wait`` the answer is held until the prediction has ended; if it does not end in
    time the answer says `starting`: clients take any other status for the end.
    """
    context = request.app[CONTEXT]
    body = await read_object(request)
    if body is not None and applies(context.settings, body):
        return await _forward(request, context, body)
    accepted = await context.intake.accept(await read(request, body))
    prediction = accepted.prediction
    seconds = wait_seconds(request.headers.get("Prefer", ""))
    ended = prediction.terminal or (
        seconds > 0 and await context.watch.ended(prediction.id, seconds - _MARGIN_SECONDS)
    )
    if ended:
        return await _answer(request, prediction.id, status=201)
    rendered = await _object(context, prediction, base_url(request), accepted.place)
    if seconds > 0:
        rendered["status"] = Status.STARTING.value
    return web.json_response(rendered, status=201)


async def _forward(request: web.Request, context: Context, body: Mapping[str, Any]) -> web.Response:
    """Hand the request to Cog as it is, once it is known to be one; Cog's own answer."""
    check_version(body, context, request.match_info)
    events_of(body["webhook_events_filter"])
    given = {**body, "input": inputs_of(body)}
    asked_id = request.match_info.get("id", body.get("id"))
    if asked_id is not None:
        given["id"] = check_id(asked_id)
    status, told = await context.forward.send(given)
    if status >= 400:
        return problem(status, f"The predictor refused the request: {str(told)[:500]}")
    return web.json_response(told, status=status)


async def get(request: web.Request) -> web.Response:
    """``GET /predictions/{id}``: the record, whatever state it is in."""
    return await _answer(request, check_id(request.match_info["id"]))


async def cancel(request: web.Request) -> web.Response:
    """``POST /predictions/{id}/cancel``: the record; it is `canceled` now or soon."""
    prediction_id = check_id(request.match_info["id"])
    await request.app[CONTEXT].lifecycle.cancel(prediction_id)
    return await _answer(request, prediction_id)


async def erase(request: web.Request) -> web.Response:
    """``DELETE /predictions/{id}``: stop it, forget it, and delete its recording. 204."""
    context = request.app[CONTEXT]
    prediction_id = check_id(request.match_info["id"])
    prediction = await context.lifecycle.cancel(prediction_id)
    if prediction is None or not await context.store.erase(prediction_id):
        return _unknown()
    context.files.remove(*(one.name for one in prediction.recordings))
    return web.Response(status=204)


async def list_all(request: web.Request) -> web.Response:
    """``GET /predictions``: newest first, a page at a time; ``next`` is an absolute URL."""
    context = request.app[CONTEXT]
    since = moment(request, "created_after", -math.inf)
    until = moment(request, "created_before", math.inf)
    cursor = request.query.get("cursor")
    before = parse_cursor(cursor) if cursor else None
    found = await context.store.newest(before, PAGE + 1, since, until)
    page, base = found[:PAGE], base_url(request)
    following = None
    if len(found) > PAGE:
        query = {**request.query, "cursor": cursor_of(page[-1])}
        following = str(URL(f"{base}/v1/predictions").with_query(query))
    # Without logs and output, which would make a page of hours of speech too large.
    results = [prediction_object(entry, base, context.links, {}) | {"logs": ""} for entry in page]
    return web.json_response({"previous": None, "next": following, "results": results})


async def _answer(request: web.Request, prediction_id: str, status: int = 200) -> web.Response:
    context = request.app[CONTEXT]
    found = await context.store.get_with_output(prediction_id)
    if found is None:
        return _unknown()
    prediction, output = found
    rendered = await _object(context, prediction, base_url(request))
    return web.Response(
        body=with_output(rendered, output), status=status, content_type="application/json"
    )


async def _object(
    context: Context, prediction: Prediction, base: str, place: Place | None = None
) -> dict[str, Any]:
    queued = await context.place_in_queue(prediction, place)
    return prediction_object(prediction, base, context.links, queued)


def _unknown() -> web.Response:
    return problem(404, "There is no prediction with this id; results expire.")
