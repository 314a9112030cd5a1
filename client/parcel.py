"""What is sent of a recording, and the id that its content gives it."""

import hashlib
import io
import json
import os
import select
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.failures import shown
from client.finding import STDIN, Found
from client.media import MIX, Interrupted, Media, Track, extract
from client.wishes import Wishes

_CHUNK = 2**20
_LISTEN_SECONDS = 0.2
_ID_LENGTH = 40  # hexadecimal digits: no two recordings meet


@dataclass(frozen=True, slots=True)
class Parcel:
    """A transcription to ask for: the same content and wishes have the same id.

    ``file`` is None where the service fetches the recording itself.
    """

    id: str
    file: Path | None
    name: str
    inputs: Mapping[str, Any]


def packed(
    found: Found, holds: tuple[Media, Track | None] | None, wishes: Wishes, folder: Path,
    stop: threading.Event,
) -> Parcel:  # fmt: skip
    """What to send; ``folder`` takes what has to be made first.

    ``holds`` is what a file holds, and the track of it that is wanted. Raises Interrupted.
    """
    if found.path is None and found.source != STDIN:
        inputs = {**wishes.request(wishes.track), "audio_file": found.source}
        return Parcel(_id(hashlib.sha256(b"url"), inputs, wishes.asker), None, found.name, inputs)
    if found.path is None or holds is None:
        file, name, track = folder / "recording", found.stem, wishes.track
        _spool(file, stop)
    else:
        file, name, track = _sound(found.path, *holds, folder, stop)
    inputs = wishes.request(track)
    return Parcel(_id(_digest(file, stop), inputs, wishes.asker), file, shown(name), inputs)


def _sound(
    path: Path, media: Media, track: Track | None, folder: Path, stop: threading.Event
) -> tuple[Path, str, str | None]:
    """(file, name, the track that the service has to choose) of what is sent of a file."""
    wanted = MIX if track is None else str(track.number)
    if not media.video and len(media.tracks) == 1:
        return path, path.name, MIX if track is None else None
    sound = folder / "sound.mka"
    if extract(path, track, sound, stop):
        return sound, f"{path.stem}.mka", MIX if track is None else None
    return path, path.name, wanted if len(media.tracks) > 1 else None


def _spool(file: Path, stop: threading.Event) -> None:
    """Standard input as a file. A read that nothing ends is not waited for."""
    source = sys.stdin.fileno()
    with file.open("wb") as target:
        while not stop.is_set():
            if select.select([source], [], [], _LISTEN_SECONDS)[0]:
                chunk = os.read(source, _CHUNK)
                if not chunk:
                    return
                target.write(chunk)
    raise Interrupted


def _digest(file: Path, stop: threading.Event) -> "hashlib._Hash":
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            if stop.is_set():
                raise Interrupted
            digest.update(chunk)
    return digest


def _id(digest: "hashlib._Hash", inputs: Mapping[str, Any], asker: str) -> str:
    digest.update(json.dumps([dict(inputs), asker], sort_keys=True).encode())
    return f"cli-{digest.hexdigest()[:_ID_LENGTH]}"


class Counted(io.BufferedReader):
    """A file that reports how much of it was read."""

    def __init__(self, file: Path, on_progress: Callable[[float], None]) -> None:
        super().__init__(io.FileIO(file))
        self._on_progress = on_progress
        self._size = max(os.fstat(self.fileno()).st_size, 1)

    def read(self, size: int | None = -1) -> bytes:
        """As any file; the share is reported."""
        chunk = super().read(size)
        self._on_progress(self.tell() / self._size)
        return chunk
