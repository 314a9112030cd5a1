"""What a file holds, and its sound alone: a film's pictures are not sent anywhere."""

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import av.logging
from av.container import InputContainer, OutputContainer
from av.stream import Disposition, Stream

from client.failures import Unusable
from transcription.errors import InvalidInput
from transcription.language import code_of

av.logging.set_level(av.logging.PANIC)

_MUXERS = ("matroska", "mpegts")  # the second takes what only a broadcast holds
MIX = "mix"  # all tracks together, as the input `audio_track` calls it
_SECONDARY = Disposition.comment | Disposition.visual_impaired
_APART = Fraction(1, 50)  # seconds that sound and container may begin apart without a word


@dataclass(frozen=True, slots=True)
class Track:
    """One audio track; ``number`` counts from 1. The language is the one that its tag names."""

    number: int
    language: str | None
    default: bool
    channels: int
    secondary: bool
    """A commentary, or a description for people who do not see the pictures."""


@dataclass(frozen=True, slots=True)
class Media:
    """A file with sound."""

    tracks: tuple[Track, ...]
    video: bool

    def choose(self, wanted: str | None, language: str | None) -> Track | None:
        """The track to transcribe; None: all of them, mixed. Raises Unusable.

        ``wanted`` is a number or `mix`. Otherwise: one in ``language``, no commentary, the default
        one, the one with the most channels, the first.
        """
        if wanted == MIX:
            return None
        if wanted is not None:
            number = int(wanted)
            if not 1 <= number <= len(self.tracks):
                raise Unusable(f"has {len(self.tracks)} audio tracks, so no --track {number}")
            return self.tracks[number - 1]

        def rank(track: Track) -> tuple[bool, bool, bool, int, int]:
            spoken = language is not None and track.language == language
            return spoken, not track.secondary, track.default, track.channels, -track.number

        return max(self.tracks, key=rank)


class NoAudio(Unusable):
    """There is no sound in it."""

    def __init__(self) -> None:
        super().__init__("holds no audio")


class Interrupted(Exception):
    """The user asked to stop."""


def look(path: Path) -> Media:
    """What ``path`` holds. Raises Unusable where it is no sound."""
    with _opened(path) as container:
        audio = container.streams.audio
        if not audio:
            raise NoAudio
        tracks = tuple(
            Track(
                number,
                _language(stream.metadata.get("language")),
                bool(stream.disposition & Disposition.default),
                stream.channels,
                bool(stream.disposition & _SECONDARY) or _commentary(stream.metadata),
            )
            for number, stream in enumerate(audio, 1)
        )
        return Media(tracks, _pictures(container) is not None)


def extract(path: Path, track: Track | None, target: Path, stop: threading.Event) -> bool:
    """Write the sound of ``path`` to ``target`` as it is, with its times; None: all tracks.

    The same file makes the same bytes. False where that does not work: then the file has to be
    taken as it is. Raises Interrupted where ``stop`` is set midway, Unusable on a full disk.
    """
    for muxer in _MUXERS:
        try:
            count = _extract(path, track, target, muxer, stop)
            # A muxer may take what nobody can read back.
            if len(look(target).tracks) == count:
                return True
        except (av.error.FFmpegError, ValueError, IndexError, Unusable) as error:
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise Unusable(
                    "there is no space for its sound; TMPDIR names another folder"
                ) from None
    return False


def _extract(
    path: Path, track: Track | None, target: Path, muxer: str, stop: threading.Event
) -> int:
    """The number of tracks written."""
    with path.open("rb") as file, av.open(file, "r", metadata_errors="replace") as source:
        audio = source.streams.audio
        wanted: list[Stream] = [*audio] if track is None else [audio[track.number - 1]]
        pictures = _pictures(source)
        if pictures is not None and _late(source, wanted):
            wanted.append(pictures)
        with av.open(str(target), "w", format=muxer, options={"fflags": "+bitexact"}) as made:
            _copy(source, made, wanted, pictures, stop)
        return len(wanted) - (pictures in wanted)


def _copy(
    source: InputContainer,
    made: OutputContainer,
    wanted: list[Stream],
    pictures: Stream | None,
    stop: threading.Event,
) -> None:
    copies: dict[int, Any] = {s.index: made.add_stream_from_template(s) for s in wanted}
    for packet in source.demux(wanted):
        if stop.is_set():
            raise Interrupted
        # Without a time it is the flush at the end; before zero it is what codecs need to begin.
        if packet.dts is None or packet.pts is None or packet.pts < 0:
            continue
        if packet.stream.index not in copies:
            continue
        if packet.stream is pictures:
            # The first picture alone stays: where it stands, the file's clock begins.
            packet.stream = copies.pop(packet.stream.index)
        else:
            packet.stream = copies[packet.stream.index]
        made.mux_one(packet)


def _late(source: InputContainer, wanted: list[Stream]) -> bool:
    """Whether the sound begins after the container does, so that its start has to be kept."""
    begins = Fraction(source.start_time or 0, av.time_base)
    starts = [Fraction(s.start_time or 0) * (s.time_base or 0) for s in wanted]
    return min(starts) - begins > _APART


def _pictures(container: InputContainer) -> Stream | None:
    """The film's pictures; a cover is none."""
    moving = (s for s in container.streams.video if not s.disposition & Disposition.attached_pic)
    return next(moving, None)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    """A file, whatever its name is; FFmpeg takes names such as `concat:…` for more than names."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise NoAudio
        try:
            with av.open(file, "r", metadata_errors="replace") as container:
                yield container
        except av.error.FFmpegError as error:
            if isinstance(error, av.error.InvalidDataError):
                raise NoAudio from None
            raise Unusable(f"cannot be read ({error.strerror})") from None


def _language(tag: str | None) -> str | None:
    try:
        return code_of(tag)
    except InvalidInput:
        return None


def _commentary(metadata: dict[str, str]) -> bool:
    return "comment" in metadata.get("title", "").casefold()
