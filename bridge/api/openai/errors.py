"""Errors in the words of OpenAI's API: its fields' names, and 400 where others say 422."""

import functools

from aiohttp import web

from bridge.errors import Handler, InvalidInputs, problem
from transcription.errors import InvalidInput

# Our inputs' names -> the form's.
_FIELDS = {
    "audio_file": "file",
    "whisper_model": "model",
    "initial_prompt": "prompt",
    "hotwords": "keywords",
}
_CODES = {"model": "model_not_found"}


def in_openai_words(handler: Handler) -> Handler:
    """The handler, with refused inputs named as its client named them."""

    @functools.wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except InvalidInputs as error:
            return refusal(error.found)
        except InvalidInput as error:
            return refusal([error])

    return answered


def refusal(found: list[InvalidInput]) -> web.Response:
    """The answer to fields that cannot be used."""
    named = [(_FIELDS.get(error.field, error.field), error.reason) for error in found]
    field = named[0][0]
    status = 400 if found[0].status == 422 else found[0].status
    message = "; ".join(f"{name}: {reason}" for name, reason in named)
    code = None if status != 400 else _CODES.get(field, "invalid_value")
    return problem(status, message, param=field, code=code)
