"""JSON Schemas (draft 2020-12) of what goes in and out, by name."""

from typing import Any

from bridge.records.prediction import EVENTS, Status
from transcription.revision import EDITS, MAX_EDITS
from transcription.schema import input_schema, output_schema

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
YES_NO: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
ANYTHING: Schema = {"type": "object"}
# What a client's reader of server-sent events makes of one of them.
SENT_EVENT: Schema = {
    "type": "object",
    "properties": {"event": TEXT, "id": TEXT, "data": TEXT},
    "required": ["data"],
}
ID: Schema = {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"}


def ref(name: str) -> Schema:
    """A reference to the schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(schema: Schema) -> Schema:
    """A list of such things."""
    return {"type": "array", "items": schema}


def maybe(schema: Schema) -> Schema:
    """Such a thing, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def record(optional: dict[str, Schema] | None = None, /, **members: Schema) -> Schema:
    """An object with ``members``, perhaps with ``optional`` ones, and no others."""
    return {
        "type": "object",
        "properties": {**members, **(optional or {})},
        "required": list(members),
        "additionalProperties": False,
    }


def modern(schema: Any) -> Any:
    """OpenAPI 3.0's ``nullable``, which Cog reads, in the words of 3.1."""
    if isinstance(schema, list):
        return [modern(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: modern(value) for key, value in schema.items() if key != "nullable"}
    return maybe(inner) if schema.get("nullable") is True else inner


def _page(of: str) -> Schema:
    return record(previous=maybe(TEXT), next=maybe(TEXT), results=listed(ref(of)))


_WORD = record(word=TEXT, start=NUMBER, end=NUMBER, score=maybe(NUMBER), probability=maybe(NUMBER))
_TOKEN = record(token=TEXT, logprob=NUMBER, bytes=listed(WHOLE))
_OWN = {"language": TEXT, "channel": WHOLE}  # of a segment, where they were asked for
_USAGE = record(type={"const": "duration"}, seconds=NUMBER)
_MODEL_ENTRY = record(
    id=TEXT, object={"const": "model"}, created=WHOLE, owned_by=TEXT, shutdown_date={"type": "null"}
)
_REPLICATE_MODEL = record(
    **dict.fromkeys(("url", "owner", "name", "description", "visibility"), TEXT),
    run_count=WHOLE,
    **{name: {"type": "null"} for name in ("github_url", "paper_url", "license_url")},
    **{name: {"type": "null"} for name in ("cover_image_url", "default_example")},
    latest_version=ref("Version"),
)
_VERBOSE_SEGMENT = record(
    {"avg_logprob": NUMBER, "no_speech_prob": NUMBER, **_OWN},
    id=WHOLE,
    seek=WHOLE,
    start=NUMBER,
    end=NUMBER,
    text=TEXT,
    tokens=listed(WHOLE),
    temperature=NUMBER,
    compression_ratio=NUMBER,
)
_DIARIZED_SEGMENT = record(
    _OWN,
    type={"const": "transcript.text.segment"},
    id=TEXT,
    start=NUMBER,
    end=NUMBER,
    text=TEXT,
    speaker=TEXT,
)
_PREDICTION = record(
    **dict.fromkeys(("id", "model", "version", "logs", "source"), TEXT),
    **dict.fromkeys(("input", "metrics"), ANYTHING),
    output=maybe(ref("Output")),
    error=maybe(TEXT),
    status={"enum": [status.value for status in Status]},
    data_removed=YES_NO,
    created_at=TIME,
    **{name: maybe(TIME) for name in ("started_at", "completed_at", "deadline")},
    urls=record(get=TEXT, cancel=TEXT, stream=TEXT),
)
_FILE = record(
    **dict.fromkeys(("id", "name", "content_type", "etag"), TEXT),
    size=WHOLE,
    checksums=record(sha256=TEXT, md5=TEXT),
    metadata=ANYTHING,
    created_at=TIME,
    expires_at=TIME,
    urls=record(get=TEXT),
)
_LETTER = record(
    **dict.fromkeys(("id", "prediction", "event", "url", "reason", "given_up_at"), TEXT),
    attempts=WHOLE,
)
_KNOWN = maybe(YES_NO)
_DECODER = record(sandbox=TEXT, ffmpeg=TEXT)
_TASKS = input_schema()["properties"]["task"]["enum"]
_REVISION = {
    "id": TEXT,
    "revision": WHOLE,
    "saved_at": maybe(TIME),
    "expires_at": maybe(TIME),
    "recording": maybe(record(url=TEXT, expires_at=maybe(TIME))),
}

SCHEMAS: dict[str, Schema] = {
    "Input": modern(input_schema()),
    "Output": modern(output_schema()),
    "PredictionRequest": {
        "type": "object",
        "required": ["input"],
        "properties": {
            "input": ref("Input"),
            "id": ID,
            "version": TEXT,
            "webhook": {"type": "string", "format": "uri"},
            "webhook_events_filter": listed({"enum": list(EVENTS)}),
        },
    },
    "Prediction": _PREDICTION,
    "Predictions": _page("Prediction"),
    "File": _FILE,
    "Files": _page("File"),
    "Version": record(id=TEXT, created_at=TIME, cog_version=TEXT, openapi_schema=ANYTHING),
    "Versions": _page("Version"),
    "Edit": {
        "type": "object",
        "required": ["edit"],
        "properties": {"edit": {"enum": list(EDITS)}},
    },
    "Corrections": {
        "type": "object",
        "required": ["edits"],
        "properties": {"edits": {**listed(ref("Edit")), "maxItems": MAX_EDITS}},
    },
    "Peaks": record(per_second=NUMBER, peaks=listed(WHOLE)),
    "Revision": record(**_REVISION),
    "CorrectedTranscript": record(**_REVISION, edits=listed(ref("Edit")), transcript=ref("Output")),
    "Model": _REPLICATE_MODEL,
    "ModelEntry": _MODEL_ENTRY,
    "Models": record(
        object={"const": "list"},
        data=listed(ref("ModelEntry")),
        previous=maybe(TEXT),
        next=maybe(TEXT),
        results=listed(ref("Model")),
    ),
    "Account": record(type=TEXT, username=TEXT, name=TEXT),
    "SigningKey": record(key=TEXT),
    "DeadLetters": record(results=listed(_LETTER)),
    "Queued": record(status={"const": "queued"}),
    "Transcription": record(
        {"logprobs": listed(_TOKEN)},
        text=TEXT,
        languages=listed(record(code=TEXT)),
        usage=_USAGE,
    ),
    "VerboseTranscription": record(
        {
            "segments": listed(_VERBOSE_SEGMENT),
            "words": listed(record(word=TEXT, start=NUMBER, end=NUMBER)),
        },
        task={"enum": _TASKS},
        language=TEXT,
        duration=NUMBER,
        text=TEXT,
        warnings=listed(TEXT),
        usage=_USAGE,
    ),
    "DiarizedTranscription": record(
        task={"const": "transcribe"},
        duration=NUMBER,
        text=TEXT,
        segments=listed(_DIARIZED_SEGMENT),
        usage=_USAGE,
        warnings=listed(TEXT),
    ),
    "Conversation": record(
        {"diarization_warning": TEXT},
        text=TEXT,
        language=TEXT,
        duration=NUMBER,
        speaker_count=WHOLE,
        timing={"type": "object", "additionalProperties": NUMBER},
        warnings=listed(TEXT),
        segments=listed(
            record(
                _OWN, start=NUMBER, end=NUMBER, text=TEXT, speaker=maybe(TEXT), words=listed(_WORD)
            )
        ),
    ),
    "Transcript": record(
        text=TEXT,
        segments=listed(
            record(
                {"speaker": TEXT, **_OWN}, text=TEXT, start=NUMBER, end=NUMBER, words=listed(_WORD)
            )
        ),
        language=TEXT,
        duration=NUMBER,
        warnings=listed(TEXT),
    ),
    "SpokenLanguage": record(detected_language=TEXT, language_code=TEXT, confidence=NUMBER),
    "Languages": record(
        languages=listed(record(code=TEXT, name=TEXT, alignment=_KNOWN)), total=WHOLE
    ),
    "Health": record(
        status=TEXT,
        reason=maybe(TEXT),
        model=TEXT,
        models=listed(TEXT),
        gpu_available=_KNOWN,
        alignment_available=_KNOWN,
        diarization_available=_KNOWN,
        decoders=record(bridge=maybe(_DECODER), predictor=maybe(_DECODER)),
    ),
    "Readiness": record(status=TEXT, reason=maybe(TEXT)),
    "ApiInfo": record(
        service=TEXT,
        version=TEXT,
        endpoints=listed(
            record(
                **dict.fromkeys(("endpoint", "method", "description", "example"), TEXT),
                token=YES_NO,
                inputs=listed(TEXT),
                outputs=listed(TEXT),
            )
        ),
    ),
    "Problem": {
        "type": "object",
        "required": ["title", "detail", "status", "error"],
        "properties": {
            "title": TEXT,
            "detail": TEXT,
            "status": WHOLE,
            "error": record(message=TEXT, type=TEXT, param=maybe(TEXT), code=maybe(TEXT)),
            "invalid_fields": listed(record(field=TEXT, description=TEXT)),
        },
    },
}
