"""Where a request comes from: the address it was sent to, and whether it was sent before."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from aiohttp import web
from yarl import URL

from bridge.api.auth import principal_of
from bridge.context import CONTEXT
from bridge.intake.accept import Origin, Request
from bridge.recordings.arrive import Upload
from bridge.records.tenants import Key, new_id

# What is no host and port is passed over: an address made of it could not be opened.
_HOST = re.compile(
    r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?)(?::\d{1,5})?"
)


def base_url(request: web.Request) -> str:
    """Where the client reaches us: as the operator says, as its proxy says, or as it asked."""
    configured = request.app[CONTEXT].settings.public_url.rstrip("/")
    if configured:
        return configured
    schemes = (request.headers.get("X-Forwarded-Proto", ""), request.scheme)
    hosts = (request.headers.get("X-Forwarded-Host", ""), request.host, "localhost")
    scheme = next(first for first in map(_first, schemes) if first in ("http", "https"))
    host = next(first for first in map(_first, hosts) if _is_host(first))
    return f"{scheme}://{host}"


def _first(header: str) -> str:
    """What the proxy next to the client says."""
    return header.split(",", maxsplit=1)[0].strip()


def _is_host(text: str) -> bool:
    found = _HOST.fullmatch(text)
    try:
        if found and found["address"]:
            ip_address(found["address"])
        return bool(found and URL(f"http://{text}").host)
    except ValueError:  # such as a port beyond 65535
        return False


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
