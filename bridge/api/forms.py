"""Multipart forms: fields as text, in any order; files go to the disk as they arrive."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from bridge.api.written import charset_of, decoder_of, filename_of, name_of
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


@dataclass(slots=True)
class Form:
    """A form's fields with all their values, and the recording if one was sent."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    upload: Upload | None = None


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
    form, room = Form(), _ALL_TEXT_BYTES
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
                form.texts.setdefault(name, []).append(text)
            elif name in files and form.upload is None:
                form.upload = await _store(
                    files[name], filename or name, chunks, context, file_bytes
                )
            else:
                raise InvalidInput(name, f"one file is accepted, named {' or '.join(files)}")
    except BaseException:
        discard(context, form)
        raise
    return form


def discard(context: Context, form: Form) -> None:
    """Delete the form's recording, which is not needed any more."""
    if form.upload is not None:
        context.files.remove(form.upload.recording)


async def parts_of(request: web.Request) -> AsyncIterator[tuple[str, BodyPartReader]]:
    """A form's parts with their names. Raises HTTPBadRequest where it is no proper form."""
    if request.content_type != "multipart/form-data":
        raise web.HTTPBadRequest(text="Send the fields as multipart/form-data.")
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or (name := name_of(part)) is None:
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
    chunk, decode = b"begun", decoder_of(part)
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
