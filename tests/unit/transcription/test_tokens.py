"""Tokens as bytes, and words as probable as theirs."""

import math

import pytest

pytest.importorskip("whisperx")

from transcription.engine.tokens import tokens_of, with_probabilities
from transcription.transcript import Segment, Token, Word


class Vocabulary:
    """GPT-2's way of writing bytes as characters: a space is Ġ, ü is Ã¼."""

    texts = ("ĠGr", "Ã", "¼", "Ã", "Ł", "e", ",", "Ġall", "♪")

    def id_to_token(self, token: int) -> str:
        return self.texts[token]


def token(text: str, probability: float) -> Token:
    return Token(tuple(text.encode()), math.log(probability))


def probabilities(segment: Segment) -> list[float | None]:
    return [word.probability and round(word.probability, 3) for word in segment.words]


def test_tokens_are_bytes() -> None:
    found = tokens_of(Vocabulary(), range(9), [0.5] * 8 + [0.0])
    assert [bytes(each.written) for each in found] == [
        b" Gr", b"\xc3", b"\xbc", b"\xc3", b"\x9f", b"e", b",", b" all", "♪".encode(),
    ]  # fmt: skip
    assert found[0].logprob == math.log(0.5)
    assert math.isfinite(found[-1].logprob)


def test_a_word_is_as_probable_as_its_tokens() -> None:
    tokens = (token(" Gr", 0.9), token("üß", 0.5), token("e,", 0.1), token(" all", 0.4))
    heard = Segment("Grüße, all", 0, 2, tokens=tokens)
    found = [
        Segment("Grüße,", 0, 1, words=(Word("Grüße,", 0, 1),)),
        Segment("all", 1, 2, words=(Word("all", 1, 2),)),
    ]
    first, second = with_probabilities(found, [heard])
    assert probabilities(first) == [0.5]
    assert probabilities(second) == [0.4]


def test_characters_share_a_token_and_tokens_a_character() -> None:
    written = "你好".encode()
    tokens = (
        Token(tuple(written[:4]), math.log(0.8)),
        Token(tuple(written[4:]), math.log(0.4)),
        token("吗 ?", 0.6),
    )
    words = tuple(Word(text, 0, 1) for text in "你好吗?")
    (found,) = with_probabilities(
        [Segment("你好吗 ?", 0, 1, words=words)], [Segment("你好吗 ?", 0, 1, tokens=tokens)]
    )
    assert probabilities(found) == [0.8, 0.6, 0.6, 0.6]


def test_the_same_words_again_have_their_own() -> None:
    heard = [
        Segment("no no", 0, 1, tokens=(token(" no", 0.1), token(" no", 0.2))),
        Segment("no", 1, 2, tokens=(token(" no", 0.3),)),
    ]
    words = tuple(Word("no", at, at + 1) for at in range(3))
    (found,) = with_probabilities([Segment("no no no", 0, 3, words=words)], heard)
    assert probabilities(found) == [0.1, 0.2, 0.3]


def test_what_has_no_tokens_has_no_probability() -> None:
    said = Segment("hello", 0, 1, words=(Word("hello", 0, 1),))
    (found,) = with_probabilities([said], [Segment("hello", 0, 1)])
    assert probabilities(found) == [None]
