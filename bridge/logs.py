"""How the bridge writes its log: lines for people, or JSON for a collector.

A message about one prediction begins with ``prediction %s``; in JSON its id is then a member of its
own, so that a log store can show one prediction's whole way.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError

FORMATS = ("text", "json")
ACCESS = "bridge.access"  # the logger of `bridge.api.access`, whose lines are JSON already
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_ABOUT_ONE = "prediction %s"


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, message, and prediction and error if any."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its newline; control characters in the message are escaped."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        prediction = _prediction(record)
        if prediction is not None:
            line["prediction"] = prediction
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(level: str, style: str) -> None:
    """Send the log to stderr in ``style``, one of FORMATS; who did what to stdout."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if style == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    access, out = logging.getLogger(ACCESS), logging.StreamHandler(sys.stdout)
    out.setFormatter(logging.Formatter("%(message)s"))
    access.addHandler(out)
    access.setLevel(logging.INFO)
    access.propagate = False
    logging.getLogger("aiohttp.server").addFilter(_is_no_nonsense)
    logging.getLogger("docket").setLevel(logging.WARNING)
    # It tells of every planned retry, with a traceback.
    logging.getLogger("docket.dependencies").setLevel(logging.CRITICAL)


def _is_no_nonsense(record: logging.LogRecord) -> bool:
    """Whether it is more than a request that is no HTTP: aiohttp would quote it, token and all."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not issubclass(kind, HttpProcessingError)


def _prediction(record: logging.LogRecord) -> str | None:
    arguments = record.args
    if str(record.msg).startswith(_ABOUT_ONE) and isinstance(arguments, tuple) and arguments:
        # A webhook's note is "<id> <event>".
        return str(arguments[0]).partition(" ")[0]
    return None
