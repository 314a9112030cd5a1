"""Signed links: addresses that are valid without a token, each for one thing."""

import hashlib
import hmac

from aiohttp import web


class Links:
    """The loopback addresses that Cog is given; each is valid for one run or recording only."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self.base = ""  # known once the listener has its port

    def webhook(self, prediction_id: str, attempt: int) -> str:
        """Where Cog reports run ``attempt``."""
        signature = sign(self._secret, "webhook", prediction_id, str(attempt))
        return f"{self.base}/webhook/{prediction_id}/{attempt}/{signature}"

    def segments(self, prediction_id: str, attempt: int) -> str:
        """Where the predictor tells what run ``attempt`` has recognized so far."""
        signature = sign(self._secret, "segments", prediction_id, str(attempt))
        return f"{self.base}/segments/{prediction_id}/{attempt}/{signature}"

    def audio(self, recording: str) -> str:
        """Where Cog downloads the recording."""
        return f"{self.base}/audio/{recording}/{sign(self._secret, 'audio', recording)}"

    def check(self, request: web.Request, *parts: str) -> None:
        """Raises HTTPForbidden unless the address in the request is one of ours."""
        if not signed_by(self._secret, request.match_info["signature"], *parts):
            raise web.HTTPForbidden


def sign(secret: str, *parts: str) -> str:
    """A signature of ``parts`` for a loopback URL, hexadecimal HMAC-SHA256."""
    return hmac.new(secret.encode(), "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def signed_by(secret: str, signature: str, *parts: str) -> bool:
    """Whether ``signature`` is ours for ``parts``, compared in constant time."""
    return hmac.compare_digest(sign(secret, *parts).encode(), signature.encode())
