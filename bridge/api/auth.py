"""Who may use the API: holders of one of the operator's bearer tokens."""

import hmac
import re

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.api.errors import problem
from bridge.context import CONTEXT

PUBLIC = frozenset(
    {
        *("/", "/page/{name}", "/docs"),
        *("/health", "/health-check", "/languages", "/api-info", "/openapi.json"),
    }
)
# With ALLOW_ANONYMOUS: what hands out nothing but the caller's own results. An id has 122
# random bits, and the list of them stays closed.
OPEN = frozenset(
    {
        "POST /audio/transcriptions",
        "POST /audio/translations",
        "POST /audio/transcribe-with-speakers",
        "POST /transcribe",
        "POST /asr",
        "POST /detect-language",
        "GET /models",
        "GET /models/{model}",
        "GET /predictions/{id}/output",
    }
)
# Followed by clients without their token: each checks a signature of its own.
SIGNED = frozenset(
    {
        "GET /predictions/{id}/stream",
        "GET /predictions/{id}/recording",
        "GET /files/{id}/download",
    }
)

_SCHEMES = frozenset({"bearer", "token"})  # old Replicate clients send `Token`


@web.middleware
async def require_token(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets a request pass with a valid token, or to a public route."""
    if _needs_no_token(request):
        return await handler(request)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in _SCHEMES and _known(
        token.strip(), request.app[CONTEXT].settings.bearer_tokens
    ):
        return await handler(request)
    return problem(
        401,
        "A valid token is required: send the header `Authorization: Bearer <token>`.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _needs_no_token(request: web.Request) -> bool:
    # The route that was found, not the path, in which a slash may be escaped.
    resource = request.match_info.route.resource
    if resource is None:
        return False
    route = f"{request.method} {re.sub('^(/v1)*', '', resource.canonical)}"
    anonymous = request.app[CONTEXT].settings.allow_anonymous == 1
    return resource.canonical in PUBLIC or route in SIGNED or (anonymous and route in OPEN)


def _known(token: str, valid: tuple[str, ...]) -> bool:
    # Every token is compared, so that the time taken does not tell which one came close.
    matches = [hmac.compare_digest(token.encode(), known.encode()) for known in valid]
    return any(matches)
