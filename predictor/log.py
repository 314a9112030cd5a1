"""The predictor's lines in the operator's log, with the prediction that they are about.

Not for the client: what is printed to stdout and stderr is the prediction's own log, which the
client reads. Cog writes JSON unless LOG_FORMAT is ``console``, and so does this; in JSON, Cog wraps
the line as the message of one of its own.
"""

import json
import os
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from cog import current_scope


def note(message: str, error: BaseException | None = None, **members: object) -> None:
    """Write one line; ``error`` adds its traceback."""
    line: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": "error" if error else "info",
        "logger": "predictor",
        "message": message,
        **members,
    }
    prediction = _prediction()
    if prediction is not None:
        line["prediction"] = prediction
    trace = "".join(traceback.format_exception(error)) if error else ""
    if os.environ.get("LOG_FORMAT") != "console":
        line |= {"error": trace} if trace else {}
        text = json.dumps(line, default=str)
    else:
        about = f"prediction {prediction}: " if prediction else ""
        text = f"{line['time']} {line['level'].upper()} {about}{message} {members or ''}\n{trace}"
    print(text.rstrip(), file=sys.__stderr__, flush=True)


def _prediction() -> str | None:
    """The id that the bridge sent along; None for a request that did not come from it."""
    context = getattr(current_scope(), "context", None) or {}
    # A run is called after its prediction and the number of the attempt.
    return context.get("run", "").rpartition("-")[0] or None
