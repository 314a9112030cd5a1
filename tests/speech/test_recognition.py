"""Everything that a request may ask of recognition, asked about people's speech."""

import pytest

from evaluation.normalizer import counted_words
from evaluation.sounds import (
    WITHOUT_SPEECH,
    at_level,
    beeps,
    by_telephone,
    dial_tone,
    in_a_row,
    noise,
    together,
)
from tests.speech.conftest import PEOPLE, Ears, errors, said_in, sound, text_of
from transcription.audio import SAMPLE_RATE, Samples, decode
from transcription.notices import notice

pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(600)]

ENGLISH = said_in("prompts-en", "librivox", "commands", "kennedy")
READER = "librivox/sense-0870"


def whole(*groups: str) -> Samples:
    """All clips of these groups as one recording."""
    return in_a_row(*(decode(clip.audio) for clip in said_in(*groups)))


def words(text: str, language: str = "en") -> set[str]:
    return set(counted_words(text, language))


def test_english_of_nine_sources_in_one_recording(ears: Ears) -> None:
    heard = ears.hear(whole("prompts-en", "librivox", "commands", "kennedy"))
    assert heard.language == "en"
    assert errors(heard, ENGLISH) <= 0.05


def test_a_sentence_that_is_said_again_is_written_again(ears: Ears) -> None:
    """Alone in one window, the decoder writes two of the four, and stock WhisperX does."""
    leader, glorious = "prompts-en/conf-waitforleader", "prompts-en/confbridge-begin-glorious-a"
    heard = ears.hear(in_a_row(*map(sound, (leader, glorious, glorious, leader))))
    assert text_of(heard).count("conference") >= 3


@pytest.mark.parametrize(
    ("group", "most"),
    [("prompts-es", 0.15), ("prompts-fr", 0.15), ("prompts-it", 0.12), ("prompts-ru", 0.18)],
)
def test_another_language_in_one_recording(ears: Ears, group: str, most: float) -> None:
    heard = ears.hear(whole(group))
    assert heard.language == said_in(group)[0].language
    assert errors(heard, said_in(group)) <= most


def test_a_language_is_known_by_one_sentence(ears: Ears) -> None:
    clips = [clip for clip in PEOPLE.values() if clip.text][::6]
    right = [
        ears.hear(decode(clip.audio), task="detect_language").language == clip.language
        for clip in clips
    ]
    assert sum(right) >= 0.92 * len(right)


@pytest.mark.parametrize("chunk_size", [5, 10, 30])
@pytest.mark.parametrize("method", ["pyannote", "silero"])
def test_windows_of_any_length_by_both_detectors(ears: Ears, chunk_size: int, method: str) -> None:
    heard = ears.hear(whole("librivox"), language="en", chunk_size=chunk_size, vad_method=method)
    assert errors(heard, said_in("librivox")) <= 0.12
    assert all(s.end - s.start <= chunk_size + 0.5 for s in heard.segments)


def test_a_batch_hears_what_windows_alone_hear(ears: Ears) -> None:
    recording = whole("librivox", "kennedy")
    batch, alone = (
        text_of(ears.hear(recording, language="en", chunk_size=10, batch_size=size))
        for size in (8, 1)
    )
    assert batch == alone


@pytest.mark.parametrize(
    "line",
    [
        by_telephone,
        lambda speech: at_level(speech, -50.0),
        lambda speech: in_a_row(dial_tone(3.0), speech),
        lambda speech: in_a_row(beeps(1.0), speech, pause=0.2),
        lambda speech: at_level(speech, -26.0) + noise(60.0, -40.0, 0.5)[: len(speech)],
    ],
    ids=["telephone", "quiet", "dial tone", "beep", "noise"],
)
def test_what_lies_on_the_way(ears: Ears, line: object) -> None:
    assert callable(line)
    heard = ears.hear(line(whole("librivox")), language="en")
    assert errors(heard, said_in("librivox")) <= 0.12


def test_two_at_once_lose_no_sentence_and_invent_none(ears: Ears) -> None:
    first, second = READER, "prompts-en/ss-noservice"
    heard = counted_words(
        text_of(ears.hear(together(sound(first), sound(second), after=4.0), language="en")), "en"
    )
    said = [counted_words(PEOPLE[name].text, "en") for name in (first, second)]
    assert len(heard) <= 1.2 * sum(map(len, said))
    assert len(set(heard) & {word for each in said for word in each}) >= 0.6 * len(set(heard))


def test_silence_between_sentences_says_nothing(ears: Ears) -> None:
    recording = in_a_row(sound("kennedy/ask-not"), sound("librivox/sense-0880"), pause=20.0)
    heard = ears.hear(recording)
    said = [PEOPLE["kennedy/ask-not"], PEOPLE["librivox/sense-0880"]]
    assert errors(heard, said) <= 0.1


@pytest.mark.parametrize("method", ["pyannote", "silero"])
def test_where_nobody_speaks_nothing_is_heard(ears: Ears, method: str) -> None:
    recordings = {clip.name: decode(clip.audio) for clip in said_in("music")}
    recordings |= {name: make(20.0) for name, make in WITHOUT_SPEECH.items()}
    recordings["music on a telephone"] = by_telephone(recordings["reno-project-system"])
    recordings["a cat, near"] = WITHOUT_SPEECH["a cat"](8.0)
    recordings["a cat on a telephone"] = by_telephone(recordings["a cat"])
    heard = {name: ears.hear(one, vad_method=method) for name, one in recordings.items()}
    assert {name: text_of(one) for name, one in heard.items() if text_of(one)} == {}
    assert all(notice("no_speech") in one.warnings for one in heard.values())


@pytest.mark.parametrize("method", ["pyannote", "silero"])
@pytest.mark.parametrize("name", ["macroform-cold-day", "a cat"])
def test_a_caller_on_hold_says_what_was_said(ears: Ears, name: str, method: str) -> None:
    before = WITHOUT_SPEECH[name](14.0) if name in WITHOUT_SPEECH else sound(f"music/{name}")
    on_hold = in_a_row(before[: 14 * SAMPLE_RATE], sound(READER), before[-14 * SAMPLE_RATE :])
    heard = ears.hear(on_hold, language="en", vad_method=method)
    assert errors(heard, [PEOPLE[READER]]) <= 0.1


@pytest.mark.parametrize(
    "hint", [{"hotwords": "Jon Dashwood"}, {"initial_prompt": "Jon Dashwood came in."}]
)
def test_names_are_written_as_the_request_writes_them(ears: Ears, hint: dict[str, str]) -> None:
    hinted = text_of(ears.hear(sound(READER), language="en", **hint))
    unasked = text_of(ears.hear(sound(READER), language="en"))
    assert "Jon Dashwood" in hinted
    assert "John Dashwood" in unasked  # so it was the hint, and it left no trace


def test_a_translation_is_english_and_says_that_words_are_not_timed(ears: Ears) -> None:
    recording = sound("prompts-es/tt-allbusy")
    heard = ears.hear(recording, task="translate", align_output=True)
    assert heard.language == "es"
    assert words(text_of(heard)) & {"representatives", "busy", "occupied", "phone", "wait", "call"}
    assert "llamada" not in words(text_of(heard))
    assert notice("not_aligned") in heard.warnings


def test_many_numerals_are_spelled(ears: Ears) -> None:
    recording = sound("prompts-en/conf-adminmenu-menu8")
    heard = text_of(ears.hear(recording, language="en", suppress_numerals=True))
    assert not any(letter.isdigit() for letter in heard)
    assert {"three", "four", "eight"} <= set(heard.lower().replace(",", "").split())


def test_sampling_still_hears_people(ears: Ears) -> None:
    heard = ears.hear(sound(READER), language="en", temperature=0.2)
    assert errors(heard, [PEOPLE[READER]]) <= 0.4
