"""Tells the bridge what this worker is, again and again, so that its /health can say it."""

import json
import threading
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

INTERVAL = 10.0  # seconds; a bridge that restarted knows again soon
TIMEOUT = 2.0  # seconds, over loopback


def announce(bridge_url: str, describe: Callable[[], Mapping[str, Any]]) -> threading.Thread:
    """Posts ``describe()`` to ``{bridge_url}/worker`` at once and then every ten seconds.

    Whether anybody listens makes no difference: the worker works without a bridge. Returns the
    started daemon thread.
    """
    pause = threading.Event()

    def post_for_ever() -> None:
        while True:
            _post(f"{bridge_url.rstrip('/')}/worker", describe())
            pause.wait(INTERVAL)

    thread = threading.Thread(target=post_for_ever, name="worker-announcement", daemon=True)
    thread.start()
    return thread


def _post(url: str, body: Mapping[str, Any]) -> None:
    request = urllib.request.Request(  # noqa: S310 - the operator's own address
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
            pass
    except OSError:
        pass
