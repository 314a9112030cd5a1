"""People are understood: a handful, with one model for all. What they say is in ``corpus``."""

import pytest

from evaluation.normalizer import counted_words
from evaluation.sounds import at_level, by_telephone, dial_tone, in_a_row, noise
from tests.speech.conftest import PEOPLE, Ears, errors, sound, text_of

pytestmark = pytest.mark.models


def test_english_by_several_people(ears: Ears) -> None:
    """A statesman, a reader, a programmer and an announcer, one after the other."""
    names = (
        "kennedy/ask-not",
        "librivox/sense-0870",
        "commands/cards",
        "prompts-en/ss-noservice",
        "prompts-en/demo-nogo",
    )
    heard = ears.hear(in_a_row(*map(sound, names)))
    assert heard.language == "en"
    assert errors(heard, [PEOPLE[name] for name in names]) <= 0.1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("prompts-es/tt-allbusy", {"representantes", "llamada", "orden"}),
        ("prompts-fr/ss-noservice", {"numero", "service", "essayer"}),
        ("prompts-it/vm-nobodyavail", {"operatori", "rispondere", "chiamata"}),
        ("prompts-ru/queue-youarenext", {"звонок", "очереди", "оператором"}),
    ],
)
def test_other_languages_are_told_apart(ears: Ears, name: str, words: set[str]) -> None:
    heard = ears.hear(sound(name))
    assert heard.language == PEOPLE[name].language
    assert words <= set(counted_words(text_of(heard), heard.language))
    assert errors(heard, [PEOPLE[name]]) <= 0.25


def test_quiet_speech_through_a_telephone_after_a_tone(ears: Ears) -> None:
    """-50 dB, in the band of a line, after two seconds of dial tone as quiet as the speech."""
    name = "librivox/sense-0920"
    line = at_level(by_telephone(in_a_row(dial_tone(2.0), sound(name))), -50.0)
    heard = ears.hear(line)
    assert errors(heard, [PEOPLE[name]]) <= 0.15


@pytest.mark.parametrize("method", ["pyannote", "silero"])
def test_music_and_noise_say_nothing(ears: Ears, method: str) -> None:
    nobody = in_a_row(sound("music/manolo-camp-morning-coffee"), noise(5.0, -30.0, 0.5))
    assert text_of(ears.hear(nobody, vad_method=method)) == ""


def test_numerals_are_written_as_words_where_asked(ears: Ears) -> None:
    name = "prompts-en/vm-opts"
    usual = text_of(ears.hear(sound(name), language="en"))
    written = text_of(ears.hear(sound(name), language="en", suppress_numerals=True))
    assert any(letter.isdigit() for letter in usual)
    assert not any(letter.isdigit() for letter in written)
    assert {"two", "three", "zero"} <= set(written.lower().replace(",", " ").split())
