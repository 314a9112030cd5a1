"""``POST /asr`` and ``POST /detect-language``, as openai-whisper-asr-webservice has them.

Bazarr, Speakr and others speak to it. Parameters are in the query, the recording is in the form.
"""

import asyncio
import json
from typing import Any
from urllib.parse import quote

from aiohttp import web

from bridge.api.fields import Fields
from bridge.api.forms import Form, discard, read_form
from bridge.api.openai.render import segment
from bridge.api.origin import asked
from bridge.api.refusals import in_the_forms_words
from bridge.api.waiting import Result, finish
from bridge.context import CONTEXT
from bridge.recordings.raw import as_wave
from transcription import subtitles
from transcription.errors import InvalidAudio, InvalidInput
from transcription.language import LANGUAGES
from transcription.options import NAMES, TRACK
from transcription.transcript import Segment, Word

OUTPUTS = ("txt", "vtt", "srt", "tsv", "json")
TASKS = ("transcribe", "translate")
_ENGINE = "whisperx"  # of the three that the original has, the one whose answers these are
# Seconds. Its clients know no other way to a result: the connection is held until it is there.
_PATIENCE = 7 * 86_400
_OWN = tuple(name for name in NAMES if name not in {"task", "whisper_model", "output_format"})
_NAMES = {"whisper_model": "model", "diarization": "diarize"}


@in_the_forms_words(_NAMES, status=422)
async def transcribe(request: web.Request) -> web.Response:
    """Transcribes as whisper-asr-webservice does: text, subtitles, a table or JSON."""
    form, fields = await _read(request)
    try:
        fields.boolean("vad_filter"), fields.boolean("word_timestamps")  # they are always on
        output = _output(fields)
        inputs = _inputs(fields)
    except BaseException:
        discard(request.app[CONTEXT], form.upload)
        raise
    result = await _finish(request, form, inputs)
    assert form.upload is not None
    name = f"{quote(form.upload.filename)}.{output}"
    return web.Response(
        text=_written(result, output, voices=bool(inputs["speaker_embeddings"])),
        content_type="text/plain",
        charset="utf-8",
        headers={
            "Asr-Engine": _ENGINE,
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


@in_the_forms_words(_NAMES, status=422)
async def detect_language(request: web.Request) -> web.Response:
    """Detects the language that is spoken, with its probability."""
    form, fields = await _read(request)
    # The smaller detector of speech: nobody waits for a transcript here.
    wanted = {"task": "detect_language", "diarization": False, "vad_method": "silero"}
    wanted |= fields.inputs([TRACK])
    found = (await _finish(request, form, wanted)).transcript
    return web.json_response(
        {
            "detected_language": LANGUAGES.get(found.language, found.language).lower(),
            "language_code": found.language,
            "confidence": found.language_probability,
        }
    )


async def _read(request: web.Request) -> tuple[Form, Fields]:
    """The form with its recording, and the parameters: of the query before those of the form."""
    context = request.app[CONTEXT]
    form = await read_form(request, {"audio_file": "audio_file"})
    try:
        given = {name: request.query.getall(name) for name in request.query}
        fields = Fields({**form.fields.texts, **given}, context)
        if form.upload is None:
            raise InvalidAudio("is required, as a file")
        if not fields.boolean("encode", otherwise=True):
            path = context.files.path(form.upload.recording)
            await asyncio.to_thread(as_wave, path)
    except BaseException:
        discard(context, form.upload)
        raise
    return form, fields


async def _finish(request: web.Request, form: Form, inputs: dict[str, Any]) -> Result:
    return await finish(request, asked(request, inputs, form.upload), _PATIENCE)


def _output(fields: Fields) -> str:
    """The format. Raises InvalidInput."""
    if "output" not in fields.texts and "output_format" in fields.texts:
        return fields.choice("output_format", "txt", OUTPUTS)
    return "txt" if fields.one("output") == "text" else fields.choice("output", "txt", OUTPUTS)


def _inputs(fields: Fields) -> dict[str, Any]:
    diarize = fields.boolean("diarize") or fields.boolean("enable_diarization")
    voices = fields.boolean("return_speaker_embeddings")
    if voices and not diarize:
        raise InvalidInput("return_speaker_embeddings", "needs diarize")
    given = {
        "diarization": diarize,
        **fields.inputs(_OWN),
        "task": fields.choice("task", "transcribe", TASKS),
        "speaker_embeddings": voices,
    }
    model = fields.one("model")
    return given if model is None else {**given, "whisper_model": model}


def _written(result: Result, output: str, *, voices: bool) -> str:
    if output != "json":
        return subtitles.FORMATS[output](result.transcript, result.layout)
    transcript = result.transcript
    body: dict[str, Any] = {
        "text": transcript.text,
        "segments": [_segment(n, one) for n, one in enumerate(transcript.segments)],
        "word_segments": [_word(word) for one in transcript.segments for word in one.words],
        "language": transcript.language,
    }
    if voices:
        body["speaker_embeddings"] = transcript.speaker_embeddings or {}
    return json.dumps(body, ensure_ascii=False)


def _segment(number: int, found: Segment) -> dict[str, Any]:
    speaker = {"speaker": found.speaker} if found.speaker else {}
    words = [_word(word) for word in found.words]
    return {**segment(number, found, 0.0), "words": words, **speaker}


def _word(word: Word) -> dict[str, Any]:
    """`score` as whisperx has it, `probability` as the other engines do."""
    shown: dict[str, Any] = {"word": word.text, "start": word.start, "end": word.end}
    sure = {"score": word.score, "probability": word.probability}
    shown |= {name: value for name, value in sure.items() if value is not None}
    return shown | ({"speaker": word.speaker} if word.speaker else {})
