"""The probes of Cog's container: ``python -m predictor.probe started|ready|alive``.

Cog answers its health check with 200 in every state, so a probe has to read the body. Exit status 0
is yes. What each question means:

    started  the setup came to its end, for better or worse (loading may take its time)
    ready    predictions are run
    alive    nothing that only a restart can mend; a failed setup is, a busy worker is not
"""

import json
import os
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

TIMEOUT = 8.0  # seconds; Cog gives its own look at the worker 5
QUESTIONS = ("started", "ready", "alive")
_BROKEN = ("SETUP_FAILED", "DEFUNCT", "WORKER_DEAD", "UNREACHABLE")


def status(url: str) -> str:
    """Cog's state, with WORKER_DEAD and UNREACHABLE for what it cannot say itself."""
    try:
        with urllib.request.urlopen(f"{url}/health-check", timeout=TIMEOUT) as response:  # noqa: S310
            body: Any = json.load(response)
        if "channel closed" in str(body.get("user_healthcheck_error")):
            return "WORKER_DEAD"
        return str(body["status"])
    except (OSError, ValueError, KeyError, AttributeError):
        return "UNREACHABLE"


def answer(question: str, state: str) -> bool:
    """What the probe called ``question`` says of a Cog in ``state``."""
    match question:
        case "started":
            return state not in ("STARTING", "UNREACHABLE")
        case "ready":
            return state in ("READY", "BUSY")
        case _:
            return state not in _BROKEN


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Entry point; 2 for a question that does not exist."""
    question = arguments[0] if arguments else ""
    if question not in QUESTIONS:
        print(f"predictor.probe: expected one of {', '.join(QUESTIONS)}", file=sys.stderr)
        return 2
    state = status(f"http://127.0.0.1:{environ.get('PORT') or '5000'}")
    print(state)
    return 0 if answer(question, state) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
