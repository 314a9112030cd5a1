"""The sentences, recordings and figures of the demo models, without the models."""

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")

from models import registry
from models.demo import conversation, grammar, scoring, synthesis, trials, voices
from models.demo.scoring import Heard, Tally

DATA = Path(__file__).with_name("data")
LANGUAGES = sorted(grammar.GRAMMARS)
MEGABYTE = 1_000_000

needs_espeak = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="no espeak-ng")


def words_of(language: str) -> set[str]:
    """Every word type of the grammar, as 20 000 sentences show it."""
    rng = random.Random(0)
    drawn = (grammar.sentence(rng, language) for _ in range(20_000))
    return {word for text in drawn for word in grammar.normalise(text).split()}


@pytest.fixture(scope="module")
def vocabulary() -> dict[str, set[str]]:
    return {language: words_of(language) for language in LANGUAGES}


def test_there_are_enough_words(vocabulary: dict[str, set[str]]) -> None:
    assert all(len(words) >= 250 for words in vocabulary.values())
    assert len(set.union(*vocabulary.values())) >= 500


def test_the_first_vocabulary_is_still_known(vocabulary: dict[str, set[str]]) -> None:
    assert set((DATA / "first-words.txt").read_text().split()) <= vocabulary["en"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_both_trained_on_and_measured(language: str) -> None:
    rng = random.Random(1)
    parts = {
        part: {grammar.normalise(grammar.draw(rng, part, language)) for _ in range(500)}
        for part in ("training", "development", "test")
    }
    for part, texts in parts.items():
        assert {grammar.part(text) for text in texts} == {part}
    # marks and capitals do not make another sentence
    assert all(grammar.part(f"¿{text.upper()}?") == "test" for text in parts["test"])
    assert not any(map(grammar.held_out, parts["training"]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_demo_recordings_are_untrained_sentences(language: str) -> None:
    truth = conversation.read(conversation.RECORDINGS[language])
    said = [text for turn in truth.turns for text in conversation.sentences(turn.text)]
    assert len(said) >= 9
    assert all(map(grammar.held_out, said))
    assert [w.text for turn in truth.turns for w in turn.words] == truth.text.split()
    assert truth.turns[-1].end < truth.duration


def test_the_set_is_small_enough_for_git() -> None:
    files = [
        path
        for path in registry.DEMO_DIRECTORY.rglob("*")
        if path.is_file() and not {"scratch", "__pycache__"} & set(path.parts)
    ]
    assert sum(path.stat().st_size for path in files) <= 20 * MEGABYTE


def test_the_trained_voices_are_low_and_high_in_every_language() -> None:
    for language, pool in voices.SPEAKERS.items():
        assert {voice.language for voice in pool} == {language}
        assert sum(voice.male for voice in pool) == len(pool) / 2
        assert len({voice.label for voice in pool}) == len(pool)


def test_a_pair_is_alike_or_distinct_as_asked() -> None:
    rng = random.Random(2)
    for alike in (True, False):
        pairs = [trials.cast(voices.TRAINED, 2, rng, alike=alike) for _ in range(20)]
        assert all((a.male == b.male) == alike for a, b in pairs)
        assert all(a != b for a, b in pairs)


def test_words_speakers_and_errors_are_counted() -> None:
    said = [Heard("a", 0.0, "X"), Heard("b", 1.0, "X"), Heard("c", 2.0, "Y"), Heard("d", 3.0, "Y")]
    got = [Heard("a", 0.1, "1"), Heard("b", 1.1, "2"), Heard("e", 2.0, "2"), Heard("d", 3.0, "2")]
    assert scoring.matched(said, got) == (1, [(0, 0), (1, 1), (3, 3)])
    # 1 is X; 2 shares one word with each, and X is taken
    assert scoring.score(said, got) == Tally(words=4, errors=1, right_speaker=2, matched=3)


@needs_espeak
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_spoken_when_it_is_said_to_be(language: str) -> None:
    rng = random.Random(3)
    for voice in voices.SPEAKERS[language][:3]:
        text = grammar.draw(rng, "test", language)
        speech = synthesis.speak_as(voice, text, rng)
        assert [word.text for word in speech.words] == text.split()
        for word in speech.words:
            heard = speech.audio[int(word.start * 16_000) : int(word.end * 16_000)]
            assert np.abs(heard).max() > 0.01


@needs_espeak
def test_the_same_seed_draws_the_same_trials() -> None:
    first, second = (trials.sentences(6, "development") for _ in range(2))
    assert [(t.truth.text, t.language, t.gain) for t in first] == [
        (t.truth.text, t.language, t.gain) for t in second
    ]
    assert {t.language for t in first} == set(LANGUAGES)
    assert {t.gain for t in first} == set(trials.GAINS)
    assert all(grammar.part(t.truth.text) == "development" for t in first)
