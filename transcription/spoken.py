"""Which languages were spoken, where every window has its own."""

from collections.abc import Iterator, Sequence

from transcription.findings import Language
from transcription.transcript import Segment


def by_language(
    segments: Sequence[Segment], otherwise: Language
) -> Iterator[tuple[str, list[Segment]]]:
    """The segments of each language; ``otherwise`` is that of segments without their own."""
    codes = [segment.language or otherwise.code for segment in segments]
    for code in dict.fromkeys(codes):
        yield code, [own for own, its in zip(segments, codes, strict=True) if its == code]


def prevailing(segments: Sequence[Segment], otherwise: Language) -> Language:
    """The language in which most is said."""
    spoken = {
        code: sum(segment.end - segment.start for segment in own)
        for code, own in by_language(segments, otherwise)
    }
    return Language(max(spoken, key=spoken.__getitem__)) if spoken else otherwise
