"""The ids that clients send."""

import re

from aiohttp import web

from transcription.errors import InvalidInput

_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def id_in(request: web.Request) -> str:
    """The prediction that the path names. Raises InvalidInput unless it is a safe name."""
    return check_id(request.match_info["id"])


def check_id(text: object) -> str:
    """A client's own id for its prediction. Raises InvalidInput unless it is a safe name."""
    if isinstance(text, str) and _ID.fullmatch(text):
        return text
    raise InvalidInput("id", "must be 1-64 characters from [a-zA-Z0-9_-]")
