"""What each route takes and answers; the routes themselves say where they are and what for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.api import asr, results
from bridge.api.documentation.schemas import SENT_EVENT, TEXT, TIME, YES_NO, Schema, listed, ref
from bridge.api.formats import FORMATS
from bridge.api.openai.models import ALIASES
from bridge.api.openai.render import GRANULARITIES
from transcription.options import NAMES
from transcription.schema import input_schema

JSON, FORM = "application/json", "multipart/form-data"
FILE: Schema = {"type": "string", "format": "binary", "description": "The recording."}
_INPUTS = input_schema()["properties"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one route: its group, queries, media type -> body, status -> answers."""

    group: str
    answers: Mapping[int, Mapping[str, Schema]]
    body: Mapping[str, Schema] = field(default_factory=dict)
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)


def _form(required: Mapping[str, Schema], **optional: Schema) -> dict[str, Schema]:
    members = {**required, **optional}
    schema = {"type": "object", "properties": members, "required": list(required)}
    return {FORM: schema}


def _option(name: str) -> Schema:
    """An input of ours as a form's field."""
    kept = ("type", "description", "enum", "minimum", "maximum", "format", "items")
    return {key: _INPUTS[name][key] for key in kept if key in _INPUTS[name]}


def _said(text: str, **schema: Any) -> Schema:
    return {"type": "string", "description": text, **schema}


def _json(name: str, status: int = 200) -> dict[int, dict[str, Schema]]:
    return {status: {JSON: ref(name)}}


_SIGNED = {
    "expiry": TEXT,
    "signature": TEXT,
    "tenant": _said("Whose it is; not there for `default`."),
}
_PREFER = {
    "Prefer": _said("wait or wait=n: hold the answer, for at most n seconds."),
    "Cancel-After": _said("A duration such as 90s, 5m or 1h30m.", pattern="^([0-9]+[hms])+$"),
    "Idempotency-Key": _said("Answers a request that was sent before with its prediction."),
}
_CREATE = Operation(
    group="Replicate",
    body={
        JSON: ref("PredictionRequest"),
        **_form({"audio_file": FILE}, **{name: _option(name) for name in NAMES}),
    },
    headers=_PREFER,
    answers={201: {JSON: ref("Prediction")}},
)
_MODEL = _said(f"A name of MODELS, or one of {', '.join(ALIASES)}.")
_FORMAT = _said("Form of the answer.", enum=list(FORMATS), default="json")
_OPENAI_COMMON = {
    "prompt": _said("Text that sets style and spelling."),
    "response_format": _FORMAT,
    "temperature": _option("temperature"),
    "stream": _said("true: server-sent events.", enum=["true", "false"]),
    "timestamp_granularities[]": listed({"enum": list(GRANULARITIES)}),
}
_OPENAI_ANSWER: dict[int, dict[str, Schema]] = {
    200: {
        JSON: {"anyOf": [ref(f"{kind}Transcription") for kind in ("", "Verbose", "Diarized")]},
        **dict.fromkeys(sorted({f.media_type for f in FORMATS.values()} - {JSON}), TEXT),
        "text/event-stream": SENT_EVENT,
    }
}
_LANGUAGE = _option("language")
_FILES: dict[int, dict[str, Schema]] = {
    200: {
        JSON: {"type": "object"},
        **dict.fromkeys(
            sorted({file.media_type for file in results.FILES.values()} - {JSON}), TEXT
        ),
    }
}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/predictions"): _CREATE,
    ("PUT", "/predictions/{id}"): _CREATE,
    ("POST", "/models/{owner}/{name}/predictions"): _CREATE,
    ("POST", "/deployments/{owner}/{name}/predictions"): _CREATE,
    ("GET", "/predictions"): Operation(
        group="Replicate",
        query={"cursor": TEXT, "created_after": TIME, "created_before": TIME},
        answers=_json("Predictions"),
    ),
    ("GET", "/predictions/{id}"): Operation(group="Replicate", answers=_json("Prediction")),
    ("DELETE", "/predictions/{id}"): Operation(group="Replicate", answers={204: {}}),
    ("POST", "/predictions/{id}/cancel"): Operation(group="Replicate", answers=_json("Prediction")),
    ("GET", "/predictions/{id}/stream"): Operation(
        group="Replicate",
        query={**_SIGNED, "segments": {"enum": ["1"]}},
        answers={200: {"text/event-stream": SENT_EVENT}},
    ),
    ("GET", "/predictions/{id}/output"): Operation(
        group="Results",
        query={
            "format": {"enum": list(results.NAMES), "default": results.WHOLE},
            "revision": {"enum": list(results.REVISIONS), "default": results.REVISIONS[0]},
            **{name: _option(name) for name in results.LAYOUT},
        },
        answers=_FILES,
    ),
    ("GET", "/predictions/{id}/transcript"): Operation(
        group="Results", answers=_json("CorrectedTranscript")
    ),
    ("PUT", "/predictions/{id}/transcript"): Operation(
        group="Results",
        headers={"If-Match": _said("The ETag of the transcript that was corrected, or *.")},
        body={JSON: ref("Corrections")},
        answers=_json("Revision"),
    ),
    ("GET", "/predictions/{id}/peaks"): Operation(group="Results", answers=_json("Peaks")),
    ("GET", "/predictions/{id}/recording"): Operation(
        group="Results",
        query=_SIGNED,
        headers={"Range": _said("bytes=from-to")},
        answers={200: {"audio/*": TEXT}, 206: {"audio/*": TEXT}},
    ),
    ("GET", "/models"): Operation(group="Models", answers=_json("Models")),
    ("GET", "/models/{model}"): Operation(group="Models", answers=_json("ModelEntry")),
    ("GET", "/models/{owner}/{name}"): Operation(group="Models", answers=_json("Model")),
    ("GET", "/models/{owner}/{name}/versions"): Operation(
        group="Models", answers=_json("Versions")
    ),
    ("GET", "/models/{owner}/{name}/versions/{version}"): Operation(
        group="Models", answers=_json("Version")
    ),
    ("GET", "/account"): Operation(group="Replicate", answers=_json("Account")),
    ("GET", "/webhooks/default/secret"): Operation(group="Webhooks", answers=_json("SigningKey")),
    ("GET", "/webhooks/dead-letters"): Operation(group="Webhooks", answers=_json("DeadLetters")),
    ("POST", "/webhooks/dead-letters/{letter}/redeliver"): Operation(
        group="Webhooks", answers=_json("Queued", 202)
    ),
    ("POST", "/files"): Operation(
        group="Files",
        body=_form({"content": FILE}, filename=TEXT, type=TEXT, metadata=_said("A JSON object.")),
        answers=_json("File", 201),
    ),
    ("GET", "/files"): Operation(group="Files", answers=_json("Files")),
    ("GET", "/files/{id}"): Operation(group="Files", answers=_json("File")),
    ("DELETE", "/files/{id}"): Operation(group="Files", answers={204: {}}),
    ("GET", "/files/{id}/download"): Operation(
        group="Files",
        query={"owner": TEXT, **_SIGNED},
        answers={200: {"application/octet-stream": TEXT}},
    ),
    ("POST", "/audio/transcriptions"): Operation(
        group="OpenAI",
        body=_form(
            {"file": FILE, "model": _MODEL},
            language=_LANGUAGE,
            **{"include[]": listed(TEXT), "keywords[]": listed(TEXT)},
            **{"known_speaker_names[]": listed(TEXT)},
            **{"known_speaker_references[]": listed(_said("A data URI."))},
            chunking_strategy=_said("auto, or a JSON object of type server_vad."),
            **_OPENAI_COMMON,
        ),
        answers=_OPENAI_ANSWER,
    ),
    ("POST", "/audio/translations"): Operation(
        group="OpenAI",
        body=_form({"file": FILE, "model": _MODEL}, **_OPENAI_COMMON),
        answers=_OPENAI_ANSWER,
    ),
    ("POST", "/audio/transcribe-with-speakers"): Operation(
        group="Speakers",
        body=_form(
            {"file": FILE},
            model=_MODEL,
            language=_said("A code, or auto."),
            **{name: _option(name) for name in ("num_speakers", "min_speakers", "max_speakers")},
        ),
        answers=_json("Conversation"),
    ),
    ("POST", "/transcribe"): Operation(
        group="REST", body=_form({"file": FILE}, language=_LANGUAGE), answers=_json("Transcript")
    ),
    ("POST", "/asr"): Operation(
        group="ASR",
        query={
            "output": {"enum": list(asr.OUTPUTS), "default": "txt"},
            "task": {"enum": list(asr.TASKS), "default": "transcribe"},
            **{name: _option(name) for name in ("language", "initial_prompt", "hotwords")},
            "model": _MODEL,
            **dict.fromkeys(("encode", "word_timestamps", "vad_filter", "diarize"), YES_NO),
            "return_speaker_embeddings": YES_NO,
            **{name: _option(name) for name in ("num_speakers", "min_speakers", "max_speakers")},
            **{name: _option(name) for name in results.LAYOUT},
        },
        body=_form({"audio_file": FILE}),
        answers={200: {"text/plain": TEXT}},
    ),
    ("POST", "/detect-language"): Operation(
        group="ASR",
        query={"encode": YES_NO},
        body=_form({"audio_file": FILE}),
        answers=_json("SpokenLanguage"),
    ),
    ("GET", "/languages"): Operation(group="REST", answers=_json("Languages")),
    ("GET", "/api-info"): Operation(group="REST", answers=_json("ApiInfo")),
    ("GET", "/openapi.json"): Operation(group="REST", answers={200: {JSON: {"type": "object"}}}),
    ("GET", "/docs"): Operation(group="REST", answers={200: {"text/html": TEXT}}),
    ("GET", "/"): Operation(group="Page", answers={200: {"text/html": TEXT}}),
    ("GET", "/page/{name}"): Operation(
        group="Page",
        answers={200: dict.fromkeys(("text/css", "text/javascript", "image/svg+xml"), TEXT)},
    ),
    ("GET", "/health"): Operation(group="Health", answers=_json("Health")),
    ("GET", "/health-check"): Operation(
        group="Health", answers={**_json("Readiness"), **_json("Readiness", 503)}
    ),
}
