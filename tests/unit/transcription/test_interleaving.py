"""Requests that are recognized at once: each hears what it would have heard alone."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("whisperx")

from tests.unit.transcription.fakes import CPU, FakeTokenizer, FakeWhisper
from transcription.audio import Samples
from transcription.engine import guard, recognition, search
from transcription.engine.lanes import Lanes
from transcription.engine.recognition import AT_ONCE, Recognizer
from transcription.engine.search import BEAM_SIZE
from transcription.findings import Window
from transcription.options import Options

WINDOWS = 10_000  # in all
AT_THE_SAME_TIME = 8


class Echo(FakeWhisper):
    """Says of every window which it is and how it was asked for it."""

    def generate(self, encoded: Any, prompts: Sequence[Any], **options: Any) -> list[Any]:
        heard = zip(encoded, prompts, strict=True)
        how = sorted((name, str(value)) for name, value in options.items())
        return [
            SimpleNamespace(
                sequences_ids=[list(f"{window} {prompt} {how}")],
                scores=[-float(window)],
                no_speech_prob=0.25,
            )
            for window, prompt in heard
        ]


def which(_samples: Samples, windows: Sequence[Window], **_how: object) -> list[float]:
    """In place of an encoding: where the windows begin."""
    return [window.start for window in windows]


@pytest.fixture
def recognizer(monkeypatch: pytest.MonkeyPatch) -> Recognizer:
    monkeypatch.setattr(recognition, "WhisperModel", Echo)
    monkeypatch.setattr(recognition, "Tokenizer", FakeTokenizer)
    monkeypatch.setattr(search, "get_suppressed_tokens", lambda *_: (7,))
    for doubt in ("unsure", "failed"):  # of what is no speech at all
        monkeypatch.setattr(guard, doubt, lambda _hearing: False)
    found = Recognizer("any", CPU, Lanes(AT_ONCE))
    monkeypatch.setattr(found._decoder, "_encoder", which)
    monkeypatch.setattr(found._decoder, "fits", lambda _window: False)
    return found


@dataclass(frozen=True)
class Request:
    """One recording's windows and what is asked of them."""

    windows: tuple[Window, ...]
    language: str
    options: Options

    @classmethod
    def drawn(cls, draw: random.Random, count: int) -> "Request":
        begin = draw.randrange(10**6)
        starts = range(begin, begin + 60 * count, 60)
        options = Options(
            task=draw.choice(["transcribe", "translate"]),
            initial_prompt=draw.choice([None, "before", "what was said"]),
            hotwords=draw.choice([None, "Alpha", "Beta Gamma"]),
            suppress_numerals=draw.random() < 0.5,
            temperature=draw.choice([0.0, 0.2, 1.0]),
            batch_size=draw.choice([1, 2, 3, 8, 64]),
        )
        windows = tuple(Window(start, start + draw.uniform(1, 30)) for start in map(float, starts))
        return cls(windows, draw.choice(["en", "de", "haw"]), options)

    @property
    def asked(self) -> tuple[str, ...]:
        """What `Echo` has to say of each of its windows."""
        options, prompt = self.options, FakeTokenizer(None, True, task="", language="")
        context = [options.hotwords, options.initial_prompt]
        spoken = [token for text in context if text for token in prompt.encode(f" {text}")]
        start = [f"<{self.language}>", f"<{options.task}>", prompt.no_timestamps]
        how = ("sampling_temperature", str(options.temperature))
        return (
            str([prompt.sot_prev, *spoken, *start] if spoken else start),
            str(how if options.temperature else ("beam_size", str(BEAM_SIZE))),
        )

    def heard(self, recognizer: Recognizer) -> list[Any]:
        """Text, place and probabilities of every window."""
        samples = np.zeros(1, dtype=np.float32)
        found = recognizer.recognize(
            samples, self.windows, self.language, self.options, lambda _share: None
        )
        return [one.heard[0].segment for batch in found for one in batch]


@pytest.mark.parametrize("seed", range(2))
def test_interleaved_requests_hear_what_they_would_alone(recognizer: Recognizer, seed: int) -> None:
    draw = random.Random(seed)
    requests: list[Request] = []
    while sum(len(request.windows) for request in requests) < WINDOWS // 2:
        requests.append(Request.drawn(draw, draw.choice([1, 2, 5, 200])))
    alone = [request.heard(recognizer) for request in requests]
    with ThreadPoolExecutor(AT_THE_SAME_TIME) as pool:
        together = list(pool.map(lambda request: request.heard(recognizer), requests))
    assert together == alone
    for request, heard in zip(requests, together, strict=True):
        assert [segment.start for segment in heard] == [w.start for w in request.windows]
        for segment in heard:
            assert segment.text.startswith(f"{segment.start} {request.asked[0]} ")
            assert request.asked[1] in segment.text
