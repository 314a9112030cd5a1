"""From speech probabilities to the windows that the recognizer hears."""

from collections.abc import Iterable, Iterator, Sequence

from transcription.findings import Window

# Shorter than any syllable: a click, not speech. A recognizer that hears one alone invents words.
MIN_SPEECH_SECONDS = 0.1


def windows_of_speech(  # noqa: PLR0913 - all but one by keyword
    scores: Sequence[float],
    *,
    first: float,
    step: float,
    onset: float,
    offset: float,
    longest: float,
) -> list[Window]:
    """The windows, sorted and apart from each other, none longer than ``longest`` seconds.

    ``scores`` are speech probabilities of frames centred at ``first``, ``first + step``, …
    seconds. Speech begins above ``onset`` and ends below ``offset``; what is longer than
    ``longest`` is cut where its second half is least likely to be speech. Neighbouring stretches
    share a window as long as they fit, because the recognizer does better with context
    (cut & merge, Bain et al. 2023, arXiv:2303.00747).
    """
    regions = (
        Window(first + begin * step, first + end * step)
        for span in _active(scores, onset, offset)
        for begin, end in _cut(scores, *span, limit=max(1, int(longest / step)))
    )
    spoken = (region for region in regions if region.duration >= min(MIN_SPEECH_SECONDS, longest))
    return list(_merged(spoken, longest))


def _active(scores: Sequence[float], onset: float, offset: float) -> Iterator[tuple[int, int]]:
    """Frame ranges [begin, end] of speech, by hysteresis."""
    begin: int | None = None
    for index, score in enumerate(scores):
        if begin is None and score > onset:
            begin = index
        elif begin is not None and score < offset:
            yield begin, index
            begin = None
    if begin is not None:
        yield begin, len(scores) - 1


def _cut(scores: Sequence[float], begin: int, end: int, limit: int) -> Iterator[tuple[int, int]]:
    """[begin, end] in pieces of at most ``limit`` frames, cut at the quietest places."""
    while end - begin > limit:
        second_half = range(begin + (limit + 1) // 2, begin + limit + 1)
        quietest = min(second_half, key=scores.__getitem__)
        yield begin, quietest
        begin = quietest
    yield begin, end


def _merged(regions: Iterable[Window], longest: float) -> Iterator[Window]:
    window: Window | None = None
    for region in regions:
        if window is None:
            window = region
        elif region.end - window.start <= longest:
            window = Window(window.start, region.end)
        else:
            yield window
            window = region
    if window is not None:
        yield window
