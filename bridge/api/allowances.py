"""What is left of a key's limits, as draft-ietf-httpapi-ratelimit-headers tells it."""

from typing import Any

from aiohttp import web

from bridge.records.limits import Allowance, LimitReached

ALLOWANCE = web.RequestKey("allowance", Allowance)
_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"


def fields(allowance: Allowance) -> dict[str, str]:
    """The header fields that tell a limit and what is left of it."""
    return {"RateLimit-Policy": allowance.policy, "RateLimit": allowance.left}


def refusal(error: LimitReached) -> dict[str, Any]:
    """What the answer to a key that has used as much as it may has besides its words."""
    allowance = error.allowance
    headers = {"Retry-After": str(max(1, allowance.seconds)), **fields(allowance)}
    return {"headers": headers, "type": _EXCEEDED, "violated-policies": [allowance.name]}


async def add_allowance(request: web.Request, response: web.StreamResponse) -> None:
    """Adds to an answer how many requests are left, where they are limited."""
    if ALLOWANCE in request and "RateLimit" not in response.headers:
        response.headers.update(fields(request[ALLOWANCE]))
