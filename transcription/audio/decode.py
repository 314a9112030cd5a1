"""From a file to samples."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from av.container import InputContainer

from transcription.audio.channels import Mixer, Picker
from transcription.audio.clock import Clock
from transcription.audio.samples import SAMPLE_RATE, Samples
from transcription.audio.timeline import Sound, Timeline, check_length
from transcription.audio.tracks import Track
from transcription.containers import opened
from transcription.errors import InvalidAudio
from transcription.notices import notice
from transcription.parts import divided, said_by_head
from transcription.probe import beginning, promised
from transcription.sources import Source
from transcription.tracks import count_of, number_of, stream_of

_WORTH_SAYING = 0.1  # seconds
_FLEETING = 2.0  # seconds; a track that lasts no longer may be none
_TIMES_LONGER = 4  # another one has to be, to be heard in its place
# Heads count whole frames, and other tracks.
_CUT, _CUT_SHARE = 0.4, 0.01  # seconds, and a share of the whole
MAX_SECONDS = 6 * 3600.0  # one hour takes 230 MB as float32


@dataclass(frozen=True, slots=True)
class Recording:
    """The sound, what the caller should know of it, and how many channels it was made of."""

    samples: Samples
    warnings: tuple[str, ...] = ()
    channels: int = 1


@dataclass(frozen=True, slots=True)
class Heard:
    """The same before it is put together: whoever stores it need not."""

    sound: Sound
    warnings: tuple[str, ...] = ()
    channels: int = 1


@dataclass(frozen=True, slots=True)
class How:
    """The longest that is heard, and the one channel, from 0 on; None for all, mixed."""

    max_seconds: float
    channel: int | None = None

    def mixer(self) -> Mixer:
        """What makes one channel of a recording's."""
        return Mixer() if self.channel is None else Picker(self.channel)


def decode(source: Source, *, max_seconds: float = MAX_SECONDS) -> Samples:
    """The samples of `read`."""
    return read(source, max_seconds=max_seconds).samples


def read(
    source: Source,
    *,
    track: str | None = None,
    max_seconds: float = MAX_SECONDS,
    channel: int | None = None,
) -> Recording:
    """The recording's audio: of ``track``, a number from 1 on, or of all of them (``mix``).

    Without ``track`` the one that players choose; with ``channel``, from 0 on, of that one alone.
    Raises InvalidAudio when it is empty, cannot be decoded or lasts longer than ``max_seconds``;
    InvalidInput for a track that is not there.
    """
    heard = hear(source, track, How(max_seconds, channel))
    return Recording(heard.sound.whole(), heard.warnings, heard.channels)


def hear(source: Source, track: str | None, how: How) -> Heard:
    """The same in the pieces in which it was decoded."""
    with divided(source) as recordings:
        if len(recordings) == 1:
            heard = _one(source, track, how)
        else:
            heard = _joined([_next(each, track, how) for each in recordings], how)
    if not len(heard.sound):
        raise InvalidAudio("the audio track holds no sound")
    return heard


def _one(source: Source, track: str | None, how: How) -> Heard:
    with opened(source) as container:
        count = count_of(container)
        number = number_of(container, track)
        first = _heard(source, container, number or 1, how)
    if number is None:
        others = (_again(source, other, how) for other in range(2, count + 1))
        return _mixed(chain([first], others))
    if track is None and count > 1:
        number, heard = _longer(source, number, first, count, how)
        several = notice("several_tracks", count=count, number=number)
        return replace(heard, warnings=(several, *heard.warnings))
    return first


def _longer(source: Source, number: int, first: Heard, count: int, how: How) -> tuple[int, Heard]:
    """``first``, track ``number``; another where that holds next to nothing beside it.

    Damage looks like a track of its own in formats that announce none.
    """
    if len(first.sound) > _FLEETING * SAMPLE_RATE:
        return number, first
    others = {each: _again(source, each, how) for each in range(1, count + 1)}
    best = max(others, key=lambda each: len(others[each].sound))
    much = len(others[best].sound) > _TIMES_LONGER * len(first.sound)
    return (best, others[best]) if much else (number, first)


def _next(part: Source, track: str | None, how: How) -> Heard:
    """One of several recordings; without sound where it cannot be read."""
    try:
        return _one(part, track, how)
    except InvalidAudio:
        return Heard(Sound(), (notice("damaged", count=1),))


def _joined(recordings: Sequence[Heard], how: How) -> Heard:
    """One after the other."""
    sound = Sound([piece for each in recordings for piece in each.sound.pieces])
    check_length(len(sound), how.max_seconds)
    warnings = dict.fromkeys(warning for each in recordings for warning in each.warnings)
    several = notice("several_recordings", count=len(recordings))
    return Heard(sound, (several, *warnings), max(each.channels for each in recordings))


def _again(source: Source, number: int, how: How) -> Heard:
    """Another track, which needs the file from its beginning; empty where nothing decodes it."""
    with opened(source) as container:
        if container.streams.audio[number - 1].codec_context is None:
            return Heard(Sound())
        return _heard(source, container, number, how)


def _mixed(tracks: Iterable[Heard]) -> Heard:
    """All of them at once; no louder than full scale. One is held beside the mix."""
    whole, warnings = np.zeros(0, dtype=np.float32), dict[str, None]()
    for each in tracks:
        if (longer := len(each.sound) - len(whole)) > 0:
            whole = np.pad(whole, (0, longer))
        for position, piece in each.sound.placed():
            whole[position : position + len(piece)] += piece
        warnings |= dict.fromkeys(each.warnings)
    peak = max(1.0, float(whole.max(initial=0.0)), -float(whole.min(initial=0.0)))
    return Heard(Sound([np.divide(whole, peak, out=whole)]), tuple(warnings))


def _heard(source: Source, container: InputContainer, number: int, how: How) -> Heard:
    clock, mixer = Clock(beginning(container), how.max_seconds), how.mixer()
    timeline = Timeline(clock, mixer, how.max_seconds)
    track = Track(source, container, stream_of(container, number))
    for frame, stamp in track.frames():
        timeline.add(frame, stamp, leap=track.leapt)
        track.leapt = False
    sound = timeline.end()
    reached = max(len(sound) / SAMPLE_RATE, track.end)
    warnings = [*_missing(source, container, reached), *_warnings(timeline, clock, mixer, track)]
    return Heard(sound, tuple(warnings), mixer.channels)


def _missing(source: Source, container: InputContainer, reached: float) -> Iterator[str]:
    """What is said of a recording whose end did not arrive."""
    whole = max(promised(container) or 0.0, reached * said_by_head(source))
    if whole - reached > max(_CUT, _CUT_SHARE * whole):
        yield notice("cut_short", whole=whole, reached=reached)


def _warnings(timeline: Timeline, clock: Clock, mixer: Mixer, track: Track) -> Iterator[str]:
    if track.damaged:
        yield notice("damaged", count=track.damaged)
    if timeline.silence >= _WORTH_SAYING:
        yield notice("silence_added", seconds=timeline.silence)
    if clock.jumps:
        yield notice("clock_jumped", count=clock.jumps)
    if mixer.cancelled >= _WORTH_SAYING:
        yield notice("channels_cancelled", seconds=mixer.cancelled)
    if mixer.unnamed:
        yield notice("channels_unnamed", count=mixer.unnamed)
