"""Standard Webhooks signatures (https://www.standardwebhooks.com), as Replicate's clients check."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
_KEY_BYTES = 24  # the least that the specification allows; what its own libraries generate


def derive_key(secret: str, holder: str = "") -> str:
    """A signing key made from another secret: the same every time, and of no use to find that.

    Each ``holder`` gets another one.
    """
    purpose = f"webhook signing key\n{holder}" if holder else "webhook signing key"
    digest = hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest()
    return PREFIX + base64.b64encode(digest[:_KEY_BYTES]).decode()


def check_key(key: str) -> None:
    """Raises ValueError unless ``key`` is ``whsec_`` and standard base64 of 24 to 64 bytes."""
    try:
        # The url-safe alphabet has a `_`, at which a client of Replicate splits the key.
        raw = base64.b64decode(key.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("not standard base64 after whsec_") from None
    if not key.startswith(PREFIX) or not _KEY_BYTES <= len(raw) <= 64:
        raise ValueError("must be whsec_ and the base64 of 24 to 64 bytes")


def headers(
    key: str, webhook_id: str, timestamp: int, body: bytes, retired: Sequence[str] = ()
) -> dict[str, str]:
    """The three headers for ``body``. ``timestamp`` is in seconds of the epoch.

    Who still has a ``retired`` key finds a signature by that, too.
    """
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    signatures = (_signature(one, signed) for one in (key, *retired))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _signature(key: str, signed: bytes) -> str:
    raw = base64.b64decode(key.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()
