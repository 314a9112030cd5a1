"""A transcript and its corrections: read them, save more."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from bridge.api import listening
from bridge.api.bodies import read_content
from bridge.api.ids import id_in
from bridge.api.replicate.render import time_text
from bridge.api.waiting import Result, load, load_corrected
from bridge.context import CONTEXT
from bridge.records.revisions import Revision
from transcription.errors import InvalidInput
from transcription.reading import from_json
from transcription.revision import MAX_EDITS, revised
from transcription.wire import to_wire

MAX_BYTES = 2 << 20  # of a request; three hours with every segment rewritten are half of it
_TAG = re.compile(r'(?:W/)?"(\d{1,9})"', re.ASCII)  # proxies that compress make a tag weak


async def get(request: web.Request) -> web.Response:
    """Shows a transcript with all corrections, and the list of them."""
    context, prediction_id = request.app[CONTEXT], id_in(request)
    revision = await context.revisions.get(prediction_id)
    result = await load_corrected(context, prediction_id)
    body = {
        **_described(request, result, revision),
        "edits": list(revision.edits),
        "transcript": None,
    }
    text = json.dumps(body).encode()
    # The last one is ours: nothing that a client has a say in follows it.
    head, _, tail = text.rpartition(b'"transcript": null')
    return web.Response(
        body=head + b'"transcript": ' + result.document + tail,
        content_type="application/json",
        headers={"ETag": _tag(revision)},
    )


async def put(request: web.Request) -> web.Response:
    """Saves corrections of the first output as a revision.

    ``If-Match`` names the revision that was corrected, as GET's ``ETag`` does.
    """
    context, prediction_id = request.app[CONTEXT], id_in(request)
    edits = await _edits(request)
    result = await load(context, prediction_id)
    current = await context.revisions.get(prediction_id)
    corrected = _corrected(request.headers.get("If-Match"), current)
    # Away from the loop: hundreds of edits of hours of speech take a moment.
    transcript = await asyncio.to_thread(revised, result.transcript, edits)
    saved = await context.revisions.save(
        prediction_id, corrected, edits, to_wire(transcript), datetime.now(UTC)
    )
    if saved is None:
        raise _conflict(await context.revisions.get(prediction_id))
    return web.json_response(_described(request, result, saved), headers={"ETag": _tag(saved)})


def _described(request: web.Request, result: Result, revision: Revision) -> dict[str, Any]:
    """What a revision shows besides its text."""
    context = request.app[CONTEXT]
    ended = result.prediction.completed_at
    assert ended is not None
    expires_at = ended + timedelta(seconds=context.settings.result_ttl)
    return {
        "id": result.prediction.id.public,
        "revision": revision.number,
        "saved_at": time_text(revision.saved_at),
        "expires_at": None if revision.number else time_text(expires_at),
        "recording": listening.described(request, result.prediction, revision),
    }


async def _edits(request: web.Request) -> Sequence[Mapping[str, Any]]:
    """The edits that were sent; whether they can be made is another question."""
    try:
        body = from_json(await read_content(request, MAX_BYTES))
    except ValueError:
        raise web.HTTPBadRequest(text="The body is not valid JSON.") from None
    edits = body.get("edits") if isinstance(body, dict) else None
    if not isinstance(edits, list):
        raise InvalidInput("edits", "must be a list of edits")
    if len(edits) > MAX_EDITS:
        raise InvalidInput("edits", f"must be at most {MAX_EDITS} edits")
    return edits


def _corrected(given: str | None, current: Revision) -> int:
    """The number of the revision that was corrected. Raises unless it is the current one."""
    if given is None:
        raise web.HTTPPreconditionRequired(
            text="Send the ETag of the transcript that you corrected as If-Match."
        )
    if given.strip() != "*" and str(current.number) not in _TAG.findall(given):
        raise _conflict(current)
    return current.number


def _conflict(current: Revision) -> web.HTTPPreconditionFailed:
    return web.HTTPPreconditionFailed(
        text=f"The transcript was corrected meanwhile: it is at revision {current.number}.",
        headers={"ETag": _tag(current)},
    )


def _tag(revision: Revision) -> str:
    return f'"{revision.number}"'
