"""Recognition: batches, prompts, temperature, languages."""

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")


from tests.conftest import wait_until
from tests.unit.transcription.fakes import CPU, GPU, FakeTokenizer, FakeWhisper
from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine import (
    recognition,
    search,
)
from transcription.engine.features import log_mels
from transcription.engine.lanes import Lanes
from transcription.engine.recognition import AT_ONCE, CPU_BATCH, Recognizer
from transcription.engine.search import BEAM_SIZE
from transcription.errors import OutOfMemory
from transcription.findings import Window
from transcription.options import Options


@pytest.fixture
def recognizer(monkeypatch: pytest.MonkeyPatch) -> Recognizer:
    monkeypatch.setattr(recognition, "WhisperModel", FakeWhisper)
    monkeypatch.setattr(recognition, "Tokenizer", FakeTokenizer)
    monkeypatch.setattr(search, "get_suppressed_tokens", lambda _tokenizer, _tokens: (7,))
    return Recognizer("any", CPU, Lanes(AT_ONCE))


def hear(recognizer: Recognizer, options: Options, windows: int = 1) -> list[tuple[int, Any]]:
    samples = np.zeros(SAMPLE_RATE * (windows + 1), dtype=np.float32)
    stretches = [Window(float(start), start + 1.0) for start in range(windows)]
    heard = recognizer.recognize(samples, stretches, "de", options, lambda _share: None)
    segments = [one.heard[0].segment for batch in heard for one in batch]
    assert [(s.text, s.start) for s in segments] == [("hi", w.start) for w in stretches]
    assert segments[0].avg_logprob == pytest.approx(-0.2 * 3 / 4)
    assert segments[0].no_speech_prob == 0.25
    assert [bytes(token.written) for token in segments[0].tokens] == [b"h", b"i", b" "]
    assert segments[0].tokens[0].logprob == pytest.approx(math.log(0.5))
    calls: list[tuple[int, Any]] = recognizer._model.calls
    return calls


def sizes(recognizer: Recognizer, options: Options, windows: int) -> list[int]:
    """Of the batches; which of two that are under way comes first is chance."""
    return sorted((size for size, _ in hear(recognizer, options, windows)), reverse=True)


@pytest.mark.parametrize(
    ("asked", "windows", "expected"),
    [
        (64, 20, [4, 4, 4, 4, 4]),  # bounded: two at once are CPU_BATCH
        (64, 3, [2, 1]),  # both cores have something
        (4, 10, [2, 2, 2, 2, 2]),  # no more at once than was asked for
        (1, 3, [1, 1, 1]),
        (64, 1, [1]),
    ],
)
def test_batches_on_the_processor(
    recognizer: Recognizer, asked: int, windows: int, expected: list[int]
) -> None:
    assert CPU_BATCH == AT_ONCE * 4
    assert sizes(recognizer, Options(batch_size=asked), windows) == expected


@pytest.mark.parametrize(("asked", "expected"), [(64, [3, 3, 1]), (2, [2, 2, 2, 1])])
def test_a_card_bounds_batches_by_its_memory(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch, asked: int, expected: list[int]
) -> None:
    monkeypatch.setattr(recognizer, "_device", replace(GPU, windows=3))
    assert sizes(recognizer, Options(batch_size=asked), 7) == expected


@pytest.mark.parametrize("asked", [1, 2])
def test_no_more_windows_are_under_way_than_asked(recognizer: Recognizer, asked: int) -> None:
    under_way: list[int] = []
    counts: list[int] = []
    generate = recognizer._model.generate

    def slow(encoded: Any, prompts: list[Any], **options: Any) -> Any:
        under_way.append(len(prompts))
        counts.append(sum(under_way))
        time.sleep(0.02)
        under_way.remove(len(prompts))
        return generate(encoded, prompts, **options)

    recognizer._model.model.generate = slow
    sizes(recognizer, Options(batch_size=asked), 6)
    assert max(counts) == asked


def test_a_batch_too_large_is_tried_in_halves(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeWhisper, "capacity", 2)
    assert sizes(recognizer, Options(), 8) == [2, 2, 2, 2]


def test_a_window_too_large_is_out_of_memory(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeWhisper, "capacity", 0)
    with pytest.raises(OutOfMemory):
        hear(recognizer, Options(), windows=3)
    # What did not fit leaves nothing behind.
    monkeypatch.setattr(FakeWhisper, "capacity", 1000)
    assert sizes(recognizer, Options(), 3) == [2, 1]


def test_what_a_full_memory_leaves_behind_is_no_error(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As CTranslate2 was seen to do on an H100: its next call fails by another name."""
    monkeypatch.setattr(FakeWhisper, "capacity", 1)
    encode, left = recognizer._model.encode, list[str]()

    def echoing(features: np.ndarray) -> np.ndarray:
        if left:
            raise RuntimeError(left.pop())
        try:
            heard: np.ndarray = encode(features)
        except RuntimeError:
            left.append("parallel_for failed: cudaErrorInvalidDevice: invalid device ordinal")
            raise
        return heard

    recognizer._model.encode = echoing
    monkeypatch.setattr(Lanes, "map", lambda _self, work, items: map(work, items))
    assert sizes(recognizer, Options(), 4) == [1, 1, 1, 1]
    monkeypatch.setattr(FakeWhisper, "capacity", 0)
    with pytest.raises(OutOfMemory):
        hear(recognizer, Options(), windows=1)
    # Nor does the next request suffer from it, whatever it asks first.
    monkeypatch.setattr(FakeWhisper, "capacity", 1)
    assert left
    samples = np.zeros(SAMPLE_RATE, dtype=np.float32)
    assert recognizer.detect(samples, Window(0.0, 1.0)).code == "haw"


def test_numerals_are_suppressed_for_the_request_that_asks(recognizer: Recognizer) -> None:
    for unwanted, tokens in ((False, [7]), (True, [7, 1, 2, 3]), (False, [7])):
        _, call = hear(recognizer, Options(suppress_numerals=unwanted))[-1]
        assert call["suppress_tokens"] == tokens


def test_temperature_samples(recognizer: Recognizer) -> None:
    _, searching = hear(recognizer, Options())[-1]
    assert searching["beam_size"] == BEAM_SIZE
    assert "sampling_temperature" not in searching
    _, sampling = hear(recognizer, Options(temperature=0.5))[-1]
    assert sampling["beam_size"] == 1
    assert (sampling["sampling_topk"], sampling["sampling_temperature"]) == (0, 0.5)


@pytest.mark.parametrize(
    ("prompt", "hotwords", "context"),
    [
        (None, None, []),
        ("  ", "", []),
        ("ab", None, [-1, " ", "a", "b"]),
        (None, "xy", [-1, " ", "x", "y"]),
        ("ab", "xy", [-1, " ", "x", "y", " ", "a", "b"]),
        ("a" * 500, "x" * 10, [-1, " ", *"x" * 10, *"a" * 212]),
        ("a" * 500, "x" * 500, [-1, " ", *"x" * 222]),
    ],
)
def test_prompts_share_half_of_the_decoder(
    recognizer: Recognizer, prompt: str | None, hotwords: str | None, context: list[Any]
) -> None:
    options = Options(initial_prompt=prompt, hotwords=hotwords, task="translate")
    _, call = hear(recognizer, options)[-1]
    assert call["prompts"] == [[*context, "<de>", "<translate>", -2]]


def test_a_batch_of_spectrograms_is_that_of_each_window_alone() -> None:
    from whisperx.audio import N_SAMPLES, log_mel_spectrogram

    random = np.random.default_rng(0)
    loudness = np.repeat([0.001, 0.5, 0.0, 0.1], 2 * SAMPLE_RATE)
    samples: Samples = (loudness * random.standard_normal(len(loudness))).astype(np.float32)
    windows = [Window(0, 2), Window(2, 3.5), Window(4, 6), Window(5.9, 8), Window(7.9, 8.0)]
    found = log_mels(samples, windows, 80, "cpu")
    assert found.shape == (len(windows), 80, 3000)
    for window, mels in zip(windows, found, strict=True):
        piece = samples[int(window.start * SAMPLE_RATE) : int(window.end * SAMPLE_RATE)]
        alone = log_mel_spectrogram(piece, n_mels=80, padding=N_SAMPLES - len(piece))
        np.testing.assert_allclose(mels, alone.numpy(), atol=1e-4)


def test_every_window_may_have_its_own_language(recognizer: Recognizer) -> None:
    silence: Samples = np.zeros(4 * SAMPLE_RATE, dtype=np.float32)
    windows = [Window(float(at), at + 1.0) for at in range(4)]
    heard = recognizer.recognize(silence, windows, None, Options(), lambda _share: None)
    segments = [one.heard[0].segment for batch in heard for one in batch]
    assert [segment.language for segment in segments] == ["haw", "fr"] * 2
    for _, call in recognizer._model.calls:
        assert [prompt[0] for prompt in call["prompts"]] == ["<haw>", "<fr>"]


def test_times_that_sampling_writes_are_no_text(recognizer: Recognizer) -> None:
    def generate(*asked: Any, **options: Any) -> list[Any]:
        (result,) = recognizer._model.generate(*asked, **options)
        result.sequences_ids[0].insert(1, FakeTokenizer.eot)
        result.scores = [-0.2 * (3 / 4) / (4 / 5)]
        return [result]

    recognizer._model.model.generate = generate
    hear(recognizer, Options(temperature=1.0))


def test_languages_are_named_by_code(recognizer: Recognizer) -> None:
    silence: Samples = np.zeros(SAMPLE_RATE, dtype=np.float32)
    language = recognizer.detect(silence, Window(0, 1))
    assert (language.code, language.probability) == ("haw", 0.8)


def test_batches_are_bounded_by_their_speech(recognizer: Recognizer) -> None:
    samples = np.zeros(SAMPLE_RATE * 180, dtype=np.float32)

    def counts(*lengths: float) -> list[int]:
        stretches = [Window(20.0 * n, 20.0 * n + each) for n, each in enumerate(lengths)]
        found = recognizer.recognize(samples, stretches, "de", Options(), lambda _share: None)
        return [len(batch) for batch in found]

    assert counts(*[15.0] * 8, 20.0) == [4, 4, 1]
    assert counts(*[28.0] * 6) == [2, 2, 2]


def test_batches_shrink_while_others_wait(recognizer: Recognizer) -> None:
    samples = np.zeros(SAMPLE_RATE * 40, dtype=np.float32)
    stretches = [Window(float(start), start + 1.0) for start in range(20)]
    long = recognizer.recognize(samples, stretches, "de", Options(), lambda _share: None)
    other = recognizer.recognize(samples, stretches[:2], "de", Options(), lambda _share: None)
    counts = [len(next(long))]
    assert len(next(other)) == 1
    counts += [len(next(long)) for _ in range(4)]
    assert [len(batch) for batch in other] == [1]
    counts += [len(batch) for batch in long]
    assert sum(counts) == 20
    # A few batches were under way when the other came; when it had left, they grew again.
    small = [number for number, count in enumerate(counts) if count == 1]
    assert 1 <= small[0] <= 3
    assert len(small) >= 2
    assert counts[-1] == 4


def test_a_clip_begins_with_the_next_batch(recognizer: Recognizer) -> None:
    samples = np.zeros(SAMPLE_RATE * 200, dtype=np.float32)
    hour = [Window(float(start), start + 1.0) for start in range(100)]
    begun: list[int] = []
    go, generate = threading.Event(), recognizer._model.generate

    def slow(encoded: Any, prompts: list[Any], **options: Any) -> Any:
        begun.append(len(prompts))
        go.wait(0.01)
        return generate(encoded, prompts, **options)

    recognizer._model.model.generate = slow

    def listen(stretches: list[Window]) -> list[int]:
        found = recognizer.recognize(samples, stretches, "de", Options(), lambda _share: None)
        return [len(batch) for batch in found]

    with ThreadPoolExecutor() as pool:
        long = pool.submit(listen, hour)
        wait_until(lambda: len(begun) > 4, "the hour is under way")
        for _ in range(20):
            before = len(begun)
            listen([Window(0.0, 1.0)])
            # Those under way, one that came first, the clip, and what began when it was done.
            assert len(begun) - before <= 2 * AT_ONCE + 1
        assert not long.done()
        go.set()
        assert sum(long.result()) == 100


def test_the_same_batches_without_what_is_done(recognizer: Recognizer) -> None:
    samples = np.zeros(SAMPLE_RATE * 40, dtype=np.float32)
    stretches = [Window(float(start), start + 1.0) for start in range(18)]

    def counts(done: int) -> list[int]:
        found = recognizer.recognize(
            samples, stretches, "de", Options(), lambda _share: None, done=done
        )
        return [len(batch) for batch in found]

    assert counts(0) == [4, 4, 4, 4, 2]
    assert counts(8) == [4, 4, 2]
    assert counts(9) == [3, 4, 2]
    assert counts(18) == []
