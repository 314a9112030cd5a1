"""A stored result in any format, without a new run."""

from dataclasses import fields, replace

from aiohttp import web

from bridge.api.formats import FORMATS, answer
from bridge.api.openai.render import GRANULARITIES
from bridge.api.waiting import load
from bridge.context import CONTEXT
from bridge.intake.accept import check_id
from transcription.cues import Layout
from transcription.errors import InvalidInput
from transcription.subtitles import txt

WHOLE = "json"  # all that is stored: more than OpenAI's format of this name tells
LAYOUT = tuple(knob.name for knob in fields(Layout))
NAMES = tuple(sorted({*FORMATS, "txt"}))


async def output(request: web.Request) -> web.Response:
    """A result that was transcribed before, in the format asked for."""
    context, prediction_id = request.app[CONTEXT], check_id(request.match_info["id"])
    name = request.query.get("format", WHOLE)
    if name not in NAMES:
        raise InvalidInput("format", f"{name[:60]!r} is not one of {', '.join(NAMES)}")
    asked = {knob: request.query[knob] for knob in LAYOUT if knob in request.query}
    changed = context.intake.inputs.from_texts(asked)
    result = await load(context, prediction_id)
    layout = Layout.from_inputs({**result.prediction.input, **changed})
    result = replace(result, layout=layout)
    if name == WHOLE:
        return web.Response(body=result.document, content_type="application/json")
    if name == "txt":
        return web.Response(text=txt(result.transcript, layout))
    return answer(result, name, GRANULARITIES)
