"""Refused inputs in the words of the form that they came in, with the status its clients expect."""

import functools
from collections.abc import Callable, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.api.errors import problem
from transcription.errors import InvalidInput
from transcription.validation import InvalidInputs

FILE = {"audio_file": "file"}  # our input's name -> the form's
OPENAI = {**FILE, "whisper_model": "model", "initial_prompt": "prompt", "hotwords": "keywords"}
REQUIRED = "is required"  # what we say where a field is missing
_CODES = {"model": "model_not_found"}


def in_the_forms_words(names: Mapping[str, str], status: int = 400) -> Callable[[Handler], Handler]:
    """Decorates a handler: ``names`` are the form's, by ours; those that are left out agree."""

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def answered(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except InvalidInputs as error:
                return _refusal(error.found, names, status)
            except InvalidInput as error:
                return _refusal([error], names, status)

        return answered

    return decorate


def _refusal(found: list[InvalidInput], names: Mapping[str, str], status: int) -> web.Response:
    named = [(names.get(error.field, error.field), error.reason) for error in found]
    field, reason = named[0]
    message = "; ".join(f"{name}: {reason}" for name, reason in named)
    if found[0].status != 422:
        return problem(found[0].status, message, param=field)
    code = _CODES.get(field, "invalid_value")
    if reason.startswith(REQUIRED):
        code = "missing_required_parameter"
    return problem(status, message, param=field, code=code)
