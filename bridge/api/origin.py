"""Where a request comes from: the address it was sent to, and whether it was sent before."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bridge.api.auth import principal_of
from bridge.context import CONTEXT
from bridge.intake.accept import Origin, Request
from bridge.recordings.arrive import Upload
from bridge.records.tenants import Key, new_id


def base_url(request: web.Request) -> str:
    """Where the client reaches us: as the operator says, as its proxy says, or as it asked."""
    configured = request.app[CONTEXT].settings.public_url.rstrip("/")
    if configured:
        return configured
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme).split(",")[0].strip()
    host = request.headers.get("X-Forwarded-Host", request.host).split(",")[0].strip()
    return f"{scheme}://{host}"


def asked(
    request: web.Request,
    inputs: Mapping[str, Any],
    upload: Upload | None,
    chosen: Key | None = None,
) -> Request:
    """What is asked for, as a new prediction of its sender's tenant or one with a ``chosen`` id.

    A repetition has the same idempotency key, or a retry mark and the same content.
    """
    key = request.headers.get("Idempotency-Key") or None
    marked = request.headers.get("x-stainless-retry-count", "0") not in ("", "0")
    origin = Origin(
        base_url=base_url(request),
        holder=principal_of(request),
        sender=request.headers.get("Authorization", ""),
        idempotency_key=key,
        is_retry=marked or key is not None,
    )
    return Request(
        id=chosen or origin.holder.tenant.key(new_id()),
        named=chosen is not None,
        inputs=inputs,
        upload=upload,
        origin=origin,
    )
