"""A transcript as it is found: OpenAI's server-sent events."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiohttp import web

from bridge.api import sse
from bridge.api.errors import translate
from bridge.api.openai.render import diarized_segments, languages
from bridge.api.openai.requests import Asked
from bridge.api.refusals import OPENAI, in_the_forms_words
from bridge.api.waiting import begin, load
from bridge.context import CONTEXT, Context
from bridge.records.prediction import TERMINAL
from bridge.records.tenants import Key
from transcription.wire import tokens_to_wire

# Where characters of these stand beside each other, the language writes no space.
_FIRST_UNSPACED, _LAST_UNSPACED = "\u2e80", "\u9fff"  # CJK radicals to CJK unified ideographs

Event = dict[str, Any]


async def stream(request: web.Request, asked: Asked) -> web.StreamResponse:
    """Deltas as segments are recognized, then the whole text, which is the deltas put together.

    With ``diarized_json`` the segments and their speakers come between the two.
    """
    prediction = (await begin(request, asked.request)).prediction
    events = _events(request, prediction.id, asked)
    return await sse.send(request, events)


async def _events(request: web.Request, prediction_id: Key, asked: Asked) -> AsyncIterator[str]:
    """The events' lines in order; "" after each look that found nothing new."""
    context, sent = request.app[CONTEXT], ""
    logprobs: list[Event] | None = [] if asked.request.inputs.get("logprobs") else None
    async for segment in _recognized(context, prediction_id):
        delta = _spaced(sent, segment["text"].strip() if segment else "")
        own = segment.get("logprobs", [])
        yield _delta(delta, None if logprobs is None else own) if delta else ""
        sent += delta
        if logprobs is not None:
            logprobs += own
    try:
        result = await load(context, prediction_id)
    except Exception as error:
        yield _line(await _error(request, error))
        return
    rest = _rest(result.transcript.text, sent)
    whole = None if logprobs is None else tokens_to_wire(result.transcript.tokens)
    if rest:
        yield _delta(rest, None if whole is None else whole[len(logprobs or ()) :])
    if asked.answer.format == "diarized_json":
        for segment in diarized_segments(result.transcript):
            yield _line(segment)
    done = {"text": sent + rest, "languages": languages(result.transcript)}
    extra = {} if whole is None else {"logprobs": whole}
    yield _line({"type": "transcript.text.done", **done, **extra})


async def _recognized(context: Context, prediction_id: Key) -> AsyncIterator[Event]:
    """The segments as they are found; an empty one after each look, until the end."""
    number = 0
    with context.watch.changes(prediction_id) as changes:
        while True:
            status = await context.store.status(prediction_id)
            for segment in await context.heard.segments(prediction_id, number):
                number += 1
                yield segment
            if status is None or status in TERMINAL:
                return
            yield {}
            await changes.next()


async def _error(request: web.Request, error: Exception) -> Event:
    """The answer that a request which is not streamed would get, as an event."""

    async def fail(_: web.Request) -> web.StreamResponse:
        raise error

    answer = await translate(request, in_the_forms_words(OPENAI)(fail))
    assert isinstance(answer, web.Response)
    return {"error": json.loads(answer.text or "")["error"]}


def _line(event: Event) -> str:
    """In ASCII: some clients take more than a newline for the end of a line."""
    return f"data: {json.dumps(event)}"


def _delta(text: str, logprobs: Sequence[Any] | None) -> str:
    extra = {} if logprobs is None else {"logprobs": logprobs}
    return _line({"type": "transcript.text.delta", "delta": text, **extra})


def _spaced(sent: str, text: str) -> str:
    """``text`` with the space that belongs between it and what was sent before."""
    if not sent or not text:
        return text
    unspaced = all(_FIRST_UNSPACED <= c <= _LAST_UNSPACED for c in (sent[-1], text[0]))
    return text if unspaced else f" {text}"


def _rest(whole: str, sent: str) -> str:
    """What of the whole text was not sent yet; nothing where the two do not agree.

    They differ in spaces: sentences are divided anew once their words are timed.
    """
    position = 0
    for character in "".join(sent.split()):
        while position < len(whole) and whole[position].isspace():
            position += 1
        if whole[position : position + 1] != character:
            return ""
        position += 1
    return whole[position:]
