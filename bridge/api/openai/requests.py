"""A form in OpenAI's words as a `Request`: field by field, as inputs of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bridge.api.fields import Fields
from bridge.api.formats import FORMATS
from bridge.api.forms import discard, read_form
from bridge.api.openai.chunking import STRATEGY, chunking
from bridge.api.openai.models import DIARIZING, model_of
from bridge.api.openai.render import GRANULARITIES
from bridge.api.origin import asked
from bridge.context import CONTEXT, Context
from bridge.intake.accept import Request
from transcription.errors import InvalidAudio, InvalidInput, not_one_of
from transcription.options import NAMES

INCLUDED = ("logprobs",)
STREAMED = ("json", "text", "diarized_json")
# Segments come a batch at a time: in one of 64, five minutes would all come at once. None can
# come before all speech is found, for which the default detector takes longest on a CPU.
_EARLY = {"batch_size": 2, "vad_method": "silero"}
# Inputs of ours that come in OpenAI's words, or that the route decides.
_TAKEN = frozenset(
    {"task", "whisper_model", "initial_prompt", "known_speaker_names", "known_speaker_references"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a client wants the answer."""

    format: str
    granularities: frozenset[str]
    stream: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants done, and how it wants the answer."""

    request: Request
    answer: Answer


async def read(request: web.Request, task: str) -> Asked:
    """The form of a request for ``task``. Raises InvalidInput or an HTTP error."""
    context = request.app[CONTEXT]
    most = context.settings.openai_max_megabytes << 20
    form = await read_form(request, {"file": "audio_file"}, most or None)
    try:
        if form.upload is None:
            raise InvalidAudio("is required, as a file")
        answer = _answer(form.fields, task)
        inputs = _wanted(context, form.fields, task, answer)
    except BaseException:
        discard(context, form.upload)
        raise
    return Asked(asked(request, inputs, form.upload), answer)


def _answer(fields: Fields, task: str) -> Answer:
    """How a form for ``task`` wants the answer. Raises InvalidInput."""
    form = _format(fields, task)
    granularities = fields.choices("timestamp_granularities", GRANULARITIES) or ["segment"]
    # As OpenAI has it for whisper-1: what cannot be streamed is answered at once.
    stream = fields.boolean("stream") and form in STREAMED
    return Answer(form, frozenset(granularities), stream)


def _wanted(context: Context, fields: Fields, task: str, answer: Answer) -> dict[str, Any]:
    """The inputs of a prediction for ``task``. Raises InvalidInput."""
    labelled = answer.format == "diarized_json"
    given = {
        **known_speakers(fields),
        **_chunking(fields),
        "hotwords": " ".join(fields.many("keywords")),
        **own_inputs(fields),
        "task": task,
        "initial_prompt": fields.one("prompt"),
    }
    # Only read here: a model that is not served is refused before either of them.
    included, languages = fields.words("include"), languages_of(fields)
    model = model_of(context, fields.one("model"))
    inputs = {
        "diarization": labelled or model.alias == DIARIZING,
        **given,
        "whisper_model": model.served,
        **_logprobs(included, answer.format),
        "language": only_language(languages),
    }
    if labelled and inputs["diarization"] is False:
        raise InvalidInput("diarization", "false contradicts response_format=diarized_json")
    present = {name: value for name, value in inputs.items() if value not in (None, "")}
    return {**_EARLY, **present} if answer.stream else present


def _format(fields: Fields, task: str) -> str:
    choices = tuple(FORMATS)
    if task == "translate":  # a client that parses it expects the words as they were spoken
        choices = tuple(name for name in choices if name != "diarized_json")
    return fields.choice("response_format", "json", choices)


def own_inputs(fields: Fields) -> dict[str, Any]:
    """The inputs of ours that OpenAI has no words for, and those with the same name."""
    return fields.inputs([name for name in NAMES if name not in _TAKEN])


def _chunking(fields: Fields) -> dict[str, Any]:
    """Members of the strategy may come as fields of their own. Raises InvalidInput."""
    given = {name: text[-1] for name, text in fields.texts.items() if name.startswith(STRATEGY)}
    return chunking(given) if given else {}


def known_speakers(fields: Fields) -> dict[str, Any]:
    """Who is known, which is reason enough to tell speakers apart. Raises InvalidInput."""
    names, samples = fields.many("known_speaker_names"), fields.many("known_speaker_references")
    if len(names) != len(samples):
        reason = f"{len(samples)} for {len(names)} known_speaker_names; one each is needed"
        raise InvalidInput("known_speaker_references", reason)
    known = {"known_speaker_names": names, "known_speaker_references": samples}
    return {"diarization": True, **known} if names else {}


def languages_of(fields: Fields) -> list[str]:
    """``language``, or else all of ``languages``."""
    one = fields.one("language")
    return fields.words("languages") if one is None else [one]


def only_language(languages: Sequence[str]) -> str | None:
    """The language, None where none is named. Raises InvalidInput for several."""
    if len(languages) > 1:
        reason = "name one, or none: among several the service finds out by itself"
        raise InvalidInput("languages", reason)
    return next(iter(languages), None)


def _logprobs(included: Sequence[str], form: str) -> dict[str, Any]:
    """What ``include`` asks for. Raises InvalidInput where ``form`` cannot hold it."""
    for word in included:
        if word.lower() not in INCLUDED:
            raise not_one_of("include", word, INCLUDED)
    if included and form != "json":
        raise InvalidInput("include", "logprobs need response_format=json")
    return {"logprobs": True} if included else {}
