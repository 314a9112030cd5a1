"""When each word was said, as Whisper itself knows it: by where its decoder looks.

A few of the decoder's attention heads look at the sound that a token is written for. Dynamic time
warping through their weights gives every token its time (openai/whisper, ``whisper/timing.py``;
here ctranslate2's ``Whisper.align``, on the heads that a model's configuration names). So words of
every language have times, with what recognition has computed already. Boundaries come early, and
pauses belong to no word: `sounds` sets both right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from transcription.audio import Samples
from transcription.engine.sounds import snapped, sounds
from transcription.engine.spelling import (
    Range,
    Splitter,
    as_sentences,
    ranges_in,
    word_ranges,
)
from transcription.findings import Window
from transcription.timing import RoughWord, settle
from transcription.transcript import Character, Segment, Word

# How much earlier than a word its tokens are looked for: the median over 1,123 words within
# phrases of English prompts, against a forced alignment (docs/models.md).
_EARLY = 0.06  # seconds
_FRAME = 0.02  # seconds of a frame of the encoder
_POSITIONS = 448  # of the decoder
# Seconds behind a window's end from which on what the decoder looks at is nothing.
_BEHIND = 0.5
# From here on a small aligner has lost its way; else it is more exact than attention.
_FAR = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class _Unit:
    """Characters ``first`` to before ``last`` of a text, with times and the mean probability."""

    first: int
    last: int
    start: float
    end: float
    score: float


@dataclass(frozen=True, slots=True)
class Look:
    """The ``probabilities`` of a text's tokens, and the ``frames`` of the encoder they begin at.

    One frame more: where the text ends.
    """

    probabilities: Sequence[float]
    frames: Sequence[int]

    @property
    def end(self) -> float:
        """Seconds from the window's start to where the text ends."""
        return self.frames[-1] * _FRAME

    def without_tokens(self, least: float, seconds: float) -> Iterator[Window]:
        """Where no token begins for more than ``least`` of a window's ``seconds``."""
        for before, after in pairwise((0, *self.frames, round(seconds / _FRAME))):
            if (after - before) * _FRAME > least:
                yield Window(before * _FRAME, after * _FRAME)

    def since(self, seconds: float) -> int:
        """How many tokens begin ``seconds`` from the window's start, or later."""
        return sum(frame * _FRAME >= seconds for frame in self.frames[:-1])

    def within(self, seconds: float) -> int:
        """How many of the first tokens are looked for within ``seconds``."""
        last = (seconds + _BEHIND) / _FRAME
        count = len(self.probabilities)
        while count and self.frames[count - 1] > last:
            count -= 1
        return count


def looks(
    model: Any,
    encoded: Any,
    prompts: Sequence[Sequence[int]],
    texts: Sequence[Sequence[int]],
    frames: Sequence[int],
) -> list[Look]:
    """Where the decoder looks for each text, in as many ``frames`` of its window's spectrogram.

    ``prompts`` are what stands before each text, without the token for no timestamps.
    """
    found: dict[int, Look] = {}
    # All texts of a call stand behind one prompt; those of a batch differ in their language alone.
    for prompt in dict.fromkeys(map(tuple, prompts)):
        room = _POSITIONS - len(prompt) - 2
        # The decoder has to look for something: for a text without tokens, its prompt.
        asked = [list(text[:room]) or [prompt[-1]] for text in texts]
        for place, result in enumerate(model.align(encoded, list(prompt), asked, list(frames))):
            if tuple(prompts[place]) == prompt:
                found[place] = _look(result, len(texts[place][:room]), frames[place] // 2)
    return [found[place] for place in range(len(texts))]


def _look(result: Any, tokens: int, most: int) -> Look:
    begins = [most] * (tokens + 1)
    for token, frame in reversed(result.alignments):
        if token <= tokens:
            begins[token] = frame
    return Look(tuple(result.text_token_probs[:tokens]), begins)


def timed(tokenizer: Any, tokens: Sequence[int], look: Look, window: Window) -> tuple[Word, ...]:
    """The words of a text with times, in order, within ``window``."""
    decoded = tokenizer.decode(tokens)
    units = list(_units(tokenizer, tokens, look, window))
    cuts = [unit.first for unit in units]
    rough = [
        RoughWord(decoded[slice(*span)], *_times(units, span))
        for span in word_ranges(decoded, tokenizer.language_code, cuts)
    ]
    return settle(rough, window.start, window.end)


def _units(tokenizer: Any, tokens: Sequence[int], look: Look, window: Window) -> Iterator[_Unit]:
    """The text in the smallest pieces of whole characters that tokens make."""
    tokens = tokens[: len(look.probabilities)]
    starts = [window.start + frame * _FRAME + _EARLY for frame in look.frames]
    begin, complete = 0, 0
    for index in range(len(tokens)):
        text = tokenizer.decode(tokens[: index + 1]).rstrip("\ufffd")
        first = len(text) - len(text[complete:].lstrip())  # a token begins with the space before
        if first < len(text):
            scores = look.probabilities[begin : index + 1]
            mean = sum(scores) / max(1, len(scores))
            yield _Unit(first, len(text), starts[begin], starts[index + 1], mean)
            begin, complete = index + 1, len(text)


def _times(units: Sequence[_Unit], span: Range) -> tuple[float | None, float | None, float | None]:
    """Start, end and score of characters; those of one unit share its time."""
    own = [unit for unit in units if unit.first < span[1] and unit.last > span[0]]
    if not own:
        return None, None, None
    first, last = own[0], own[-1]
    start, end = _within(first, max(span[0], first.first)), _within(last, min(span[1], last.last))
    return start, max(start, end), sum(unit.score for unit in own) / len(own)


def _within(unit: _Unit, place: int) -> float:
    share = (place - unit.first) / (unit.last - unit.first)
    return unit.start + (unit.end - unit.start) * share


def finished(
    samples: Samples, segments: Sequence[Segment], language: str, *, characters: bool = False
) -> list[Segment]:
    """Segments with roughly timed words, as sentences whose words keep to the pauses."""
    splitter = Splitter.of(language)
    sentences: list[Segment] = []
    for segment in segments:
        window = Window(segment.start, segment.end)
        rough = [RoughWord(word.text, word.start, word.end, word.score) for word in segment.words]
        places = ranges_in(segment.text, [word.text for word in rough])
        openers = splitter.openers(segment.text, places)
        words: Sequence[Word] = settle(
            snapped(rough, sounds(samples, window), openers), segment.start, segment.end
        )
        words = [
            replace(word, characters=_characters(word, before) if characters else ())
            for word, before in zip(words, segment.words, strict=True)
        ]
        sentences += as_sentences(segment, words, splitter)
    return sentences


def _characters(word: Word, before: Word) -> tuple[Character, ...]:
    """What an aligner said of them, or equal shares of the word."""
    rough = [
        RoughWord(each.text, each.start, each.end, each.score) for each in before.characters
    ] or [RoughWord(text) for text in word.text]
    return tuple(
        Character(each.text, each.start, each.end, each.score)
        for each in settle(rough, word.start, word.end)
    )


def corrected(segments: Sequence[Segment], aligned: Sequence[Segment]) -> list[Segment]:
    """``segments`` with the words of ``aligned``, their sentences, where both agree."""
    better = iter([word for sentence in aligned for word in sentence.words])
    found: list[Segment] = []
    for segment in segments:
        pairs = [(word, next(better, word)) for word in segment.words]
        # Its ends are no use: a word's last character lasts until the next word's first.
        words = [
            own
            if own.text != other.text or abs(other.start - own.start) > _FAR
            else replace(other, end=max(other.start, own.end))
            for own, other in pairs
        ]
        found.append(replace(segment, words=tuple(_in_order(words))))
    return found


def _in_order(words: Sequence[Word]) -> Iterator[Word]:
    """No word begins before the one that it follows."""
    if not words:
        return
    yield words[0]
    latest = words[0].start
    for _, word in pairwise(words):
        latest = max(latest, word.start)
        yield replace(word, start=latest, end=max(latest, word.end))
