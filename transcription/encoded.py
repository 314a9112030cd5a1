"""Recordings that come as text: data URIs (RFC 2397) and base64, as all the encoders write them.

Line breaks, the URL-safe alphabet, padding that was left out, ``DATA:`` in any case and base64
without any head are understood.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_to_bytes

from transcription.errors import InvalidAudio

# Browsers put the recorder's codecs in, with a comma between them: the head of base64 ends later.
_HEAD = re.compile(
    r"data:(?P<type>[^,;]*)(?:[^\n]{0,400}?(?P<base64>;\s*base64\s*),\s*|(?:;[^,;]*)*,)",
    re.ASCII | re.IGNORECASE,
)
_BARE = re.compile(r"[A-Za-z0-9+/_\r\n\t-]+=*\s*", re.ASCII)
_LEAST = 100  # characters; a shorter text is rather a mistake than a recording
_LOOKED_AT = 4096  # characters at the beginning that tell what the text is
_CHUNK = 1 << 20  # characters decoded at a time
_STANDARD = str.maketrans("-_", "+/", "\r\n\t")


def is_encoded(text: str) -> bool:
    """Whether ``text`` is a recording itself, and no address of one."""
    start = text[:_LOOKED_AT].lstrip()
    bare = len(text) >= _LEAST and _BARE.fullmatch(start) is not None
    return bare or start[:5].lower() == "data:"


def media_type(text: str) -> str:
    """The media type that a data URI claims."""
    match = _HEAD.match(text.lstrip())
    return (match["type"] if match else "") or "application/octet-stream"


def decoded(text: str, field: str) -> Iterator[bytes]:
    """What a data URI, or base64 alone, holds, a part at a time. Raises InvalidAudio."""
    text = text.strip()
    head = _HEAD.match(text)
    if head is None and text[:5].lower() == "data:":
        raise InvalidAudio("not a valid data URI", field)
    if head is not None and not head["base64"]:
        yield unquote_to_bytes(text[head.end() :])
        return
    if "%" in text:  # a URI may escape any of its characters
        text = unquote(text)
    left = ""
    for start in range(head.end() if head else 0, len(text), _CHUNK):
        left += text[start : start + _CHUNK].translate(_STANDARD)
        whole = (len(left) - 1) // 4 * 4  # the last characters wait for their padding
        yield _decode(left[:whole], field)
        left = left[whole:]
    bare = left.rstrip("=")
    yield _decode(bare + "=" * (-len(bare) % 4), field)


def _decode(text: str, field: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidAudio("is not valid base64", field) from None
