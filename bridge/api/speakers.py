"""``POST /audio/transcribe-with-speakers``: a conversation, one entry per turn."""

from itertools import groupby
from typing import Any

from aiohttp import web

from bridge.api.forms import discard, read_form
from bridge.api.openai.models import model_of
from bridge.api.openai.requests import known_speakers, languages_of, only_language, own_inputs
from bridge.api.origin import asked
from bridge.api.refusals import OPENAI, in_the_forms_words
from bridge.api.rest import spoken
from bridge.api.waiting import Result, finish
from bridge.context import CONTEXT
from bridge.intake.accept import Request
from transcription.errors import InvalidAudio
from transcription.transcript import Segment, Transcript
from transcription.wire import own_of


@in_the_forms_words(OPENAI)
async def transcribe(request: web.Request) -> web.Response:
    """Transcribes who said what: segments merged by speaker, with their words."""
    return web.json_response(_body(await finish(request, await _read(request))))


async def _read(request: web.Request) -> Request:
    context = request.app[CONTEXT]
    form = await read_form(request, {"file": "audio_file"})
    try:
        if form.upload is None:
            raise InvalidAudio("is required, as a file")
        fields = form.fields
        name = fields.one("model")
        named = None if name is None else model_of(context, name)
        # OpenAI's names stand for a default model, which here is the route's own.
        served = named.served if named is not None and named.alias is None else None
        language, prompt = only_language(languages_of(fields)), fields.one("prompt")
        inputs = {
            **own_inputs(fields),
            **known_speakers(fields),
            "whisper_model": served or context.settings.speakers_default,
            "language": language,
            "initial_prompt": prompt,
            "diarization": True,
        }
    except BaseException:
        discard(context, form.upload)
        raise
    given = {name: value for name, value in inputs.items() if value is not None}
    return asked(request, given, form.upload)


def _body(result: Result) -> dict[str, Any]:
    transcript = result.transcript
    speakers = {segment.speaker for segment in transcript.segments} - {None}
    body = {
        "text": transcript.text,
        "language": transcript.language,
        "duration": transcript.duration,
        "speaker_count": len(speakers),
        "timing": _timing(result.prediction.metrics),
        "segments": _turns(transcript),
        "warnings": list(transcript.warnings),
    }
    if transcript.segments and not speakers:
        body["diarization_warning"] = " ".join(transcript.warnings) or "Nobody was told apart."
    return body


def _timing(metrics: Any) -> dict[str, float]:
    """Seconds of work; what the predictor did not measure is left out."""
    stages: Any = metrics.get("timing") or {}
    diarize = stages.get("diarize")
    others = sum(seconds for stage, seconds in stages.items() if stage != "diarize")
    found = {
        "transcribe_s": others if stages else None,
        "diarize_s": diarize,
        "total_s": metrics.get("predict_time"),
    }
    return {name: round(value, 3) for name, value in found.items() if value is not None}


def _turns(transcript: Transcript) -> list[dict[str, Any]]:
    """Neighbours of one speaker as one, unless they have languages of their own that differ."""
    turns = groupby(transcript.segments, key=lambda one: (one.speaker, own_of(one)))
    return [_turn(tuple(found), transcript) for _, found in turns]


def _turn(found: tuple[Segment, ...], whole: Transcript) -> dict[str, Any]:
    words = [word for segment in found for word in segment.words]
    return {
        "start": found[0].start,
        "end": max(segment.end for segment in found),
        "text": Transcript(found, whole.language, whole.duration).text,
        "speaker": found[0].speaker,
        "words": [spoken(word) for word in words],
        **own_of(found[0]),
    }
