"""A transcript as it is found: OpenAI's server-sent events."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from bridge.api.errors import translate
from bridge.api.naming import OPENAI, naming
from bridge.api.openai.render import diarized_segments
from bridge.api.openai.requests import Asked
from bridge.api.waiting import begin, load
from bridge.context import CONTEXT, Context
from bridge.records.prediction import TERMINAL

LOOK_SECONDS = 0.25
KEEP_ALIVE_SECONDS = 10.0  # proxies take a connection that is silent for long for a dead one
# Where characters of these stand beside each other, the language writes no space.
_FIRST_UNSPACED, _LAST_UNSPACED = "\u2e80", "\u9fff"  # CJK radicals to CJK unified ideographs

Event = dict[str, Any]


async def stream(request: web.Request, asked: Asked) -> web.StreamResponse:
    """Deltas as segments are recognized, then the whole text, which is the deltas put together.

    With ``diarized_json`` the segments and their speakers come between the two.
    """
    prediction = await begin(request, asked.request)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",  # proxies would hold events back
        }
    )
    await response.prepare(request)
    async for event in _events(request, prediction.id, speakers=asked.format == "diarized_json"):
        # In ASCII: some clients take more than a newline for the end of a line.
        line = f"data: {json.dumps(event)}" if event else ": still here"
        await response.write(f"{line}\n\n".encode())
    await response.write_eof()
    return response


async def _events(
    request: web.Request, prediction_id: str, *, speakers: bool
) -> AsyncIterator[Event | None]:
    """The events in order; None where nothing happened for a while."""
    context, told, spoke = request.app[CONTEXT], "", time.monotonic()
    async for text in _recognized(context, prediction_id):
        delta = _spaced(told, text)
        if delta:
            yield _delta(delta)
            told, spoke = told + delta, time.monotonic()
        elif time.monotonic() - spoke > KEEP_ALIVE_SECONDS:
            yield None
            spoke = time.monotonic()
    try:
        result = await load(context, prediction_id)
    except Exception as error:
        yield await _error(request, error)
        return
    rest = _rest(result.transcript.text, told)
    if rest:
        yield _delta(rest)
    if speakers:
        for segment in diarized_segments(result.transcript):
            yield segment
    yield {"type": "transcript.text.done", "text": told + rest}


async def _recognized(context: Context, prediction_id: str) -> AsyncIterator[str]:
    """The texts of the segments as they are found; "" after each look, until the end."""
    number = 0
    while True:
        status = await context.store.status(prediction_id)
        for segment in await context.store.segments(prediction_id, number):
            number += 1
            yield segment["text"].strip()
        if status is None or status in TERMINAL:
            return
        yield ""
        await asyncio.sleep(LOOK_SECONDS)


async def _error(request: web.Request, error: Exception) -> Event:
    """The answer that a request which is not streamed would get, as an event."""

    async def fail(_: web.Request) -> web.StreamResponse:
        raise error

    answer = await translate(request, naming(OPENAI)(fail))
    assert isinstance(answer, web.Response)
    return {"error": json.loads(answer.text or "")["error"]}


def _delta(text: str) -> Event:
    return {"type": "transcript.text.delta", "delta": text}


def _spaced(told: str, text: str) -> str:
    """``text`` with the space that belongs between it and what was told before."""
    if not told or not text:
        return text
    unspaced = all(_FIRST_UNSPACED <= c <= _LAST_UNSPACED for c in (told[-1], text[0]))
    return text if unspaced else f" {text}"


def _rest(whole: str, told: str) -> str:
    """What of the whole text was not told yet; nothing where the two do not agree.

    They differ in spaces: sentences are divided anew once their words are timed.
    """
    position = 0
    for character in "".join(told.split()):
        while position < len(whole) and whole[position].isspace():
            position += 1
        if whole[position : position + 1] != character:
            return ""
        position += 1
    return whole[position:]
