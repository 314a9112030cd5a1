"""A form in OpenAI's words as a `Request`."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bridge.api.formats import FORMATS
from bridge.api.forms import discard, read_form
from bridge.api.openai.fields import DIARIZING, Fields
from bridge.api.openai.render import GRANULARITIES
from bridge.api.origin import base_url, with_repeat
from bridge.context import CONTEXT
from bridge.intake.accept import Request
from transcription.errors import InvalidAudio, InvalidInput

STREAMED = ("json", "text", "diarized_json")
# Segments are told a batch at a time: in one of 64, five minutes would all come at once. None can
# be told before all speech is found, for which the default detector takes longest on a CPU.
_EARLY = {"batch_size": 2, "vad_method": "silero"}
_REFERENCE_BYTES = 8 << 20  # of a known speaker's sample: ten seconds at studio quality, as base64


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
    form = await read_form(request, {"file": "audio_file"}, _REFERENCE_BYTES, most or None)
    try:
        if form.upload is None:
            raise InvalidAudio("is required, as a file")
        fields = Fields(form.texts, context)
        stream = fields.choice("stream", "false", ("true", "false")) == "true"
        inputs = {**(_EARLY if stream else {}), **_inputs(fields, task)}
        wanted, granularities = _format(fields, task, stream=stream), _granularities(fields)
    except BaseException:
        discard(context, form)
        raise
    parsed = Request(inputs=inputs, upload=form.upload, base_url=base_url(request))
    return Asked(with_repeat(request, parsed), wanted, granularities, stream)


def _inputs(fields: Fields, task: str) -> dict[str, Any]:
    for name in fields.many("include"):
        raise InvalidInput("include", f"{name[:60]!r} cannot be had: the engine does not tell it")
    labelled = fields.one("response_format") == "diarized_json"
    inputs = {
        **fields.speakers(diarize=labelled or fields.one("model") == DIARIZING),
        **fields.chunking(),
        "hotwords": " ".join(fields.many("keywords")),
        **fields.own(),
        **fields.model(),
        "task": task,
        "initial_prompt": fields.one("prompt"),
        "language": fields.language(),
    }
    return {name: value for name, value in inputs.items() if value not in (None, "")}


def _format(fields: Fields, task: str, *, stream: bool) -> str:
    choices: tuple[str, ...] = STREAMED if stream else tuple(FORMATS)
    if task == "translate":  # a client that parses it expects the words as they were spoken
        choices = tuple(name for name in choices if name != "diarized_json")
    return fields.choice("response_format", "json", choices)


def _granularities(fields: Fields) -> frozenset[str]:
    given = fields.many("timestamp_granularities") or ["segment"]
    for name in given:
        if name not in GRANULARITIES:
            reason = f"{name[:60]!r} is not one of {', '.join(GRANULARITIES)}"
            raise InvalidInput("timestamp_granularities", reason)
    return frozenset(given)
