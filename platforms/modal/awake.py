"""Keeps a container while it has work: Modal ends one without requests, also while it works."""

import json
import logging
import threading
import urllib.request
from collections.abc import Callable

from platforms.modal.process import answers

INTERVAL = 30.0  # seconds; well below the 120 after which Modal ends an idle container

_log = logging.getLogger(__name__)


def unfinished(url: str, token: str) -> bool:
    """Whether the bridge at ``url`` has predictions that wait or run; not when it cannot say."""
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{url}/v1/predictions", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            page = json.load(response)
    except (OSError, ValueError):
        return False
    # The newest hundred: they are worked on in order, so what is unfinished is among them.
    return any(prediction["completed_at"] is None for prediction in page["results"])


class Awake:
    """A thread that calls the app's own public address for as long as there is work."""

    def __init__(
        self, url: str, token: str, public_url: Callable[[], str], interval: float = INTERVAL
    ) -> None:
        self._url = url
        self._token = token
        self._public_url = public_url
        self._interval = interval
        self._stopped = threading.Event()
        threading.Thread(target=self._work, name="awake", daemon=True).start()

    def stop(self) -> None:
        """No more calls."""
        self._stopped.set()

    def _work(self) -> None:
        while not self._stopped.wait(self._interval):
            try:
                if unfinished(self._url, self._token):
                    answers(f"{self._public_url()}/health")
            except Exception:
                _log.exception("could not keep the container awake")
