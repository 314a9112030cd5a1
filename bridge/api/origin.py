"""Where a request comes from: the address it was sent to, and whether it was sent before."""

from dataclasses import replace

from aiohttp import web

from bridge.api.auth import SETTINGS
from bridge.intake.accept import Request


def base_url(request: web.Request) -> str:
    """Where the client reaches us: as the operator says, as its proxy says, or as it asked."""
    configured = request.app[SETTINGS].public_url.rstrip("/")
    if configured:
        return configured
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme).split(",")[0].strip()
    host = request.headers.get("X-Forwarded-Host", request.host).split(",")[0].strip()
    return f"{scheme}://{host}"


def with_repeat(request: web.Request, parsed: Request) -> Request:
    """Note how a repetition is told: by its idempotency key, or by its retry mark and content."""
    key = request.headers.get("Idempotency-Key") or None
    marked = request.headers.get("x-stainless-retry-count", "0") not in ("", "0")
    return replace(
        parsed,
        sender=request.headers.get("Authorization", ""),
        idempotency_key=key,
        is_retry=marked or key is not None,
    )
