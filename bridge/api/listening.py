"""What was transcribed, for the ear and the eye: its sound where that is kept, and its peaks."""

import mimetypes
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from bridge.api.access import note
from bridge.api.errors import problem
from bridge.api.filenames import shown_name
from bridge.api.ids import id_in
from bridge.api.origin import base_url
from bridge.api.replicate.render import time_text
from bridge.context import CONTEXT
from bridge.recordings.files import kept
from bridge.records.prediction import Prediction
from bridge.records.revisions import Revision

_NO_PEAKS = b'{"per_second":1,"peaks":[]}'
_GONE = "There is no sound of this prediction here, or not any more."


async def peaks(request: web.Request) -> web.Response:
    """Shows how loud the recording is from moment to moment."""
    context, prediction_id = request.app[CONTEXT], id_in(request)
    found = await context.store.peaks(prediction_id)
    if found is None and await context.store.status(prediction_id) is None:
        return problem(404, "There is no prediction with this id; results expire.")
    response = web.Response(body=found or _NO_PEAKS, content_type="application/json")
    response.enable_compression()
    return response


async def recording(request: web.Request) -> web.StreamResponse:
    """Serves the sound; the signed link is the permission."""
    context = request.app[CONTEXT]
    prediction_id = context.links.opened("recording", request.match_info["id"], request.query)
    if prediction_id is None:
        return problem(403, "The link has expired or is not one of ours.")
    note(request, prediction_id)
    prediction = await context.store.get(prediction_id)
    path = context.files.path(kept(prediction.recording)) if prediction is not None else None
    if prediction is None or path is None or not path.exists():
        return problem(404, _GONE)
    kind = mimetypes.guess_type(shown_name(prediction.input))[0] or ""
    return web.FileResponse(
        path,
        headers={
            # Never shown in a browser as a page of ours, whatever the file claims to be.
            "Content-Type": kind if kind.startswith(("audio/", "video/")) else "audio/*",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Content-Disposition": "inline",
            "X-Content-Type-Options": "nosniff",
        },
    )


def described(
    request: web.Request, prediction: Prediction, revision: Revision
) -> dict[str, Any] | None:
    """Where the sound is, and until when; None where it is not kept."""
    context = request.app[CONTEXT]
    path = context.files.path(kept(prediction.recording))
    if not path.exists():
        return None
    since = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    until = since + timedelta(seconds=context.settings.sound_seconds)
    return {
        "url": context.links.recording(base_url(request), prediction.id),
        "expires_at": None if revision.number else time_text(until.replace(microsecond=0)),
    }
