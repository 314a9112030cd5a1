"""Where Cog calls back: a listener on loopback, with an address of its own for every run."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from redis.exceptions import RedisError

from bridge.cog.client import Ended, NotAccepted, RunLost, parse_run
from bridge.cog.monitor import Announcement, Monitor
from bridge.links import Links
from bridge.recordings.files import Files
from bridge.records.heard import Heard, News
from bridge.records.prediction import Event, Finished, Progressed, Started, Stopped
from bridge.records.tenants import Key
from transcription.reading import from_json

MAX_WEBHOOK_BYTES = 200 << 20  # a day of speech with word times stays below this

_log = logging.getLogger(__name__)

Apply = Callable[[Key, Event, Any], Awaitable[object]]
AddPeaks = Callable[[Key, Mapping[str, Any]], Awaitable[object]]


def build_internal_app(  # noqa: PLR0913, PLR0917 - what Cog may tell, each with who takes it
    links: Links,
    files: Files,
    monitor: Monitor,
    apply: Apply,
    heard: Heard,
    add_peaks: AddPeaks,
) -> web.Application:
    """The listener's routes. ``apply`` advances a record by an event."""

    async def webhook(request: web.Request) -> web.Response:
        prediction_id, number = Key(request.match_info["id"]), request.match_info["attempt"]
        links.check(request, "webhook", prediction_id, number)
        event, output = _event(int(number), await _object(request))
        try:
            if event is not None:
                await apply(prediction_id, event, output)
        except RedisError:
            # Cog drops a webhook that is answered 4xx; on 503 it tries for minutes.
            _log.warning("prediction %s: Redis does not answer; Cog will call again", prediction_id)
            return web.Response(status=503)
        return web.Response()

    async def segments(request: web.Request) -> web.Response:
        prediction_id, number = Key(request.match_info["id"]), request.match_info["attempt"]
        links.check(request, "segments", prediction_id, number)
        keep = _keeping(await _object(request), heard, add_peaks)
        try:
            await keep(prediction_id, int(number))
        except RedisError:
            return web.Response(status=503)  # they come again with the next ones
        return web.Response()

    async def audio(request: web.Request) -> web.FileResponse:
        recording = request.match_info["recording"]
        links.check(request, "audio", recording)
        path = files.path(recording)
        if not path.exists():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"})

    app = web.Application(client_max_size=MAX_WEBHOOK_BYTES)
    app.router.add_post("/webhook/{id}/{attempt:[0-9]+}/{signature}", webhook)
    app.router.add_post("/segments/{id}/{attempt:[0-9]+}/{signature}", segments)
    app.router.add_get("/heard/{id}/{attempt:[0-9]+}/{signature}", _batches_handler(links, heard))
    app.router.add_get("/audio/{recording}/{signature}", audio)
    app.router.add_post("/worker", _worker_handler(monitor))
    return app


async def _object(request: web.Request) -> dict[str, Any]:
    """The body. Raises HTTPBadRequest: sent again, it would be no better."""
    try:
        body = from_json(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest
    return body


def _worker_handler(monitor: Monitor) -> Handler:
    async def worker(request: web.Request) -> web.Response:
        try:
            monitor.worker = Announcement.from_body(await _object(request))
        except (KeyError, TypeError, ValueError):
            raise web.HTTPBadRequest from None
        return web.Response()

    return worker


def _batches_handler(links: Links, heard: Heard) -> Handler:
    async def batches(request: web.Request) -> web.Response:
        prediction_id, number = Key(request.match_info["id"]), request.match_info["attempt"]
        links.check(request, "heard", prediction_id, number)
        try:
            found = await heard.batches(prediction_id)
        except RedisError:
            return web.Response(status=503)  # the run begins at the beginning
        return web.json_response({"batches": found})

    return batches


def _keeping(
    body: Any, heard: Heard, add_peaks: AddPeaks
) -> Callable[[Key, int], Awaitable[object]]:
    """Keeps what the predictor reported of a run: how loud the recording is, or segments."""
    match body:
        case {"peaks": {"per_second": int() | float(), "peaks": [*levels]} as peaks_body} if all(
            isinstance(level, int) for level in levels
        ):
            return lambda prediction_id, _: add_peaks(prediction_id, peaks_body)
    news = _news(body)
    return lambda prediction_id, attempt: heard.add(prediction_id, attempt, news)


def _news(body: Any) -> News:
    """Raises HTTPBadRequest for what the predictor never sends."""
    match body:
        case {"first": int(first), "segments": [*found], "batches": [*batches]} if (
            first >= 0
            and all(isinstance(s, dict) and isinstance(s.get("text"), str) for s in found)
            and all(isinstance(b, dict) and isinstance(b.get("first"), int) for b in batches)
        ):
            return News(first, found, batches)
    raise web.HTTPBadRequest


def _event(attempt: int, body: Any) -> tuple[Event | None, Any]:
    """What a webhook means, and the output it carries. Raises HTTPBadRequest."""
    try:
        run = parse_run(body)
    except RunLost:
        return Stopped(attempt), None
    except NotAccepted:  # it will be offered again
        return None, None
    except ValueError:
        raise web.HTTPBadRequest from None
    match run.status:
        case "starting" | "processing":
            return _running_event(attempt, run), None
        case "succeeded" | "failed":
            return Finished(attempt, run.logs, run.metrics, run.error), run.output
        case "canceled":
            return Stopped(attempt, run.logs), None
        case _:
            return None, None


def _running_event(attempt: int, run: Ended) -> Event:
    """Cog's `start` webhook comes first and empty; the others carry the log so far."""
    if run.logs or run.metrics:
        return Progressed(attempt, run.logs, run.metrics)
    return Started(attempt)
