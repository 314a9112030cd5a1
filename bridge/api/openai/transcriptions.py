"""``POST /audio/transcriptions`` and ``POST /audio/translations``."""

from aiohttp import web

from bridge.api.formats import answer
from bridge.api.openai.requests import read
from bridge.api.openai.stream import stream
from bridge.api.refusals import OPENAI, in_the_forms_words
from bridge.api.waiting import finish


@in_the_forms_words(OPENAI)
async def transcribe(request: web.Request) -> web.StreamResponse:
    """Transcribes a recording, as OpenAI's clients ask for it."""
    return await _answer(request, "transcribe")


@in_the_forms_words(OPENAI)
async def translate(request: web.Request) -> web.StreamResponse:
    """Translates a recording into English, as OpenAI's clients ask for it."""
    return await _answer(request, "translate")


async def _answer(request: web.Request, task: str) -> web.StreamResponse:
    asked = await read(request, task)
    if asked.answer.stream:
        return await stream(request, asked)
    result = await finish(request, asked.request)
    return answer(result, asked.answer.format, asked.answer.granularities)
