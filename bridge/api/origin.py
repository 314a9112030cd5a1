"""Where a request comes from: the address it was sent to, and whether it was sent before."""

import hashlib
from dataclasses import replace

from aiohttp import web

from bridge.auth import SETTINGS
from bridge.intake import Request


def base_url(request: web.Request) -> str:
    """Where the client reaches us: as the operator says, as its proxy says, or as it asked."""
    configured = request.app[SETTINGS].public_url.rstrip("/")
    if configured:
        return configured
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme).split(",")[0].strip()
    host = request.headers.get("X-Forwarded-Host", request.host).split(",")[0].strip()
    return f"{scheme}://{host}"


def with_repeat(request: web.Request, parsed: Request) -> Request:
    """Tell a repeated request by its idempotency key, or by its retry mark, token and content."""
    token = request.headers.get("Authorization", "")
    key = request.headers.get("Idempotency-Key")
    if key:
        return replace(parsed, repeat=_digest("key", token, key), is_retry=True)
    marked = request.headers.get("x-stainless-retry-count", "0")
    digest = _digest("body", token, parsed.fingerprint)
    return replace(parsed, repeat=digest, is_retry=marked not in ("", "0"))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
