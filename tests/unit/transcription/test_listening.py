"""What is tried again, in which order, and when it ends."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")

from transcription.audio import SAMPLE_RATE, Samples
from transcription.engine import guard
from transcription.engine.decoding import Asked, Hearing
from transcription.engine.listening import listen
from transcription.findings import Window
from transcription.options import Options

Scores = dict[str, Any]
SURE: Scores = {"text": "Good morning.", "avg_logprob": -0.2}
UNSURE: Scores = {"text": "Good evening.", "avg_logprob": -0.4}
LOOP: Scores = {"text": "one per cent, " * 40, "avg_logprob": -0.2}
ELSEWHERE: Scores = {"text": "Thank you.", "avg_logprob": -0.2, "elsewhere": True}
CUT: Scores = {"text": "Good", "avg_logprob": -0.2, "cut": True}
SKIPS: Scores = {"text": "Good morning.", "avg_logprob": -0.2, "skipped": 5.0}
LOST: Scores = {"text": "Good", "avg_logprob": -0.2, "unwritten": 4.5}
WINDOW = Window(1.0, 9.0)
SILENT: Samples = np.zeros(20 * SAMPLE_RATE, np.float32)


class Decoder:
    """Writes what ``answer`` says for a window, a length and a temperature."""

    def __init__(self, answer: Callable[[Window, bool, float | None], Scores]) -> None:
        self._answer = answer
        self.asked: list[tuple[Sequence[Window], bool, float | None]] = []

    def fits(self, window: Window) -> bool:
        return window.duration < 14

    def __call__(
        self,
        _samples: Samples,
        windows: Sequence[Window],
        _asked: Asked,
        *,
        whole: bool = False,
        temperature: float | None = None,
    ) -> list[Hearing]:
        self.asked.append((windows, whole, temperature))
        return [
            Hearing(window, written=(), **self._answer(window, whole, temperature))
            for window in windows
        ]


def heard(
    decoder: Decoder, *windows: Window, samples: Samples = SILENT, temperature: float = 0.0
) -> list[tuple[str, int]]:
    asked = Asked(lambda *_: None, Options(temperature=temperature), "en")
    found = listen(decoder, samples, windows or (WINDOW,), asked)  # type: ignore[arg-type]
    return [(" ".join(one.text for one in each.heard), each.retries) for each in found]


def test_what_is_sure_is_heard_once() -> None:
    decoder = Decoder(lambda *_: SURE)
    assert heard(decoder, WINDOW, Window(9, 12)) == [("Good morning.", 0)] * 2
    assert len(decoder.asked) == 1


@pytest.mark.parametrize("first", [UNSURE, LOOP, ELSEWHERE, CUT, LOST])
def test_a_fitted_window_is_heard_again_whole(first: Scores) -> None:
    decoder = Decoder(lambda window, whole, _: first if not whole and window is WINDOW else SURE)
    assert heard(decoder, Window(9, 12), WINDOW) == [("Good morning.", 0), ("Good morning.", 1)]
    assert decoder.asked[1:] == [([WINDOW], True, None)]


def test_a_window_of_the_whole_length_is_believed_sooner() -> None:
    decoder = Decoder(lambda *_: UNSURE)
    assert heard(decoder, Window(0, 20)) == [("Good evening.", 0)]


def paused(*pauses: tuple[float, float]) -> Samples:
    """A tone with silence from and to these seconds."""
    samples = np.sin(np.arange(20 * SAMPLE_RATE) / 5).astype(np.float32)
    for start, end in pauses:
        samples[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)] = 0
    return samples


@pytest.mark.parametrize("whole", [8.0, 4.0])  # 4.0: the first division alone gains nothing
def test_a_text_that_skips_speech_is_split_until_nothing_is_skipped(whole: float) -> None:
    samples = paused((3.0, 3.4), (5.0, 6.0))
    skipped = {WINDOW: whole, Window(1.0, 5.5): 4.0}

    def answer(window: Window, *_: object) -> Scores:
        near = [seconds for one, seconds in skipped.items() if abs(one.end - window.end) < 0.1]
        return {**SURE, "skipped": near[0] if near and window.start == 1.0 else 0.0}

    decoder = Decoder(answer)
    assert heard(decoder, samples=samples) == [("Good morning. Good morning. Good morning.", 2)]
    assert [[round(one.end, 1) for one in windows] for windows, _, _ in decoder.asked] == [
        [9.0],
        [5.5, 9.0],
        [3.2, 5.5],
    ]
    assert {temperature for _, _, temperature in decoder.asked} == {None}


def test_a_window_that_always_skips_is_divided_twice() -> None:
    samples = paused((2.5, 2.9), (4.0, 4.4), (5.5, 6.0), (7.0, 7.4))
    decoder = Decoder(lambda *_: SKIPS)
    assert heard(decoder, samples=samples) == [("Good morning.", 3)]
    assert [len(windows) for windows, _, _ in decoder.asked] == [1, 2, 2, 2]


@pytest.mark.parametrize("halves", [{**SKIPS, "text": "Evening."}, LOOP, UNSURE])
def test_halves_that_skip_as_much_or_are_doubted_are_not_taken(halves: Scores) -> None:
    decoder = Decoder(lambda window, *_: SKIPS if window is WINDOW else halves)
    assert heard(decoder, samples=paused((5.0, 6.0))) == [("Good morning.", 1)]


@pytest.mark.parametrize(("whole", "halves"), [(-0.4, -0.4), (-0.1, -0.25)])
def test_halves_are_as_sure_as_a_doubted_whole_or_not_doubted(whole: float, halves: float) -> None:
    answers = {True: {**SKIPS, "avg_logprob": whole}, False: {**UNSURE, "avg_logprob": halves}}
    decoder = Decoder(lambda window, *_: answers[window is WINDOW])
    ((text, _),) = heard(decoder, samples=paused((5.0, 6.0)))
    assert text == "Good evening. Good evening."


def test_a_loop_is_split_at_the_longest_pause() -> None:
    samples = paused((3.0, 3.4), (5.0, 6.0))
    decoder = Decoder(lambda window, *_: LOOP if window is WINDOW else SURE)
    assert heard(decoder, samples=samples) == [("Good morning. Good morning.", 2)]
    first, second = decoder.asked[-1][0]
    assert (first.start, second.end) == (1.0, 9.0)
    assert first.end == second.start == pytest.approx(5.5, abs=0.05)


def test_then_whispers_ladder_is_climbed() -> None:
    decoder = Decoder(lambda _window, _whole, temperature: SURE if temperature == 0.6 else LOOP)
    assert heard(decoder) == [("Good morning.", 4)]
    assert [temperature for _, _, temperature in decoder.asked] == [None, None, 0.2, 0.4, 0.6]


def test_the_ladder_begins_above_what_was_asked() -> None:
    decoder = Decoder(lambda *_: LOOP)
    ((text, retries),) = heard(decoder, Window(0, 20), temperature=0.6)
    assert text == LOOP["text"]
    assert retries == 2
    assert [temperature for _, _, temperature in decoder.asked] == [None, 0.8, 1.0]


def test_nobody_speaks_is_no_failure() -> None:
    nobody = {"text": "Thank you.", "avg_logprob": -1.5, "no_speech_prob": 0.9}
    decoder = Decoder(lambda *_: nobody)
    assert heard(decoder, Window(0, 20)) == [("Thank you.", 0)]


@pytest.mark.parametrize(
    ("tokens", "most"),
    [([], 0), ([1, 2, 3], 0), ([1, 1], 1), ([1, 2, 3, 1, 2, 3], 3), ([9, *[1, 2] * 5, 8], 8)],
)
def test_an_echo_is_what_repeats_at_once(tokens: list[int], most: int) -> None:
    assert guard.echo(tokens) == most


@pytest.mark.parametrize(
    ("scores", "failed"),
    [
        ({"text": "no, " * 5, "written": tuple(range(10))}, False),
        ({"text": "a b", "written": (1, 2) * 7}, True),
        ({"text": "".join(map(chr, range(65, 190))), "written": ()}, True),  # 125 in 2 seconds
        ({"text": "", "written": (), "avg_logprob": -2.0}, False),
    ],
)
def test_what_fails(scores: Scores, failed: bool) -> None:
    assert (
        guard.failed(Hearing(**{"window": Window(0, 2), "avg_logprob": -0.2, **scores})) == failed
    )
