"""What one run hands to the next: nothing is lost, rounded, or taken from another plan."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.scripted_engine import ScriptedEngine
from tests.unit.transcription.recordings import recording
from transcription.checkpoint import (
    Batch,
    batch_from_json,
    batch_to_json,
    checkpoint,
    plan_of,
)
from transcription.findings import Language, Window
from transcription.options import Options
from transcription.pipeline import Pipeline
from transcription.transcript import Character, Segment, Word

TIMES = st.floats(0, 1e5)
CHARACTERS = st.builds(Character, st.text(), TIMES, TIMES, st.none() | st.floats(0, 1))
WORDS = st.builds(
    Word,
    st.text(),
    TIMES,
    TIMES,
    st.none() | st.floats(0, 1),
    characters=st.lists(CHARACTERS, max_size=2).map(tuple),
)
SEGMENTS = st.builds(
    Segment,
    st.text(),
    TIMES,
    TIMES,
    st.lists(WORDS, max_size=2).map(tuple),
    avg_logprob=st.none() | st.floats(-10, 0),
    no_speech_prob=st.none() | st.floats(0, 1),
)
LANGUAGES = st.builds(Language, st.sampled_from(["en", "haw"]), st.none() | st.floats(0, 1))
BATCHES = st.builds(
    Batch,
    st.text(),
    LANGUAGES,
    st.integers(0, 9),
    st.integers(1, 9),
    st.lists(SEGMENTS, max_size=2).map(tuple),
)


@given(BATCHES)
def test_a_batch_comes_back_from_json_as_it_was(batch: Batch) -> None:
    assert batch_from_json(json.loads(json.dumps(batch_to_json(batch)))) == batch


def batch(first: int, windows: int, plan: str = "ours") -> Batch:
    said = tuple(Segment(str(n), n, n + 1) for n in range(first, first + windows) if n % 3)
    return Batch(plan, Language("en"), first, windows, said)


@pytest.mark.parametrize(
    ("batches", "windows"),
    [
        ([], None),
        ([batch(0, 4)], 4),
        ([batch(4, 4), batch(0, 4)], 8),  # in any order
        ([batch(4, 4)], None),  # nothing is known of the first
        ([batch(0, 2), batch(4, 4)], 2),  # one did not arrive
        ([batch(0, 4, "theirs")], None),
        ([batch(0, 4), batch(4, 4, "theirs")], 4),
        ([batch(0, 1), batch(0, 4), batch(1, 3), batch(4, 1)], 5),
    ],
)
def test_what_is_known_ends_at_the_first_gap(batches: list[Batch], windows: int | None) -> None:
    found = checkpoint(batches, "ours")
    assert (found.windows if found else None) == windows
    if found:
        assert [s.text for s in found.segments] == [str(n) for n in range(found.windows) if n % 3]


def test_a_plan_is_of_windows_and_model() -> None:
    windows = [Window(0.0, 1.0), Window(1.5, 2.0)]
    plans = {
        plan_of(windows, "base"),
        plan_of(windows, "large-v3"),
        plan_of(windows[:1], "base"),
        plan_of([Window(0.0, 1.0), Window(1.5, 2.00001)], "base"),
    }
    assert len(plans) == 4
    assert plan_of(list(windows), "base") in plans


class Died(BaseException):
    """As a worker dies: nothing of ours is called any more."""


class Mortal(ScriptedEngine):
    """Counts the windows that it hears, and dies in one. Every third is empty."""

    def __init__(self, dies_in: int | None = None) -> None:
        super().__init__()
        self.dies_in = dies_in
        self.heard: list[Window] = []
        self.detections = 0

    def detect_language(self, *arguments: Any) -> Language:
        self.detections += 1
        return Language("haw", 0.123456789)

    def recognize(self, *arguments: Any) -> Any:
        for found in super().recognize(*arguments):
            yield found
            if len(self.heard) == self.dies_in:
                raise Died

    def say(self, window: Window, language: Language, options: Options) -> Any:
        self.heard.append(window)
        number = round(window.start)
        said = replace(super().say(window, language, options)[0], avg_logprob=-number / 3)
        return [said][: number % 3]


@pytest.mark.parametrize("asked", [{}, {"language": "haw"}, {"language": "en"}])
def test_a_run_that_goes_on_hears_no_window_twice(asked: Any) -> None:
    options = Options(chunk_size=1, **asked)
    sound, count = recording(*[0.5] * 9, pause=0.5), 9
    engine = Mortal()
    whole = Pipeline(engine).transcribe(sound, options)
    assert (len(engine.heard), whole.windows, whole.resumed) == (count, count, 0)
    batches: list[Batch] = []
    for _ in range(4):
        dying = Mortal(dies_in=2)
        with pytest.raises(Died):
            Pipeline(dying).transcribe(sound, options, found=batches.append, earlier=list(batches))
        assert len(dying.heard) == 2
    last = Mortal()
    report = Pipeline(last).transcribe(sound, options, earlier=batches)
    assert (len(last.heard), last.detections, report.resumed) == (1, 0, 8)
    assert report.transcript == whole.transcript
    assert all(a.first + a.windows == b.first for a, b in pairwise(batches))


def test_what_another_model_heard_is_heard_again() -> None:
    batches: list[Batch] = []
    sound = recording(2.0)
    Pipeline(ScriptedEngine("tiny")).transcribe(sound, Options(), found=batches.append)
    report = Pipeline(ScriptedEngine("base")).transcribe(sound, Options(), earlier=batches)
    assert (report.windows, report.resumed) == (1, 0)
    asked = Options(whisper_model="base")
    assert Pipeline(ScriptedEngine("base")).transcribe(sound, asked, earlier=batches).resumed == 0


def test_progress_of_a_run_that_goes_on_rises_to_one() -> None:
    batches: list[Batch] = []
    shares: list[float] = []
    sound = recording(1.0, 1.0, 1.0)
    Pipeline(ScriptedEngine()).transcribe(sound, Options(chunk_size=1), found=batches.append)
    Pipeline(ScriptedEngine()).transcribe(
        sound, Options(chunk_size=1), shares.append, earlier=batches
    )
    assert shares == sorted(set(shares))
    assert shares[-1] == 1.0
