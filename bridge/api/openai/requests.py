"""A form in OpenAI's words as a `Request`."""

from dataclasses import dataclass

from aiohttp import web

from bridge.api.forms import discard, read_form
from bridge.api.openai.fields import OpenAIFields
from bridge.api.origin import asked
from bridge.context import CONTEXT
from bridge.intake.accept import Request
from transcription.errors import InvalidAudio


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants done, and how it wants the answer."""

    request: Request
    format: str
    granularities: frozenset[str]
    stream: bool


async def read(request: web.Request, task: str) -> Asked:
    """The form of a request for ``task``. Raises InvalidInput or an HTTP error."""
    context = request.app[CONTEXT]
    most = context.settings.openai_max_megabytes << 20
    form = await read_form(request, {"file": "audio_file"}, most or None)
    try:
        if form.upload is None:
            raise InvalidAudio("is required, as a file")
        wanted = OpenAIFields(form.texts, context).wanted(task)
    except BaseException:
        discard(context, form)
        raise
    parsed = asked(request, wanted.inputs, form.upload)
    return Asked(parsed, wanted.format, wanted.granularities, wanted.stream)
