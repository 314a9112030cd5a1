"""Recordings on disk, from the moment they arrive until their prediction ends.

A recording of prediction X is the file ``FILES_DIR/X``. The folder is shared by all bridges on one
Redis. Ids are checked before they get here; names that clients send never touch the disk.
"""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

from transcription.errors import InvalidAudio

_CHUNK = 1 << 20  # base64 characters decoded at a time; a multiple of 4
_DATA_URI = re.compile(r"data:(?P<type>[^,;]*)(?P<parameters>(?:;[^,;]*)*),", re.ASCII)


class TooLarge(InvalidAudio):
    """The recording has more bytes than the operator allows."""

    status = 413


class Files:
    """The folder of recordings."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, prediction_id: str) -> Path:
        """Where the recording of a prediction is, or will be."""
        return self._folder / prediction_id

    async def write(
        self, prediction_id: str, chunks: AsyncIterator[bytes], field: str = "audio_file"
    ) -> int:
        """Store a recording as it arrives; its size. Raises TooLarge, leaving nothing behind."""
        path, size = self.path(prediction_id), 0
        try:
            with path.open("wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self._max_bytes:
                        raise TooLarge(f"the file is larger than {self._max_bytes} bytes", field)
                    await asyncio.to_thread(file.write, chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return size

    async def write_data_uri(self, prediction_id: str, uri: str, field: str) -> int:
        """Store what a ``data:`` URI (RFC 2397) holds; its size. Raises InvalidAudio."""
        return await self.write(prediction_id, _decode(uri, field), field)

    def remove(self, prediction_id: str) -> None:
        """Delete the recording, if there is one."""
        self.path(prediction_id).unlink(missing_ok=True)


def media_type(uri: str) -> str:
    """The media type that a data URI claims."""
    match = _DATA_URI.match(uri)
    return (match["type"] if match else "") or "application/octet-stream"


async def _decode(uri: str, field: str) -> AsyncIterator[bytes]:
    header = _DATA_URI.match(uri)
    if header is None:
        raise InvalidAudio("not a valid data URI", field)
    if not header["parameters"].lower().endswith(";base64"):
        yield unquote_to_bytes(uri[header.end() :])
        return
    for start in range(header.end(), len(uri), _CHUNK):
        try:
            yield base64.b64decode(uri[start : start + _CHUNK], validate=True)
        except ValueError:
            raise InvalidAudio("the data URI's base64 is broken", field) from None
