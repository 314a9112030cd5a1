"""How the parts of a form are written: RFC 7578 and the mail programs that it comes from.

Encodings for transfer are out of date in forms, and still sent by libraries that were made for
mail.
"""

import base64
import binascii
import codecs
import re
from collections.abc import Callable

from aiohttp import BodyPartReader
from aiohttp.hdrs import CONTENT_DISPOSITION, CONTENT_TRANSFER_ENCODING

# Of all that Python knows: those in which people write. Others cost time, or are none.
_CHARSETS = re.compile(r"ascii|(utf-(8|16|32)|iso8859-|iso2022|cp|koi8|gb|big5|euc_|shift_jis).*")
_SAID = re.compile(r"""\b(name|filename)\s*=\s*(?:"([^"]*)"|([^;]*))""", re.IGNORECASE)
_LONGEST_LINE = 1 << 16  # bytes of quoted-printable, which has lines of 76

Decode = Callable[[bytes], bytes]
"""Takes a part's content chunk by chunk, at last an empty one. Raises ValueError."""


def decoder_of(part: BodyPartReader) -> Decode:
    """What takes the part's transfer encoding off."""
    encoding = part.headers.get(CONTENT_TRANSFER_ENCODING, "").strip().lower()
    if encoding == "base64":
        return base64.b64decode  # the reader gives whole quartets
    return _quoted_printable() if encoding == "quoted-printable" else bytes


def _quoted_printable() -> Decode:
    left = b""

    def decode(chunk: bytes) -> bytes:
        nonlocal left
        whole, end, left = (left + chunk).rpartition(b"\n")
        if not chunk:
            whole, left = whole + end + left, b""
        if len(left) > _LONGEST_LINE:
            raise ValueError("no quoted-printable: a line does not end")
        return binascii.a2b_qp(whole + end if chunk else whole)

    return decode


def charset_of(part: BodyPartReader) -> str:
    """The character set of a part's text; UTF-8 unless it names one that people use."""
    try:
        name = codecs.lookup(part.get_charset(default="utf-8")).name
    except (LookupError, ValueError):
        return "utf-8"
    return name if _CHARSETS.fullmatch(name) else "utf-8"


def name_of(part: BodyPartReader) -> str | None:
    """The field's name; None where the part has none."""
    return part.name if part.name is not None else _loosely(part, "name")


def filename_of(part: BodyPartReader) -> str | None:
    """The file's name; None where the part has none. Old programs write it in Latin-1."""
    name = part.filename if part.name is not None else _loosely(part, "filename")
    if name is None:
        return None
    written = name.encode(errors="surrogateescape")
    try:
        return written.decode()
    except UnicodeDecodeError:
        return written.decode("latin-1")


def _loosely(part: BodyPartReader, wanted: str) -> str | None:
    """What a header that is not well written says: names with spaces lack their quotes."""
    header = part.headers.get(CONTENT_DISPOSITION, "")
    found = {name.lower(): quoted or bare.strip() for name, quoted, bare in _SAID.findall(header)}
    return found.get(wanted)
