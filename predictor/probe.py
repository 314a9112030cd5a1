"""The probes of Cog's container: ``python -m predictor.probe started|ready|alive``.

Exit status 0 is yes. What each question means:

    started  the setup came to its end, for better or worse (loading may take its time)
    ready    predictions are run
    alive    nothing that only a restart can mend; a failed setup is, a busy worker is not
"""

import json
import os
import sys
import urllib.request
from collections.abc import Mapping, Sequence

from predictor.health import UNREACHABLE, CogState, Health, read_health

TIMEOUT = 8.0  # seconds; Cog gives its own look at the worker 5
QUESTIONS = ("started", "ready", "alive")


def health(url: str) -> Health:
    """What Cog at ``url`` says of itself, UNREACHABLE when it does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/health-check", timeout=TIMEOUT) as response:  # noqa: S310
            return read_health(json.load(response))
    except (OSError, ValueError):
        return UNREACHABLE


def answer(question: str, found: Health) -> bool:
    """What the probe called ``question`` says of a Cog in this state."""
    match question:
        case "started":
            return found.status not in (CogState.STARTING, CogState.UNREACHABLE)
        case "ready":
            return found.ready
        case _:
            return not found.broken and found.status is not CogState.UNREACHABLE


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Entry point; 2 for a question that does not exist."""
    question = arguments[0] if arguments else ""
    if question not in QUESTIONS:
        print(f"predictor.probe: expected one of {', '.join(QUESTIONS)}", file=sys.stderr)
        return 2
    found = health(f"http://127.0.0.1:{environ.get('PORT') or '5000'}")
    print(found.status)
    return 0 if answer(question, found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
