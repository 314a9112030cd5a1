"""Plain REST: upload a file, get segments and words; and what the service is."""

from typing import Any

from aiohttp import web

from bridge.api.forms import discard, read_form
from bridge.api.origin import asked
from bridge.api.refusals import FILE, in_the_forms_words
from bridge.api.waiting import Result, finish
from bridge.context import CONTEXT
from bridge.intake.accept import Request
from transcription.errors import InvalidAudio
from transcription.language import LANGUAGES
from transcription.options import NAMES
from transcription.transcript import Word
from transcription.wire import own_of

_NOT_BY_DEFAULT = {"diarization": False}  # no speakers here unless asked for


@in_the_forms_words(FILE)
async def transcribe(request: web.Request) -> web.Response:
    """Transcribes a recording into segments with their words."""
    return web.json_response(_body(await finish(request, await _read(request))))


async def languages(request: web.Request) -> web.Response:
    """Lists the languages that can be transcribed, and those whose words can be timed."""
    worker = request.app[CONTEXT].monitor.worker
    aligned = None if worker is None else worker.alignment_languages
    listed = [
        {"code": code, "name": name, "alignment": None if aligned is None else code in aligned}
        for code, name in sorted(LANGUAGES.items(), key=lambda entry: entry[1])
    ]
    return web.json_response({"languages": listed, "total": len(listed)})


async def _read(request: web.Request) -> Request:
    """A file and inputs of ours by their names."""
    context = request.app[CONTEXT]
    form = await read_form(request, {"file": "audio_file"})
    try:
        if form.upload is None:
            raise InvalidAudio("is required, as a file")
        inputs = {**_NOT_BY_DEFAULT, **form.fields.inputs(NAMES)}
    except BaseException:
        discard(context, form.upload)
        raise
    return asked(request, inputs, form.upload)


def spoken(word: Word) -> dict[str, Any]:
    """A word as this route and the speakers' tell it."""
    return {
        "word": word.text,
        "start": word.start,
        "end": word.end,
        "score": word.score,
        "probability": word.probability,
    }


def _body(result: Result) -> dict[str, Any]:
    transcript = result.transcript
    return {
        "text": transcript.text,
        "segments": [
            {
                "text": segment.text,
                "start": segment.start,
                "end": segment.end,
                "words": [spoken(word) for word in segment.words],
                **({"speaker": segment.speaker} if segment.speaker else {}),
                **own_of(segment),
            }
            for segment in transcript.segments
        ],
        "language": transcript.language,
        "duration": transcript.duration,
        "warnings": list(transcript.warnings),
    }
