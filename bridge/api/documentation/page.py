"""The documentation as one page of HTML that needs nothing else: no script, no other host."""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from typing import Any

from bridge.api.documentation import examples
from bridge.api.documentation.openapi import Route
from bridge.api.documentation.schemas import SCHEMAS, Schema

_VERSION = 12  # characters of the version that tell it from others
# The page may load nothing and run nothing, whatever gets into it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
h2 { border-bottom: 1px solid #bbb; margin-top: 2.5rem } summary { cursor: pointer; padding: .3rem }
code { font-size: .9em } table { border-collapse: collapse; margin: .5rem 0 1rem 1rem }
pre { background: #8881; margin: .5rem 1rem; overflow-x: auto; padding: .5rem }
td, th { border: 1px solid #ddd; padding: .2rem .6rem; text-align: left; vertical-align: top }
.method { display: inline-block; width: 4.5rem; font-weight: 600 }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } }
"""


def page(routes: Iterable[Route], version: str, base: str) -> str:
    """The page; ``base`` is where its examples call."""
    by_group = sorted(routes, key=lambda route: (route.operation.group, route.path))
    groups = "".join(
        f"<h2>{escape(group)}</h2>{''.join(_route(route, base) for route in found)}"
        for group, found in groupby(by_group, key=lambda route: route.operation.group)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>whisperx-stack API</title><style>{_STYLE}</style></head><body>"
        f"<h1>whisperx-stack API</h1><p>Version <code>{escape(version[:_VERSION])}</code>. "
        'The same for programs: <a href="/openapi.json">openapi.json</a>. Every route but those '
        "marked open asks for <code>Authorization: Bearer &lt;token&gt;</code>.</p>"
        f"{groups}</body></html>"
    )


def _route(route: Route, base: str) -> str:
    opened = " (open)" if route.public else ""
    answers = ", ".join(
        f"{status} {' or '.join(map(escape, bodies)) or 'without a body'}"
        for status, bodies in route.operation.answers.items()
    )
    return (
        f'<details><summary><span class="method">{route.method}</span>'
        f"<code>{escape(route.path)}</code>{opened} – {escape(route.summary)}</summary>"
        f"{_table(list(_fields(route)))}<p>Answers: {answers}.</p>"
        f"<pre>{escape(examples.command(route, base))}</pre>{_answer(route)}</details>"
    )


def _answer(route: Route) -> str:
    text = examples.answer(route)
    return "" if text is None else f"<pre>{escape(text)}</pre>"


def _fields(route: Route) -> Iterator[tuple[str, str, Schema, bool]]:
    """(name, place, schema, required)."""
    for place, given in (("query", route.operation.query), ("header", route.operation.headers)):
        for name, schema in given.items():
            yield name, place, schema, False
    for media, body in route.operation.body.items():
        whole = SCHEMAS[body["$ref"].rpartition("/")[2]] if "$ref" in body else body
        for name, schema in whole["properties"].items():
            yield name, media, schema, name in whole.get("required", ())


def _table(fields: list[tuple[str, str, Schema, bool]]) -> str:
    if not fields:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code>{' *' if required else ''}</td><td>{escape(place)}"
        f"</td><td>{escape(_kind(schema))}</td><td>{escape(_meaning(schema))}</td></tr>"
        for name, place, schema, required in fields
    )
    heads = "<tr><th>field (* required)</th><th>in</th><th>type</th><th>meaning</th></tr>"
    return f"<table>{heads}{rows}</table>"


def _kind(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "text")


def _meaning(schema: Schema) -> str:
    inner: Any = schema.get("items", schema)
    choices = inner.get("enum")
    listed = f" One of {', '.join(map(str, choices))}." if choices else ""
    bounds = f" {inner['minimum']} to {inner['maximum']}." if "minimum" in inner else ""
    return f"{schema.get('description', '')}{listed}{bounds}".strip()
