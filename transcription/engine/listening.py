"""Windows heard until what was written for them can be believed, or nothing is left to try.

The order is the issue's: a fitted window at the whole length, then its two halves around the
longest pause, then Whisper's own ladder of temperatures, which draws at random.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from transcription.audio import Samples
from transcription.engine import decoding, guard
from transcription.engine.decoding import Asked, Decoder, Hearing
from transcription.engine.sounds import sounds
from transcription.findings import Window

_LADDER = (0.2, 0.4, 0.6, 0.8, 1.0)  # temperatures, Whisper's own
_PAUSE, _PIECE = 0.3, 1.0  # seconds: the shortest pause to split at, the shortest piece
_DEPTH = 2  # how often a window is divided whose text skips speech


@dataclass(frozen=True, slots=True)
class Listened:
    """What one window holds, in one piece or several, after ``retries`` of it."""

    heard: tuple[Hearing, ...]
    retries: int = 0


def listen(
    decoder: Decoder, samples: Samples, windows: Sequence[Window], asked: Asked
) -> list[Listened]:
    """What is said in each of ``windows``, which are one batch."""
    first = decoder(samples, windows, asked)
    found = {one.window: Listened((one,)) for one in first}
    again = [one.window for one in first if decoder.fits(one.window) and guard.unsure(one)]
    if again:
        for one in decoder(samples, again, asked, whole=True):
            found[one.window] = Listened((one,), 1)
    return [_improved(decoder, samples, found[window], asked) for window in windows]


def _improved(decoder: Decoder, samples: Samples, first: Listened, asked: Asked) -> Listened:
    first = _completed(decoder, samples, first, asked)
    retries = first.retries
    if not any(map(guard.failed, first.heard)):
        return first
    for heard in _tries(decoder, samples, first.heard[0].window, asked):
        retries += 1
        if not any(map(guard.failed, heard)):
            return Listened(heard, retries)
    return Listened(first.heard, retries)


def _completed(
    decoder: Decoder, samples: Samples, first: Listened, asked: Asked, depth: int = _DEPTH
) -> Listened:
    """With what the text skipped, where the two halves of the window have more of it.

    The halves are divided in their turn, ``depth`` times in all.
    """
    skipped = first.heard[0].skipped
    pieces = _split(samples, first.heard[0].window) if skipped and depth else []
    if not pieces:
        return first
    halves = [
        _completed(decoder, samples, Listened((one,)), asked, depth - 1)
        for one in decoder(samples, pieces, asked, whole=True)
    ]
    heard = tuple(one for half in halves for one in half.heard)
    retries = first.retries + 1 + sum(half.retries for half in halves)
    gained = skipped - sum(one.skipped for one in heard)
    worse = any(guard.failed(one) or _less_sure(one, first.heard[0]) for one in heard)
    taken = gained >= decoding.SKIPPED and not worse
    return Listened(heard if taken else first.heard, retries)


def _less_sure(part: Hearing, whole: Hearing) -> bool:
    """Whether a part's text is doubted, and more than that of the whole."""
    bound = decoding.UNSURE if whole.avg_logprob is None else whole.avg_logprob
    return part.avg_logprob is not None and part.avg_logprob < min(bound, decoding.UNSURE)


def _tries(
    decoder: Decoder, samples: Samples, window: Window, asked: Asked
) -> Iterator[tuple[Hearing, ...]]:
    pieces = _split(samples, window)
    if pieces:
        yield tuple(decoder(samples, pieces, asked, whole=True))
    for temperature in _LADDER:
        if temperature > asked.options.temperature:
            yield tuple(decoder(samples, [window], asked, whole=True, temperature=temperature))


def _split(samples: Samples, window: Window) -> list[Window]:
    """``window`` in two, around its longest pause; nothing where it has none."""
    pauses = [
        Window(before.end, after.start)
        for before, after in pairwise(sounds(samples, window))
        if before.end - window.start >= _PIECE and window.end - after.start >= _PIECE
    ]
    longest = max(pauses, key=lambda pause: pause.duration, default=None)
    if longest is None or longest.duration < _PAUSE:
        return []
    middle = (longest.start + longest.end) / 2
    return [Window(window.start, middle), Window(middle, window.end)]
