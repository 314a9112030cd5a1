"""Tells the bridge what this worker is, again and again, so that its /health can say it."""

import json
import threading
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

INTERVAL = 10.0  # seconds; a bridge that restarted knows again soon
TIMEOUT = 2.0  # seconds, over loopback
FETCH_TIMEOUT = 10.0  # seconds; hours of speech are megabytes
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def announce(bridge_url: str, describe: Callable[[], Mapping[str, Any]]) -> threading.Event:
    """Posts ``describe()`` to ``{bridge_url}/worker`` at once and then every ten seconds.

    Whether anybody listens makes no difference: the worker works without a bridge. It ends with
    the program, or when the returned event is set.
    """
    over = threading.Event()

    def post_until_over() -> None:
        while not over.is_set():
            post(f"{bridge_url.rstrip('/')}/worker", describe())
            over.wait(INTERVAL)

    threading.Thread(target=post_until_over, name="worker-announcement", daemon=True).start()
    return over


def post(url: str, body: Mapping[str, Any]) -> bool:
    """Whether ``body`` arrived at ``url``, which is on this machine: no proxy is asked."""
    request = urllib.request.Request(  # noqa: S310 - the operator's own address
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with _DIRECTLY.open(request, timeout=TIMEOUT):
            return True
    except OSError:
        return False


def fetch(url: str) -> Any:
    """The JSON document at ``url``, which is on this machine. Raises OSError, ValueError."""
    with _DIRECTLY.open(url, timeout=FETCH_TIMEOUT) as response:
        return json.load(response)
