"""Words from the times of tokens, in scripts of every kind."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

pytest.importorskip("nltk")

from transcription.audio import SAMPLE_RATE
from transcription.engine.attention import Look, corrected, finished, looks, timed
from transcription.engine.spelling import Splitter, word_ranges
from transcription.findings import Window
from transcription.language import LANGUAGES
from transcription.transcript import Segment, Word

BIAS = 0.06
PROMPT = (1, 2, 3)


@dataclass
class Bytes:
    """Tokens are indices of byte strings."""

    pieces: Sequence[bytes]
    language_code: str = "en"

    def decode(self, tokens: Sequence[int]) -> str:
        joined = b"".join(self.pieces[token] for token in tokens)
        return joined.decode(errors="replace")


@dataclass
class Result:
    alignments: list[tuple[int, int]]
    text_token_probs: list[float]


class Looks:
    """Each token is looked for in 10 frames of 20 ms, one after the other."""

    def align(self, _encoded: Any, _start: Any, texts: Any, _frames: Sequence[int]) -> list[Result]:
        return [
            Result([(n // 10, n) for n in range(10 * len(text) + 10)], [0.5] * len(text))
            for text in texts
        ]


def words(pieces: Sequence[bytes], language: str = "en", at: float = 5.0) -> tuple[Word, ...]:
    tokenizer, tokens = Bytes(pieces, language), list(range(len(pieces)))
    (look,) = looks(Looks(), None, [PROMPT], [tokens], [3000])
    return timed(tokenizer, tokens, look, Window(at, at + 30))


def starts(found: Sequence[Word]) -> list[tuple[str, float]]:
    return [(word.text, round(word.start - BIAS - 5.0, 2)) for word in found]


def test_words_begin_where_their_tokens_do() -> None:
    found = words([b" Good", b" mor", b"ning", b"."])
    assert starts(found) == [("Good", 0.0), ("morning.", 0.2)]
    assert found[0].end == found[1].start
    assert found[1].score == 0.5


def test_characters_of_several_tokens_have_the_time_of_the_first() -> None:
    zh = "你好吗".encode()
    found = words([zh[:2], zh[2:4], zh[4:6], zh[6:]], "zh")
    assert starts(found) == [("你", 0.0), ("好", 0.4), ("吗", 0.6)]


def test_characters_of_one_token_share_its_time() -> None:
    assert starts(words(["你好".encode(), "吗".encode()], "ja")) == [
        ("你", 0.0), ("好", 0.1), ("吗", 0.2),
    ]  # fmt: skip


def test_thai_is_split_at_tokens_but_not_within_letters() -> None:
    thai = ["ที".encode(), "่ดี".encode(), " มาก".encode()]
    assert [word.text for word in words(thai, "th")] == ["ที่ดี", "มาก"]
    assert [word.text for word in words(["ดี".encode(), "มาก".encode()], "th")] == ["ดี", "มาก"]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_has_words_for_all_of_its_text(language: str) -> None:
    text = " A1, 好ที่ ༄༅ ကို é"
    found = word_ranges(text, language, range(len(text)))
    assert "".join(text[slice(*span)] for span in found) == "".join(text.split())
    assert all(begin < end for begin, end in found)


def test_silence_and_texts_without_end_are_timed_too() -> None:
    tokenizer = Bytes([b" a"] * 446)
    texts = [[], list(range(446))]
    nothing, much = looks(Looks(), None, [PROMPT] * 2, texts, [2, 3000])
    assert timed(tokenizer, texts[0], nothing, Window(0.0, 0.001)) == ()
    words = timed(tokenizer, texts[1], much, Window(2.0, 32.0))
    assert len(words) == 446
    assert all(2.0 <= word.start <= word.end <= 32.0 for word in words)


def test_an_aligner_is_believed_where_both_agree() -> None:
    rough = (Word("a", 1.0, 1.5, 0.9), Word("b", 1.5, 2.0, 0.9), Word("c", 2.0, 2.5, 0.9))
    exact = [
        Segment("a b", 1.03, 3.0, words=(Word("a", 1.03, 1.4, 0.1), Word("b", 2.4, 2.6, 0.1))),
        Segment("c", 2.05, 3.0, words=(Word("c", 2.05, 2.6, 0.1),)),
    ]
    (found,) = corrected([Segment("a b c", 1.0, 3.0, words=rough)], exact)
    assert [(word.start, word.score) for word in found.words] == [
        (1.03, 0.1), (1.5, 0.9), (2.05, 0.1),
    ]  # fmt: skip


class FirstWord(Splitter):
    """Its sentence ends with the first word of any text."""

    def __init__(self) -> None:
        super().__init__(None)

    def sentences(self, _text: str, words: Sequence[Any]) -> Iterator[Sequence[Any]]:
        yield from (words[:1], words[1:])


def test_sentences_keep_to_the_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Splitter, "of", lambda _language: FirstWord())
    samples = np.zeros(4 * SAMPLE_RATE, dtype=np.float32)
    samples[8000:16000] = 0.1 * np.sin(np.arange(8000))
    samples[32000:48000] = 0.1 * np.sin(np.arange(16000))
    rough = (Word("Yes.", 0.3, 1.1), Word("No.", 1.9, 3.2))
    segment = Segment("Yes. No.", 0.0, 4.0, words=rough)
    yes, no = finished(samples, [segment], "en", characters=True)
    assert (yes.text, no.text) == ("Yes.", "No.")
    assert np.allclose([yes.start, yes.end, no.start, no.end], [0.5, 1.0, 2.0, 3.0], atol=0.02)
    assert [character.text for character in no.words[0].characters] == ["N", "o", "."]


def test_a_word_behind_a_pause_begins_its_own_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The word is heard from before the pause until behind it."""
    monkeypatch.setattr(Splitter, "of", lambda _language: FirstWord())
    samples = np.zeros(4 * SAMPLE_RATE, dtype=np.float32)
    samples[:SAMPLE_RATE] = 0.1 * np.sin(np.arange(SAMPLE_RATE))
    samples[int(1.7 * SAMPLE_RATE) :] = 0.1 * np.sin(np.arange(int(2.3 * SAMPLE_RATE)))
    rough = (Word("country.", 0.1, 0.9), Word("I'm", 0.9, 2.0), Word("sorry", 2.0, 4.0))
    segment = Segment("country. I'm sorry", 0.0, 4.0, words=rough)
    country, sorry = finished(samples, [segment], "en")
    assert np.allclose([country.end, sorry.start], [1.0, 1.7], atol=0.02)


def test_where_no_token_begins_is_before_between_and_behind_the_text() -> None:
    look = Look([0.5] * 3, [110, 120, 400, 410])
    gaps = [edge for gap in look.without_tokens(2.0, 10.5) for edge in (gap.start, gap.end)]
    assert gaps == pytest.approx([0.0, 2.2, 2.4, 8.0, 8.2, 10.5])
    assert list(look.without_tokens(6.0, 10.5)) == []
