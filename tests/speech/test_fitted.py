"""Windows fitted to the speech say what windows of 30 s say; probabilities of words hold."""

from typing import Any

import pytest
from rapidfuzz.distance import Levenshtein

from evaluation.normalizer import counted_words
from evaluation.sounds import as_wav, in_a_row
from tests.speech.conftest import PEOPLE, Ears, said_in, sound, text_of
from transcription.audio import decode, seconds
from transcription.engine import Engine
from transcription.findings import Window
from transcription.options import Options

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]

READ = ("prompts-en", "prompts-es", "prompts-fr", "prompts-it", "prompts-ru")


@pytest.fixture(scope="session")
def listen(base_engine: Any) -> Any:
    """Hears one clip at its own length or at 30 s: texts and retries."""
    from faster_whisper.tokenizer import Tokenizer

    from transcription.engine import listening
    from transcription.engine.decoding import Asked, Decoder

    recognizer = base_engine._recognizers["base"]
    whisper, encode = recognizer._model, recognizer._decoder._encoder._encode

    def one(clip: Any, *, fitted: bool) -> Any:
        def tokenizers(task: str, code: str) -> Any:
            return Tokenizer(whisper.hf_tokenizer, True, task=task, language=code)

        decoder = Decoder(whisper, gpu=False, fitted=fitted, encode=encode)
        samples = decode(clip.audio)
        window = Window(0.0, seconds(samples))
        (found,) = listening.listen(
            decoder, samples, [window], Asked(tokenizers, Options(), clip.language)
        )
        return found

    return one


@pytest.mark.slow
def test_a_fitted_window_says_what_a_whole_one_says(listen: Any) -> None:
    same = 0
    clips = [clip for clip in said_in(*READ) if seconds(decode(clip.audio)) <= 14][::3]
    for clip in clips:
        fitted, whole = (
            counted_words(" ".join(one.text for one in found.heard), clip.language)
            for found in (listen(clip, fitted=True), listen(clip, fitted=False))
        )
        same += fitted == whole
        assert abs(len(fitted) - len(whole)) <= 2, clip.name
    assert same >= 0.85 * len(clips)


def test_what_was_read_needs_no_second_hearing(listen: Any) -> None:
    found = listen(PEOPLE["prompts-en/agent-alreadyon"], fitted=True)
    assert found.retries == 0
    assert len(found.heard) == 1


def test_every_word_is_as_probable_as_its_tokens(ears: Ears) -> None:
    heard = ears.hear(
        sound("prompts-en/ss-noservice"), language="en", align_output=True, logprobs=True
    )
    words = [word for segment in heard.segments for word in segment.words]
    assert words
    assert all(word.probability is not None and 0 < word.probability <= 1 for word in words)
    written = b"".join(bytes(token.written) for token in heard.tokens).decode()
    assert written.split() == text_of(heard).split()
    mean = sum(token.logprob for token in heard.tokens) / len(heard.tokens)
    # The decoder's own mean counts the end of the text as a token, too.
    assert heard.segments[0].avg_logprob == pytest.approx(mean, abs=0.1)


def test_a_prompt_makes_its_words_more_probable(ears: Ears) -> None:
    usual, hinted = (
        ears.hear(sound("librivox/sense-0870"), language="en", logprobs=True, **hint)
        for hint in ({}, {"initial_prompt": "Mr. John Dashwood had not the feelings of the rest."})
    )
    name, again = (
        next(token.logprob for token in heard.tokens if bytes(token.written) == b" Dash")
        for heard in (usual, hinted)
    )
    assert name < -0.1 < again


def test_a_language_is_told_from_the_encoding_that_is_recognized(
    ears: Ears, base_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = base_engine._recognizers["base"]._decoder._encoder  # type: ignore[attr-defined]
    ears.hear(sound("prompts-en/agent-alreadyon"))  # silence as loud as its own is known now
    encode, lengths = encoder._encode, []

    def watched(features: Any) -> Any:
        lengths.append(features.shape)
        return encode(features)

    monkeypatch.setattr(encoder, "_encode", watched)
    assert ears.hear(sound("prompts-en/agent-alreadyon")).language == "en"
    assert lengths == [(1, 80, 1500)]


def test_two_channels_lose_no_word(ears: Ears) -> None:
    first, second = "librivox/sense-0870", "prompts-en/ss-noservice"
    heard = ears.pipeline.transcribe(
        as_wav(sound(first), sound(second)),
        Options(channels="separate", language="en", align_output=False),
    ).transcript
    for channel, name in enumerate((first, second), start=1):
        own = " ".join(s.text for s in heard.segments if s.channel == channel)
        truth = counted_words(PEOPLE[name].text, "en")
        assert Levenshtein.distance(counted_words(own, "en"), truth) <= 0.15 * len(truth)
    assert {segment.speaker for segment in heard.segments} == {"SPEAKER_00", "SPEAKER_01"}


def test_a_conversation_in_two_languages(ears: Ears) -> None:
    names = ("prompts-en/ss-noservice", "prompts-es/tt-allbusy")
    recording = in_a_row(*map(sound, names), pause=2.0)
    heard = ears.hear(recording, multilingual=True, chunk_size=12)
    languages = {segment.language for segment in heard.segments}
    assert languages == {"en", "es"}
    for name, own in zip(names, ("en", "es"), strict=True):
        said = " ".join(s.text for s in heard.segments if s.language == own)
        truth = counted_words(PEOPLE[name].text, own)
        assert Levenshtein.distance(counted_words(said, own), truth) <= 0.3 * len(truth)


def test_a_language_that_a_fitted_window_leaves_unclear_is_that_of_the_whole_length(
    ears: Ears,
) -> None:
    """Fitted, this clip is Italian by 0.46 and Spanish by 0.45."""
    heard = ears.hear(sound("prompts-es/agent-alreadyon"), task="detect_language")
    assert heard.language == "es"


def test_a_language_that_stays_unclear_is_the_one_whose_text_is_believed(ears: Ears) -> None:
    """This clip is Italian by 0.38, Spanish by 0.23."""
    name = "prompts-es/please-try-again"
    heard = ears.hear(sound(name))
    assert heard.language == "es"
    said = " ".join(segment.text for segment in heard.segments)
    assert counted_words(said, "es") == counted_words(PEOPLE[name].text, "es")
