"""The OpenAPI schema that Cog reads at start, generated from ``Options`` and ``wire``.

Cog does not make it at run time: without ``.cog/openapi_schema.json`` a bare server validates
nothing. ``python -m transcription.schema`` prints the file's content.
"""

import json
from dataclasses import fields
from types import UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from transcription.options import AUDIO_NAMES, Options
from transcription.wire import WireTranscript

_AUDIO_DESCRIPTION = {
    "audio_file": "The recording: an http(s) URL, a data URI or an uploaded file.",
    "audio": "Another name for audio_file; send one of the two.",
}
_PRIMITIVES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def input_schema() -> dict[str, Any]:
    """JSON Schema of a prediction's ``input``, unknown names refused.

    Stricter than Cog's own: at least one recording, never two (see ``choose_audio``), is left to
    code because its message is better.
    """
    properties = {name: _audio_property(name, order) for order, name in enumerate(AUDIO_NAMES)}
    hints = get_type_hints(Options)
    for order, option in enumerate(fields(Options), start=len(properties)):
        properties[option.name] = _property(option, hints[option.name], order)
    return {"type": "object", "title": "Input", "properties": properties}


def output_schema() -> dict[str, Any]:
    """JSON Schema of a prediction's ``output``."""
    return _of_type(WireTranscript) | {"title": "Output"}


def openapi() -> dict[str, Any]:
    """The whole document, as Cog expects to find it in ``.cog/openapi_schema.json``."""
    prediction = {
        "id": {"type": "string", "title": "Id"},
        "input": {"$ref": "#/components/schemas/Input"},
    }
    request = {
        "type": "object",
        "title": "PredictionRequest",
        "properties": prediction
        | {
            "webhook": {"type": "string", "format": "uri", "title": "Webhook"},
            "webhook_events_filter": {
                "type": "array",
                "title": "Webhook Events Filter",
                "items": {"$ref": "#/components/schemas/WebhookEvent"},
            },
        },
    }
    response = {
        "type": "object",
        "title": "PredictionResponse",
        "properties": prediction
        | {
            "output": {"$ref": "#/components/schemas/Output"},
            "status": {"$ref": "#/components/schemas/Status"},
            "error": {"type": "string", "title": "Error"},
            "logs": {"type": "string", "title": "Logs", "default": ""},
            "metrics": {"type": "object", "title": "Metrics"},
        },
    }
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": "0.1.0"},
        "paths": _paths(),
        "components": {
            "schemas": {
                "Input": input_schema(),
                "Output": output_schema(),
                "PredictionRequest": request,
                "PredictionResponse": response,
                "Status": _enum(
                    "Status", "starting", "processing", "succeeded", "canceled", "failed"
                ),
                "WebhookEvent": _enum("WebhookEvent", "start", "output", "logs", "completed"),
            }
        },
    }


def _paths() -> dict[str, Any]:
    body = {"content": {"application/json": {"schema": _ref("PredictionRequest")}}}
    answer = {
        "200": {
            "description": "Successful Response",
            "content": {"application/json": {"schema": _ref("PredictionResponse")}},
        }
    }
    one = [{"in": "path", "name": "prediction_id", "required": True, "schema": {"type": "string"}}]
    return {
        "/predictions": {"post": {"summary": "Predict", "requestBody": body, "responses": answer}},
        "/predictions/{prediction_id}": {
            "put": {
                "summary": "Predict Idempotent",
                "parameters": one,
                "requestBody": body,
                "responses": answer,
            }
        },
        "/predictions/{prediction_id}/cancel": {
            "post": {
                "summary": "Cancel",
                "parameters": one,
                "responses": {"200": {"description": "Successful Response"}},
            }
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _enum(title: str, *values: str) -> dict[str, Any]:
    return {"type": "string", "title": title, "enum": list(values)}


def _audio_property(name: str, order: int) -> dict[str, Any]:
    return {
        "type": "string",
        "format": "uri",
        "title": _title(name),
        "description": _AUDIO_DESCRIPTION[name],
        "nullable": True,
        "x-order": order,
    }


def _property(option: Any, hint: Any, order: int) -> dict[str, Any]:
    meta = option.metadata
    schema = _of_type(hint) | {
        "title": _title(option.name),
        "description": meta["description"],
        "x-order": order,
    }
    if meta["files"]:
        schema["items"] = {"type": "string", "format": "uri"}
    if option.default not in (None, ()):
        schema["default"] = option.default
    if meta["choices"]:
        schema["enum"] = list(meta["choices"])
    if meta["ge"] is not None:
        schema["minimum"] = meta["ge"]
    if meta["le"] is not None:
        schema["maximum"] = meta["le"]
    if meta["secret"]:
        schema |= {"format": "password", "writeOnly": True, "x-cog-secret": True}
    return schema


def _of_type(hint: Any) -> dict[str, Any]:  # noqa: PLR0911 - one per kind of annotation
    """JSON Schema of an annotation: primitives, X | None, list, tuple, dict, Literal, TypedDict."""
    if hint in _PRIMITIVES:
        return {"type": _PRIMITIVES[hint]}
    if is_typeddict(hint):
        return _of_typeddict(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return _of_type(arguments[0])
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _of_type(inner) | {"nullable": True}
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is tuple:  # of any length: tuple[X, ...]
        return {"type": "array", "items": _of_type(arguments[0]), "nullable": True}
    if origin is list:
        return {"type": "array", "items": _of_type(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of_type(arguments[1])}
    raise TypeError(f"no schema for {hint!r}")


def _of_typeddict(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls, include_extras=True)
    return {
        "type": "object",
        "properties": {
            name: _of_type(hint) | {"title": _title(name)} for name, hint in hints.items()
        },
        "required": [name for name in hints if get_origin(hints[name]) is not NotRequired],
    }


def _title(name: str) -> str:
    return name.replace("_", " ").title()


if __name__ == "__main__":
    print(json.dumps(openapi(), indent=2, ensure_ascii=False))
