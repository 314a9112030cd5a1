"""Multipart forms: parts as their clients write them, fields in any order, files to the disk.

Parts are written as RFC 7578 has them, and as the mail programs that it comes from did. Encodings
for transfer are out of date in forms, and still sent by libraries that were made for mail.
"""

import asyncio
import base64
import binascii
import codecs
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from aiohttp import BodyPartReader, web
from aiohttp.hdrs import CONTENT_DISPOSITION, CONTENT_TRANSFER_ENCODING
from aiohttp.http_exceptions import HttpProcessingError

from bridge.api.fields import Fields
from bridge.context import CONTEXT, Context
from bridge.recordings.arrive import Upload
from bridge.records.tenants import new_id
from transcription.encoded import is_encoded
from transcription.errors import InvalidInput

# Of one field: a known speaker's sample is ten seconds at studio quality, as base64.
_TEXT_BYTES = 8 << 20
_ALL_TEXT_BYTES = 64 << 20  # of all fields together
_CHUNK = 1 << 18  # bytes of an upload read at a time
_LOOKED_AT = 4096  # bytes of a recording that tell whether it is one, or text about one
_ADDRESS = re.compile(rb"https?://", re.IGNORECASE)
# Of all that Python knows: those in which people write. Others cost time, or are none.
_CHARSETS = re.compile(r"ascii|(utf-(8|16|32)|iso8859-|iso2022|cp|koi8|gb|big5|euc_|shift_jis).*")
_SAID = re.compile(r"""\b(name|filename)\s*=\s*(?:"([^"]*)"|([^;]*))""", re.IGNORECASE)
_LONGEST_LINE = 1 << 16  # bytes of quoted-printable, which has lines of 76

Decode = Callable[[bytes], bytes]
"""Takes a part's content chunk by chunk, at last an empty one. Raises ValueError."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form's fields, and the recording if one was sent."""

    fields: Fields
    upload: Upload | None


async def read_form(
    request: web.Request,
    files: Mapping[str, str],
    file_bytes: int | None = None,
) -> Form:
    """The form, its one file stored.

    ``files`` are the names that it may have, and the inputs that they stand for. The file has at
    most ``file_bytes`` where that is less than any file may have. Raises InvalidInput or an HTTP
    error, leaving no file.
    """
    context = request.app[CONTEXT]
    texts: dict[str, list[str]] = {}
    upload, room = None, _ALL_TEXT_BYTES
    try:
        async for name, part in parts_of(request):
            chunks = chunks_of(part, context.settings.upload_idle_timeout)
            filename = filename_of(part)
            is_file = filename is not None
            if name in files and not is_file:
                begun = await anext(chunks, b"")
                is_file, chunks = not _is_text(begun), _joined(begun, chunks)
            if not is_file:
                # A recording may come as text, too, and then be long.
                most = room if name in files else min(_TEXT_BYTES, room)
                text = await text_of(chunks, charset_of(part), most)
                room -= len(text)
                texts.setdefault(name, []).append(text)
            elif name in files and upload is None:
                upload = await _store(files[name], filename or name, chunks, context, file_bytes)
            else:
                raise InvalidInput(name, f"one file is accepted, named {' or '.join(files)}")
    except BaseException:
        discard(context, upload)
        raise
    return Form(Fields(texts, context), upload)


def discard(context: Context, upload: Upload | None) -> None:
    """Delete a form's recording, which is not needed any more."""
    if upload is not None:
        context.files.remove(upload.recording)


async def parts_of(request: web.Request) -> AsyncIterator[tuple[str, BodyPartReader]]:
    """A form's parts with their names. Raises HTTPBadRequest where it is no proper form."""
    if request.content_type != "multipart/form-data":
        raise web.HTTPBadRequest(text="Send the fields as multipart/form-data.")
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or (name := _name_of(part)) is None:
                raise web.HTTPBadRequest(text="Every part of the form needs a name.")
            yield name, part
    # aiohttp's words for a boundary that is missing or never comes, and for headers of a part that
    # are none.
    except (ValueError, HttpProcessingError):
        raise web.HTTPBadRequest(text="The multipart form is malformed.") from None


async def text_of(
    chunks: AsyncIterator[bytes], charset: str = "utf-8", most: int = _TEXT_BYTES
) -> str:
    """A form field's text. Raises HTTPRequestEntityTooLarge past ``most`` bytes."""
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > most:
            raise web.HTTPRequestEntityTooLarge(most, len(content))
    return content.decode(charset, errors="replace")


async def chunks_of(part: BodyPartReader, idle_seconds: float) -> AsyncIterator[bytes]:
    """A part's content as it arrives. Raises HTTPRequestTimeout when nothing comes for long."""
    chunk, decode = b"begun", _decoder_of(part)
    while chunk:
        try:
            async with asyncio.timeout(idle_seconds):
                chunk = await part.read_chunk(_CHUNK)
            content = decode(chunk)
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="The upload stalled.") from None
        except (ValueError, AssertionError):  # of a part that ends amid its encoding
            raise web.HTTPBadRequest(text="The multipart form is malformed.") from None
        if content:
            yield content


def _is_text(begun: bytes) -> bool:
    """Whether a recording without a file name comes as its address or as base64, by its start."""
    start = begun[:_LOOKED_AT].lstrip()
    if not start or _ADDRESS.match(start):
        return True
    return is_encoded(start.decode(errors="replace"))


async def _joined(begun: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield begun
    async for chunk in chunks:
        yield chunk


async def _store(
    field: str,
    filename: str,
    chunks: AsyncIterator[bytes],
    context: Context,
    max_bytes: int | None,
) -> Upload:
    recording = new_id()
    stored = await context.files.write(recording, chunks, field, max_bytes)
    return Upload(field, filename[:255], recording, stored)


def _decoder_of(part: BodyPartReader) -> Decode:
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


def _name_of(part: BodyPartReader) -> str | None:
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
