"""A form in OpenAI's words as a `Request`."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bridge.api.formats import FORMATS
from bridge.api.forms import discard, read_form
from bridge.api.openai.fields import DIARIZING, OpenAIFields
from bridge.api.openai.render import GRANULARITIES
from bridge.api.origin import asked
from bridge.context import CONTEXT
from bridge.intake.accept import Request
from transcription.errors import InvalidAudio, InvalidInput

INCLUDED = ("logprobs",)
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
        wanted, granularities = _format(fields, task), _granularities(fields)
        # As OpenAI has it for whisper-1: what cannot be streamed is answered at once.
        stream = fields.boolean("stream") and wanted in STREAMED
        inputs = {**(_EARLY if stream else {}), **_inputs(fields, task)}
    except BaseException:
        discard(context, form)
        raise
    parsed = asked(request, inputs, form.upload)
    return Asked(parsed, wanted, granularities, stream)


def _inputs(fields: OpenAIFields, task: str) -> dict[str, Any]:
    labelled = _format(fields, task) == "diarized_json"
    inputs = {
        **fields.speakers(diarize=labelled or fields.alias() == DIARIZING),
        **fields.chunking(),
        "hotwords": " ".join(fields.many("keywords")),
        **fields.own(),
        **fields.model(),
        **_included(fields, task),
        "task": task,
        "initial_prompt": fields.one("prompt"),
        "language": fields.language(),
    }
    if labelled and inputs["diarization"] is False:
        raise InvalidInput("diarization", "must not be false with response_format=diarized_json")
    return {name: value for name, value in inputs.items() if value not in (None, "")}


def _included(fields: OpenAIFields, task: str) -> dict[str, Any]:
    """What is told besides the text. Raises InvalidInput for what the format has no room for."""
    wanted = fields.words("include")
    for name in wanted:
        if name.lower() not in INCLUDED:
            raise InvalidInput("include", f"{name[:60]!r} is not one of {', '.join(INCLUDED)}")
    if not wanted:
        return {}
    if _format(fields, task) != "json":
        raise InvalidInput("include", "logprobs need response_format=json")
    return {"logprobs": True}


def _format(fields: OpenAIFields, task: str) -> str:
    choices = tuple(FORMATS)
    if task == "translate":  # a client that parses it expects the words as they were spoken
        choices = tuple(name for name in choices if name != "diarized_json")
    return fields.choice("response_format", "json", choices)


def _granularities(fields: OpenAIFields) -> frozenset[str]:
    given = [name.lower() for name in fields.words("timestamp_granularities")] or ["segment"]
    for name in given:
        if name not in GRANULARITIES:
            reason = f"{name[:60]!r} is not one of {', '.join(GRANULARITIES)}"
            raise InvalidInput("timestamp_granularities", reason)
    return frozenset(given)
