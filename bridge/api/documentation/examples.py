"""Examples of requests and answers, made from the routes and their schemas."""

import json
from typing import Any

from bridge.api.documentation.openapi import Route
from bridge.api.documentation.operations import FORM, JSON
from bridge.api.documentation.schemas import SCHEMAS, Schema

_DEEPEST = 6  # levels of an answer that are shown
_SHOWN = {
    "id": "p3rk4q2nexampleid",
    "start": 0.52,
    "end": 2.2,
    "text": "Hello Maria, how are you today?",
    "word": "Hello",
    "speaker": "SPEAKER_00",
    "duration": 43.941,
    "language": "en",
    "detected_language": "en",
    "logs": "",
    "url": "https://example.org/hook",
}
_OF_TYPE: dict[str, Any] = {
    "string": "…",
    "integer": 1,
    "number": 0.9,
    "boolean": True,
    "null": None,
}


def command(route: Route, base: str) -> str:
    """The request as a command for a shell."""
    method = "" if route.method == "GET" else f" -X {route.method}"
    token = "" if route.public else ' -H "Authorization: Bearer $BRIDGE_TOKEN"'
    form = route.operation.body.get(FORM, {})
    fields = "".join(
        f" -F {name}=@talk.wav" if schema.get("format") == "binary" else f" -F {name}=…"
        for name, schema in form.get("properties", {}).items()
        if name in form["required"]
    )
    return f"curl{method}{token}{fields} {base}{route.path}"


def answer(route: Route) -> str | None:
    """The first JSON that the route answers, with made-up values; None where it answers none."""
    for bodies in route.operation.answers.values():
        if found := JSON in bodies and _value(bodies[JSON], "", _DEEPEST):
            return json.dumps(found, indent=2, ensure_ascii=False)
    return None


def _value(schema: Schema, name: str, depth: int) -> Any:
    if "$ref" in schema:
        return _value(SCHEMAS[schema["$ref"].rpartition("/")[2]], name, depth)
    if name in _SHOWN and "properties" not in schema:
        return _SHOWN[name]
    for choices in ("enum", "examples"):
        if schema.get(choices):
            return schema[choices][0]
    if "default" in schema:
        return schema["default"]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _value(schema[several][0], name, depth)
    return _plain(schema, depth)


def _plain(schema: Schema, depth: int) -> Any:
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        return [_value(schema.get("items", {}), "", depth - 1)] if depth else []
    if kind == "object":
        members = schema.get("properties", {}) if depth else {}
        return {name: _value(inner, name, depth - 1) for name, inner in members.items()}
    return "2026-01-31T12:00:00Z" if schema.get("format") == "date-time" else _OF_TYPE[kind]
