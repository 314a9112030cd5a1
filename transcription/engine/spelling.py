"""Texts as an aligner's alphabet spells them, and their words and sentences.

The rules are those of whisperx 3.8.6
but for these: any white space separates words, not the space alone; a character whose lower case is
two characters counts once; a word belongs to one sentence as a whole.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any, Self

from nltk.tokenize.punkt import PunktTokenizer
from whisperx.utils import PUNKT_LANGUAGES

from transcription.language import SPACES_BETWEEN_PHRASES, WITHOUT_SPACES
from transcription.transcript import Segment, Word

# Where something begins in a text, and where it has ended.
Range = tuple[int, int]

WILDCARD = -1  # the token of a character that the alphabet lacks
_BLANKS = ("[pad]", "<pad>")
_SPACE = "|"  # between words, in the alphabets of wav2vec2


@dataclass(frozen=True, slots=True)
class Spelled:
    """``tokens`` that are to be heard in this order, and the ``positions`` of their characters."""

    tokens: list[int]
    positions: list[int]


class Alphabet:
    """The symbols of an aligner: ``codes`` by character in lower case."""

    def __init__(self, codes: Mapping[str, int], language: str) -> None:
        self._codes = codes
        self._language = language
        self._spaced = language not in WITHOUT_SPACES
        # The last one, should there be several.
        blanks = [code for symbol, code in codes.items() if symbol in _BLANKS]
        self.blank = blanks[-1] if blanks else 0

    def spell(self, text: str) -> Spelled:
        """Tokens for every character of ``text`` and the spaces between its words."""
        spelled = Spelled([], [])
        end = len(text.rstrip())
        for position in range(len(text) - len(text.lstrip()), end):
            token = self._token(text[position].lower())
            if token is not None:
                spelled.tokens.append(token)
                spelled.positions.append(position)
        return spelled

    def _token(self, character: str) -> int | None:
        if character.isspace():
            return self._codes.get(_SPACE if self._spaced else character)
        return self._codes.get(character, None if character == _SPACE else WILDCARD)

    def words(self, text: str) -> list[Range]:
        """Ranges of the words; of single characters in languages written without spaces."""
        return word_ranges(text, self._language)


def word_ranges(text: str, language: str, cuts: Sequence[int] = ()) -> list[Range]:
    """Ranges of the words; of characters in languages written without spaces between words.

    In languages of which a character is no word by itself, words also end at ``cuts``.
    """
    if language in WITHOUT_SPACES:
        return [match.span() for match in re.finditer(r"\S", text)]
    ranges = [match.span() for match in re.finditer(r"\S+", text)]
    if language not in SPACES_BETWEEN_PHRASES:
        return ranges
    # Marks and punctuation belong to the letter before them.
    places = [cut for cut in cuts if unicodedata.category(text[cut])[0] in "LN"]
    return [
        piece
        for begin, end in ranges
        for piece in pairwise([begin, *(cut for cut in places if begin < cut < end), end])
    ]


class Splitter:
    """Tells sentences apart by NLTK's tables for one language, by those for English without one."""

    def __init__(self, punkt: Any) -> None:
        self._punkt = punkt

    @classmethod
    def of(cls, language: str) -> Self:
        """Reads the tables. Raises LookupError when not even English is there."""
        try:
            return cls(PunktTokenizer(PUNKT_LANGUAGES.get(language, "english")))
        except LookupError:
            return cls(PunktTokenizer("english"))

    def sentences(self, text: str, words: Sequence[Range]) -> Iterator[Sequence[Range]]:
        """``words`` of ``text`` in groups, one for each sentence that has any."""
        starts = [start for start, _ in self._punkt.span_tokenize(text)]
        rest = words
        for following in (*starts[1:], len(text)):
            count = bisect_left(rest, (following, 0))
            if count:
                yield rest[:count]
            rest = rest[count:]

    def openers(self, text: str, words: Sequence[Range]) -> set[int]:
        """Which of ``words`` begin a sentence behind another one."""
        lengths = [len(sentence) for sentence in self.sentences(text, words)]
        return set(accumulate(lengths[:-1]))


def ranges_in(text: str, words: Sequence[str]) -> list[Range]:
    """Where ``words`` are in ``text``, all of whose words they are, in order."""
    ranges: list[Range] = []
    cursor = 0
    for word in words:
        begin = text.index(word, cursor)
        cursor = begin + len(word)
        ranges.append((begin, cursor))
    return ranges


def as_sentences(segment: Segment, words: Sequence[Word], splitter: Splitter) -> Iterator[Segment]:
    """``segment`` in sentences. ``words`` are all of its text's, in order."""
    ranges = ranges_in(segment.text, [word.text for word in words])
    rest = iter(words)
    for own in splitter.sentences(segment.text, ranges):
        said = tuple(word for _, word in zip(own, rest, strict=False))
        yield replace(
            segment,
            text=segment.text[own[0][0] : own[-1][1]],
            start=said[0].start,
            end=said[-1].end,
            words=said,
        )
