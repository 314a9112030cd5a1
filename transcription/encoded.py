"""Recordings that come as text: data URIs (RFC 2397) and base64, as all the encoders write them.

Line breaks, the URL-safe alphabet, padding that was left out, ``DATA:`` in any case, base64
without any head or without ``data:``, and what programs put around a text are understood.
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
_HALF_A_HEAD = re.compile(r"([\w.+-]+/[\w.+-]+(;[^,;]*)*;\s*)?base64\s*,", re.ASCII | re.IGNORECASE)
_BARE = re.compile(r"[A-Za-z0-9+/_\s\\-]+=*\s*", re.ASCII)
_RUN = 20  # characters between two spaces of base64, on average at least; words are shorter
# Quotation marks of JSON and Python, whose bytes begin with b, and a mark of Windows' editors.
_BEFORE = re.compile(r"[\s\"'\ufeff]*(?:b(?=[\"']))?[\s\"']*")
_LEAST = 100  # characters; a shorter text is rather a mistake than a recording
_LOOKED_AT = 4096  # characters at the beginning that tell what the text is
_CHUNK = 1 << 20  # characters decoded at a time
_BEHIND = "\"' \t\r\n"
_LINE = 60  # characters; shorter lines are not written
_STANDARD = str.maketrans("-_", "+/", "\r\n\t")
_ESCAPED = re.compile(r"\\[nrt]|\\(?=/)")  # as JSON writes it, twice


def is_encoded(text: str) -> bool:
    """Whether ``text`` is a recording itself, and no address of one."""
    start = _whole(text[:_LOOKED_AT])
    if start[:5].lower() == "data:":
        return True
    bare = len(text) >= _LEAST and _BARE.fullmatch(start) is not None
    return bare and start.count(" ") * _RUN <= len(start)


def media_type(text: str) -> str:
    """The media type that a data URI claims."""
    match = _HEAD.match(_whole(text[:_LOOKED_AT]))
    return (match["type"] if match else "") or "application/octet-stream"


def decoded(text: str, field: str) -> Iterator[bytes]:
    """What a data URI, or base64 alone, holds, a part at a time. Raises InvalidAudio."""
    text = _whole(text)
    head = _HEAD.match(text)
    if head is None and text[:5].lower() == "data:":
        raise InvalidAudio("not a valid data URI", field)
    if head is not None and not head["base64"]:
        yield unquote_to_bytes(text[head.end() :])
        return
    text = _tidied(text[head.end() :] if head else text)
    left = ""
    for start in range(0, len(text), _CHUNK):
        left += text[start : start + _CHUNK].translate(_STANDARD)
        whole = (len(left) - 1) // 4 * 4  # the last characters wait for their padding
        yield _decode(left[:whole], field)
        left = left[whole:]
    bare = left.rstrip("=")
    yield _decode(bare + "=" * (-len(bare) % 4), field)


def _whole(text: str) -> str:
    """Without what stands around it, and with the whole head of a data URI."""
    before = _BEFORE.match(text)
    text = text[before.end() if before else 0 :].rstrip(_BEHIND)
    if (half := _HALF_A_HEAD.match(text[:_LOOKED_AT])) is None:
        return text
    return f"data:{text}" if half[1] else f"data:;{text}"


def _tidied(text: str) -> str:
    """The base64 of a URI, of JSON in JSON, or of a form in which a plus became a space."""
    if "%" in text:  # a URI may escape any of its characters
        text = unquote(text)
    if "\\" in text:
        text = _ESCAPED.sub("", text)
    if " " not in text:
        return text
    lines = text.split(" ")
    wrapped = "+" in text or (len(lines[0]) >= _LINE and len({*map(len, lines[:-1])}) == 1)
    return text.replace(" ", "" if wrapped else "+")


def _decode(text: str, field: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidAudio("is not valid base64", field) from None
