"""Whether those who publish models answer: one short look each, which decides for every part."""

import hashlib
import ssl
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from models import cache

LOOK_SECONDS = 2.0
# How long the hub is not asked again for a part that has a stand-in, after it did not answer.
# Without it every start on a machine that never reaches the hub would look again.
_UNREACHABLE_SECONDS = 24 * 3600.0


class NotGiven(Exception):
    """A source does not give a model, or not what it should be. The message says what is wrong."""


class Network:
    """What was found out about the addresses asked for, by one process."""

    def __init__(self) -> None:
        self._found: dict[str, bool] = {}

    def answers(self, url: str, *, afresh: bool) -> bool:
        """Whether a server answers at ``url``; this process asks at most once.

        ``afresh``: that the hub did not answer an earlier process does not count.
        """
        if url not in self._found:
            self._found[url] = (afresh or not _in_vain(url)) and _look(url)
        return self._found[url]

    def is_away(self, url: str) -> bool:
        """Whether it is known that no server answers at ``url``. Asks nothing."""
        return not self._found.get(url, not _in_vain(url))


def _look(url: str) -> bool:
    """Looks from a thread of its own: finding an address may take longer than any timeout says."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(_answers(url)), daemon=True)
    thread.start()
    thread.join(LOOK_SECONDS)
    answered = any(found)
    note = _note(url)
    try:
        if answered:
            note.unlink(missing_ok=True)
        else:
            note.parent.mkdir(parents=True, exist_ok=True)
            note.touch()
    except OSError:
        pass  # a cache that cannot be written: the next start looks again
    return answered


def _answers(url: str) -> bool:
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - the publisher's address
    try:
        with urllib.request.urlopen(request, timeout=LOOK_SECONDS):  # noqa: S310 - likewise
            return True
    except urllib.error.HTTPError:
        return True
    except urllib.error.URLError as error:
        # Which certificates to trust is for the library that fetches to say.
        return isinstance(error.reason, ssl.SSLCertVerificationError)
    except OSError:
        return False


def _in_vain(url: str) -> bool:
    try:
        return time.time() - _note(url).stat().st_mtime < _UNREACHABLE_SECONDS
    except OSError:
        return False


def _note(url: str) -> Path:
    return cache.root() / "unanswered" / hashlib.sha256(url.encode()).hexdigest()[:16]
