"""Webhooks that were given up: list them, have them delivered again."""

from dataclasses import asdict
from typing import Any

from aiohttp import web

from bridge.api.access import note
from bridge.api.auth import principal_of
from bridge.api.errors import problem
from bridge.context import CONTEXT
from bridge.records.tenants import Key, Scope, Tenant
from bridge.tasks.webhooks import DeadLetter


async def list_all(request: web.Request) -> web.Response:
    """Lists the webhooks that were given up, newest first; for an operator those of all tenants."""
    context, principal = request.app[CONTEXT], principal_of(request)
    operator = Scope.OPERATOR in principal.scopes
    letters = await context.webhooks.dead_letters(*(() if operator else (principal.tenant,)))
    note(request, *(Key(letter.prediction) for letter in letters))
    return web.json_response({"results": [_shown(one, operator=operator) for one in letters]})


async def redeliver(request: web.Request) -> web.Response:
    """Delivers a webhook again that was given up; the tries start over.

    An operator names the tenant of another's in the query.
    """
    context, principal = request.app[CONTEXT], principal_of(request)
    tenant = principal.tenant
    if Scope.OPERATOR in principal.scopes and "tenant" in request.query:
        try:
            tenant = Tenant(request.query["tenant"])
        except ValueError:
            return _unknown()
    revived = await context.webhooks.revive(tenant, request.match_info["letter"])
    if revived is None:
        return _unknown()
    await context.queue.notify(*revived)
    return web.json_response({"status": "queued"}, status=202)


def _shown(letter: DeadLetter, *, operator: bool) -> dict[str, Any]:
    key = Key(letter.prediction)
    whose = {"tenant": key.tenant.name} if operator else {}
    return {**asdict(letter), "prediction": key.public, **whose}


def _unknown() -> web.Response:
    return problem(404, "There is no dead letter with this id, or its prediction has expired.")
