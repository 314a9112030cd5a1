"""Where a page of the list begins, and which times bound it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime

from aiohttp import web

from bridge.records.prediction import Prediction
from bridge.records.tenants import Key, Tenant


def cursor_of(prediction: Prediction) -> str:
    """What names the place after ``prediction`` in the list."""
    place = f"{prediction.created_at.timestamp()!r} {prediction.id.public}"
    return urlsafe_b64encode(place.encode()).decode()


def parse_cursor(text: str, tenant: Tenant) -> tuple[float, Key]:
    """(seconds of the epoch, key) of that prediction. Raises HTTPBadRequest."""
    try:
        score, _, prediction_id = urlsafe_b64decode(text).decode().partition(" ")
        return float(score), tenant.key(prediction_id)
    except ValueError:
        raise web.HTTPBadRequest(text="The cursor is not one of ours.") from None


def moment(request: web.Request, name: str, otherwise: float) -> float:
    """The query's ISO 8601 time as seconds of the epoch. Raises HTTPBadRequest."""
    text = request.query.get(name)
    if text is None:
        return otherwise
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise web.HTTPBadRequest(text=f"{name} must be an ISO 8601 time.") from None
