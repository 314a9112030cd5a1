"""Every signed address: whoever has it needs no token, and it is valid for one thing only.

A signature is an HMAC-SHA256 of the kind of link and what it names, under ``WEBHOOK_SECRET``. While
that is changed, links that the retired secrets signed stay valid.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from aiohttp import web
from yarl import URL

from bridge.records.tenants import DEFAULT, Key, Tenant
from outbound.policy import parsed

STREAM_SECONDS = 86_400  # how long a stream's link is valid, from the prediction's creation
_FILE_FIELDS = {"owner", "expiry", "signature"}


class Links:
    """Makes and checks links. ``owner`` stands in the links of uploaded files."""

    def __init__(self, secret: str, owner: str = "", *, retired: Sequence[str] = ()) -> None:
        self._secret: Final = secret
        self._secrets: Final = (secret, *retired)
        self._owner: Final = owner
        self.base = ""  # of the loopback listener, known once it has its port

    def webhook(self, prediction_id: Key, attempt: int) -> str:
        """Where Cog reports run ``attempt``, on loopback."""
        signature = sign(self._secret, "webhook", prediction_id, str(attempt))
        return f"{self.base}/webhook/{prediction_id}/{attempt}/{signature}"

    def segments(self, prediction_id: Key, attempt: int) -> str:
        """Where the predictor posts what run ``attempt`` has recognized so far, on loopback."""
        signature = sign(self._secret, "segments", prediction_id, str(attempt))
        return f"{self.base}/segments/{prediction_id}/{attempt}/{signature}"

    def heard(self, prediction_id: Key, attempt: int) -> str:
        """Where run ``attempt`` asks what the runs before it have recognized, on loopback."""
        signature = sign(self._secret, "heard", prediction_id, str(attempt))
        return f"{self.base}/heard/{prediction_id}/{attempt}/{signature}"

    def audio(self, recording: str) -> str:
        """Where Cog downloads the recording, on loopback."""
        return f"{self.base}/audio/{recording}/{sign(self._secret, 'audio', recording)}"

    def check(self, request: web.Request, *parts: str) -> None:
        """Raises HTTPForbidden unless the loopback address in the request is one of ours."""
        if not self._signed(request.match_info["signature"], *parts):
            raise web.HTTPForbidden

    def stream(self, base: str, prediction_id: Key, created_at: datetime) -> str:
        """Where a client follows a prediction; ``base`` is how it reaches us."""
        return self._of(base, "stream", prediction_id, int(created_at.timestamp()) + STREAM_SECONDS)

    def recording(self, base: str, prediction_id: Key) -> str:
        """Where the sound of a prediction is listened to, for a day."""
        return self._of(base, "recording", prediction_id, int(time.time()) + STREAM_SECONDS)

    def _of(self, base: str, kind: str, prediction_id: Key, expiry: int) -> str:
        signature = sign(self._secret, kind, prediction_id, str(expiry))
        path = f"{base}/v1/predictions/{prediction_id.public}/{kind}"
        return f"{path}?expiry={expiry}&signature={signature}{_whose(prediction_id)}"

    def opened(self, kind: str, public_id: str, query: Mapping[str, str]) -> Key | None:
        """The prediction whose ``kind`` (stream or recording) a request with this query opens."""
        expiry, signature = query.get("expiry", ""), query.get("signature", "")
        key = _key(public_id, query)
        opens = key is not None and self._valid(signature, kind, key, expiry=expiry)
        return key if opens else None

    def file(self, base: str, file_id: Key, expires_at: datetime) -> str:
        """Where an uploaded file is downloaded, until it expires."""
        expiry = str(int(expires_at.timestamp()))
        signature = sign(self._secret, "file", self._owner, file_id, expiry)
        query = {"owner": self._owner, "expiry": expiry, "signature": signature}
        link = str(URL(f"{base}/v1/files/{file_id.public}/download").with_query(query))
        return link + _whose(file_id)

    def file_named_by(self, link: str) -> Key | None:
        """The file that one of our links names, if it is one and still valid."""
        try:
            url = parsed(link)
        except ValueError:
            return None
        match url.path.split("/")[-3:]:
            case ["files", file_id, "download"] if set(url.query) >= _FILE_FIELDS:
                owner, expiry, signature = (url.query[n] for n in ("owner", "expiry", "signature"))
            case _:
                return None
        key = _key(file_id, url.query)
        ours = key is not None and self._valid(signature, "file", owner, key, expiry=expiry)
        return key if ours else None

    def _valid(self, signature: str, *parts: str, expiry: str) -> bool:
        signed = self._signed(signature, *parts, expiry)
        return signed and expiry.isdecimal() and int(expiry) > time.time()

    def _signed(self, signature: str, *parts: str) -> bool:
        return any(signed_by(secret, signature, *parts) for secret in self._secrets)


def _whose(key: Key) -> str:
    """The part of a link's query that names its tenant; none for the first of them."""
    return "" if key.tenant == DEFAULT else f"&tenant={key.tenant.name}"


def _key(public_id: str, query: Mapping[str, str]) -> Key | None:
    """What a link names, by its path and query; None where it is none of ours."""
    try:
        return Tenant(query.get("tenant", DEFAULT.name)).key(public_id)
    except ValueError:
        return None


def sign(secret: str, *parts: str) -> str:
    """A signature of ``parts``, hexadecimal HMAC-SHA256."""
    return hmac.new(secret.encode(), "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def signed_by(secret: str, signature: str, *parts: str) -> bool:
    """Whether ``signature`` is ours for ``parts``, compared in constant time."""
    return hmac.compare_digest(sign(secret, *parts).encode(), signature.encode())
