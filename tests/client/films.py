"""Films as people keep them: pictures, and tracks of sound with tags."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.stream import Disposition
from av.video.frame import VideoFrame

RATE = 10  # pictures a second
SIZE = 16  # pixels, of width and height


@dataclass(frozen=True)
class Sound:
    """One track of a film, spoken by a recording; it begins ``late`` seconds after the pictures."""

    recording: Path
    language: str = ""
    title: str = ""
    default: bool = False
    late: float = 0.0
    seconds: float = 8.0


def film(path: Path, *sounds: Sound, pictures: bool = True) -> Path:
    """Write a film in the format that the name's ending says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as made:
        video = made.add_stream("mpeg4", rate=RATE) if pictures else None
        tracks = []
        for sound in sounds:
            track = made.add_stream("aac", rate=16_000)
            track.layout = "mono"
            if sound.language:
                track.metadata["language"] = sound.language
            if sound.title:
                track.metadata["title"] = sound.title
            track.disposition = Disposition.default if sound.default else Disposition(0)
            tracks.append(track)
        if video is not None:
            video.width = video.height = SIZE
            video.pix_fmt = "yuv420p"
            _draw(made, video, max(sound.late + sound.seconds for sound in sounds))
        _speak(made, list(zip(sounds, tracks, strict=True)))
    return path


def _draw(made: av.container.OutputContainer, video: av.VideoStream, seconds: float) -> None:
    for number in range(round(seconds * RATE)):
        frame = VideoFrame(SIZE, SIZE, "yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        made.mux(video.encode(frame))
    made.mux(video.encode(None))


def _speak(
    made: av.container.OutputContainer, pairs: Sequence[tuple[Sound, av.AudioStream]]
) -> None:
    for sound, track in pairs:
        with av.open(str(sound.recording)) as source:
            for frame in source.decode(audio=0):
                assert frame.time is not None
                assert frame.pts is not None
                assert frame.time_base is not None
                if frame.time > sound.seconds:
                    break
                frame.pts += round(sound.late / frame.time_base)
                made.mux(track.encode(frame))
        made.mux(track.encode(None))
