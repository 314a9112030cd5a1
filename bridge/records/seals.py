"""What Redis holds is data: a value counts only if this service wrote it, for that very place.

Before each value stands an HMAC-SHA256 of what the value is, whose it is, and its text, under a key
that is derived from ``WEBHOOK_SECRET``. Whoever can write to Redis but does not know the secret can
delete values and put older ones back, and can make none of his own.
"""

import hmac
import json
import logging
import re
from collections.abc import Callable, Sequence
from typing import Final

_PURPOSE = b"values in Redis"  # one secret, several keys: no signed link is a seal
_SEALED = re.compile(r"([0-9a-f]{64}):")
_SHOWN = 80  # characters of a stranger's text in the log

_log = logging.getLogger(__name__)


class Seals:
    """Seals values with the first secret, and knows the seals of all."""

    def __init__(self, secrets: Sequence[str], *, takes_unsealed: bool = False) -> None:
        self._keys: Final = [hmac.digest(one.encode(), _PURPOSE, "sha256") for one in secrets]
        self.takes_unsealed = takes_unsealed
        """Whether a value without a seal is taken for one that the release before wrote."""
        self.has_retired: Final = len(secrets) > 1
        self.on_refused: Callable[[str], None] = lambda _kind: None

    def close(self, text: str, kind: str, *names: str) -> str:
        """``text``, sealed for one place: as the ``kind`` of value of what ``names`` name."""
        return f"{_mac(self._keys[0], text, kind, names)}:{text}"

    def open(self, value: bytes | str | None, kind: str, *names: str) -> str | None:
        """The text of a value; None for none, and for one that is not ours: that is counted."""
        if value is None:
            return None
        found = _text(value)
        if found is not None and self.takes_unsealed and not _SEALED.match(found):
            return found
        text = self.verified(value, kind, *names)
        if text is None:
            self.refuse(kind, *names)
        return text

    def verified(self, value: bytes | str, kind: str, *names: str) -> str | None:
        """The text behind a seal of ours, None where there is none."""
        return self._verified(value, self._keys, kind, names)

    def is_current(self, value: bytes | str, kind: str, *names: str) -> bool:
        """Whether a value has the seal of the first secret."""
        return self._verified(value, self._keys[:1], kind, names) is not None

    def refuse(self, kind: str, *names: str) -> None:
        """Count and log a value that is not ours."""
        shown = " ".join(names)[:_SHOWN]
        _log.warning("refused a %s in Redis that this service did not write: %r", kind, shown)
        self.on_refused(kind)

    @staticmethod
    def _verified(
        value: bytes | str, keys: Sequence[bytes], kind: str, names: Sequence[str]
    ) -> str | None:
        found = _text(value)
        sealed = None if found is None else _SEALED.match(found)
        if found is None or sealed is None:
            return None
        text = found[sealed.end() :]
        macs = (_mac(key, text, kind, names) for key in keys)
        return text if any(hmac.compare_digest(sealed[1], mac) for mac in macs) else None


def _text(value: bytes | str) -> str | None:
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return None


def _mac(key: bytes, text: str, kind: str, names: Sequence[str]) -> str:
    # JSON keeps the names apart, whatever is in them.
    message = f"{json.dumps([kind, *names])}\n{text}".encode()
    return hmac.digest(key, message, "sha256").hex()
