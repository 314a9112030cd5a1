"""Who may use the API: holders of tokens and keys; with ALLOW_ANONYMOUS, everybody else as one."""

import hmac
import re

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.api.allowances import ALLOWANCE
from bridge.api.errors import problem
from bridge.context import CONTEXT, Context
from bridge.records.tenants import ANONYMOUS, Principal, Scope, Tenant

PUBLIC = frozenset(
    {
        *("/", "/page/{name}", "/docs"),
        *("/health", "/health-check", "/languages", "/api-info", "/openapi.json"),
    }
)
# They answer with what was said, or its language: nobody needs an id.
LISTENING = (
    "POST /audio/transcriptions",
    "POST /audio/translations",
    "POST /audio/transcribe-with-speakers",
    "POST /transcribe",
    "POST /asr",
    "POST /detect-language",
)
# With ALLOW_ANONYMOUS, a token that nobody knows is taken for none here: clients of these routes
# have to send some. Elsewhere it is refused: whoever mistypes a token does not mean to share.
ANY_TOKEN = frozenset(
    {
        *LISTENING,
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
_PRINCIPAL = web.RequestKey("principal", Principal)
_NOBODY = Principal(ANONYMOUS)


def principal_of(request: web.Request) -> Principal:
    """The sender of the request. Raises KeyError on a route that needs no token."""
    return request[_PRINCIPAL]


def caller(request: web.Request) -> tuple[str | None, str | None]:
    """Names of the key and tenant that a request came from, for the log; None without a token."""
    principal = request.get(_PRINCIPAL)
    if principal is None:
        return None, None
    named = "anonymous" if principal is _NOBODY else "BRIDGE_TOKEN"
    return principal.key_id or named, principal.tenant.name


def tenant_of(request: web.Request) -> Tenant:
    """Whose predictions and files the request is about; raises KeyError likewise."""
    return principal_of(request).tenant


def holder(context: Context, authorization: str) -> Principal | None:
    """Whose token a request has in its header ``Authorization``."""
    token = _token_in(authorization)
    if not token:
        return None
    listed = context.keys.holder(token)
    return Principal() if _known(token, context.settings.bearer_tokens) else listed


@web.middleware
async def require_token(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets a request pass with a token that is valid and may do this, or to a public route."""
    route = route_of(request)
    if route in SIGNED or (request.match_info.route.resource and _path(request) in PUBLIC):
        return await handler(request)
    context = request.app[CONTEXT]
    sent = request.headers.get("Authorization", "")
    principal = holder(context, sent)
    if principal is None and context.settings.allow_anonymous:
        principal = None if _token_in(sent) and route not in ANY_TOKEN else _NOBODY
    if principal is None:
        return unauthenticated()
    needed = Scope.READ if request.method in ("GET", "HEAD") else Scope.WRITE
    if needed not in principal.scopes:
        return forbidden(principal, needed)
    request[_PRINCIPAL] = principal
    if (allowance := await context.meter.request(principal)) is not None:
        request[ALLOWANCE] = allowance
    return await handler(request)


def unauthenticated() -> web.Response:
    """The answer to a request without a valid token."""
    return problem(
        401,
        "A valid token is required: send the header `Authorization: Bearer <token>`.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def forbidden(principal: Principal, needed: Scope) -> web.Response:
    """The answer to a key that may do other things, but not this."""
    has = ", ".join(scope for scope in Scope if scope in principal.scopes)
    return problem(
        403,
        f"This key lacks the scope `{needed}`; it has: {has}.",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{needed}"'},
        code="insufficient_scope",
    )


def _path(request: web.Request) -> str:
    # The route that was found, not the path, in which a slash may be escaped.
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


def route_of(request: web.Request) -> str:
    """Method and path of the route that answers, without the prefix."""
    return f"{request.method} {re.sub('^(/v1)*', '', _path(request))}"


def _token_in(authorization: str) -> str:
    """The token of a header; empty where it has none, as the password that a proxy asks for."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() in _SCHEMES else ""


def _known(token: str, valid: tuple[str, ...]) -> bool:
    # Every token is compared, so that the time taken does not tell which one came close. Bytes of
    # a header that are no text are halves of characters by now.
    given = token.encode(errors="surrogatepass")
    matches = [hmac.compare_digest(given, known.encode()) for known in valid]
    return any(matches)
