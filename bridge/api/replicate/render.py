"""Records as the JSON objects that Replicate's clients parse."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bridge.links import Links
from bridge.records.prediction import Prediction


def prediction_object(
    prediction: Prediction, base: str, links: Links, queued: Mapping[str, Any]
) -> dict[str, Any]:
    """A prediction, every member always there. ``queued`` is added to its metrics.

    Its output is None here: `prediction_body` puts in what the store keeps as JSON text.
    """
    url = f"{base}/v1/predictions/{prediction.id.public}"
    return {
        "id": prediction.id.public,
        "output": None,
        "model": prediction.model,
        "version": prediction.version,
        "input": dict(prediction.input),
        "error": prediction.error,
        "logs": prediction.logs,
        "metrics": {**prediction.metrics, **queued},
        "status": prediction.status.value,
        "source": "api",
        "data_removed": False,
        "created_at": time_text(prediction.created_at),
        "started_at": time_text(prediction.started_at),
        "completed_at": time_text(prediction.completed_at),
        "deadline": time_text(prediction.deadline),
        "urls": {
            "get": url,
            "cancel": f"{url}/cancel",
            # Clients follow it without their token, so the link itself is the permission.
            "stream": links.stream(base, prediction.id, prediction.created_at),
        },
    }


def prediction_body(
    prediction: Prediction,
    output: bytes | None,
    base: str,
    links: Links,
    queued: Mapping[str, Any],
) -> bytes:
    """A prediction as JSON text, with ``output`` (JSON text, too) in its place."""
    rendered = prediction_object(prediction, base, links, queued)
    body = json.dumps(rendered, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    # The first one is ours: it stands before every member that a client has a say in.
    return body if output is None else body.replace(b'"output":null', b'"output":' + output, 1)


def webhook_body(links: Links, prediction: Prediction, output: bytes | None) -> bytes:
    """What a receiver gets: the same that GET answers."""
    return prediction_body(prediction, output, prediction.base_url, links, {})


def time_text(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with a Z, as Replicate writes it."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
