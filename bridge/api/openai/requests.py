"""A form in OpenAI's words as a `Request`."""

from dataclasses import dataclass

from aiohttp import web

from bridge.api.forms import discard, read_form
from bridge.api.openai.fields import OpenAIFields
from bridge.api.origin import asked
from bridge.context import CONTEXT
from bridge.intake.accept import Request
from transcription.errors import InvalidAudio

STREAMED = ("json", "text", "diarized_json")
# Segments are told a batch at a time: in one of 64, five minutes would all come at once. None can
# be told before all speech is found, for which the default detector takes longest on a CPU.
_EARLY = {"batch_size": 2, "vad_method": "silero"}


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
        fields = OpenAIFields(form.texts, context)
        wanted, granularities = fields.format(task), fields.granularities()
        # As OpenAI has it for whisper-1: what cannot be streamed is answered at once.
        stream = fields.boolean("stream") and wanted in STREAMED
        inputs = {**(_EARLY if stream else {}), **fields.inputs_for(task)}
    except BaseException:
        discard(context, form)
        raise
    parsed = asked(request, inputs, form.upload)
    return Asked(parsed, wanted, granularities, stream)
