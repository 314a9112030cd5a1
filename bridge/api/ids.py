"""The ids that clients send, each as what it names among its tenant's things."""

from aiohttp import web

from bridge.api.auth import tenant_of
from bridge.records.tenants import Key
from transcription.errors import InvalidInput


def id_in(request: web.Request) -> Key:
    """The prediction that the path names. Raises InvalidInput unless it is a safe name."""
    return key_of(request, request.match_info["id"])


def key_of(request: web.Request, text: object) -> Key:
    """A client's own id for its prediction. Raises InvalidInput unless it is a safe name."""
    try:
        if isinstance(text, str):
            return tenant_of(request).key(text)
    except ValueError:
        pass
    raise InvalidInput("id", "must be 1-64 characters from [a-zA-Z0-9_-]")
