"""The OpenAPI 3.1 document, generated from the application's routes."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bridge.api.auth import PUBLIC, SIGNED
from bridge.api.documentation.operations import JSON, OPERATIONS, Operation
from bridge.api.documentation.schemas import ID, SCHEMAS, TEXT, Schema, ref

PREFIX = "/v1"
# Where each of its routes is shown; it answers at the other prefixes, too.
_AT_ROOT = frozenset({"/transcribe", "/asr", "/detect-language"})
_PROBLEM = {"application/problem+json": {"schema": ref("Problem")}}
_DESCRIPTION = (
    "Speech to text with word times and speakers. Routes under /v1 answer without it, and under "
    "/v1/v1, too: clients disagree about what a base URL ends in."
)


@dataclass(frozen=True, slots=True)
class Route:
    """A route as it is shown: method, path with its parameters in braces, summary."""

    method: str
    path: str
    summary: str
    operation: Operation
    anonymous: bool = False
    """Whether it is open to callers without a token."""

    @property
    def security(self) -> list[dict[str, list[str]]]:
        """What a request may have, as OpenAPI says it: one of these, if there are any."""
        route = f"{self.method} {self.path.removeprefix(PREFIX)}"
        if self.path in PUBLIC or route in SIGNED:
            return []
        return [{"token": []}, {}] if self.anonymous else [{"token": []}]

    @property
    def public(self) -> bool:
        """Whether it needs no token."""
        return self.security != [{"token": []}]


def shown(routes: Iterable[web.AbstractRoute], *, anonymous: bool = False) -> Iterator[Route]:
    """Each route once. Raises KeyError for one that is not described."""
    for route in routes:
        assert route.resource is not None
        path, method = route.resource.canonical, route.method
        if method == "HEAD":
            continue
        bare = re.sub(rf"^({PREFIX})*", "", path)
        at_root = bare in PUBLIC | _AT_ROOT
        if path == (bare if at_root else f"{PREFIX}{bare}"):
            operation = OPERATIONS[method, bare]
            yield Route(method, path, _summary(route.handler.__doc__), operation, anonymous)


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "whisperx-stack", "version": version, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation = route.operation
    described: dict[str, Any] = {
        "tags": [operation.group],
        "summary": route.summary,
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").rstrip("_"),
        "security": route.security,
        "parameters": list(_parameters(route)),
        "responses": {
            **{str(status): _answer(bodies) for status, bodies in operation.answers.items()},
            "4XX": {"description": "The request cannot be answered.", "content": _PROBLEM},
        },
    }
    if 503 not in operation.answers:
        described["responses"]["5XX"] = {"description": "Not at the moment.", "content": _PROBLEM}
    if operation.body:
        content = {media: {"schema": schema} for media, schema in operation.body.items()}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", route.path):
        yield _parameter("path", name, ID if name == "id" else {**TEXT, "minLength": 1})
    for place, given in (("query", route.operation.query), ("header", route.operation.headers)):
        for name, schema in given.items():
            yield _parameter(place, name, schema)


def _parameter(place: str, name: str, schema: Schema) -> dict[str, Any]:
    return {"in": place, "name": name, "required": place == "path", "schema": schema}


def _answer(bodies: Any) -> dict[str, Any]:
    if not bodies:
        return {"description": "Done."}
    content = {media: {"schema": schema} for media, schema in bodies.items()}
    return {"description": "The answer.", "content": content}


def _summary(docstring: str | None) -> str:
    """The first paragraph of a handler's docstring, as plain text."""
    return " ".join((docstring or "").partition("\n\n")[0].split()).replace("`", "")


def fields_of(operation: Operation) -> list[str]:
    """The names of all that can be sent along."""
    names = [*operation.query, *operation.headers]
    for media, schema in operation.body.items():
        known = SCHEMAS["PredictionRequest"] if media == JSON else schema
        names += known["properties"]
    return list(dict.fromkeys(names))
