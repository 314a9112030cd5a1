"""Chunks put together: pyannote's own functions are the oracle, to the last bit."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyannote.audio")

import transcription.engine  # noqa: F401 - before pyannote

# isort: split
from pyannote.audio import Inference
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.audio.utils import signal
from pyannote.core import Annotation, SlidingWindow, SlidingWindowFeature

from models import chunks

FRAMES = SlidingWindow(start=0.0, step=0.016875, duration=0.0619375)  # of pyannote's networks
SLOTS = 3  # speakers of a chunk
THRESHOLD = 0.5

Clusters = np.ndarray
Case = tuple[SlidingWindowFeature, Clusters]


def conversation(people: int, seconds: float, seed: int, chunk: float = 5.0) -> Case:
    """Who talks in each chunk, 0 or 1, and the person behind each of its speakers."""
    random = np.random.default_rng(seed)
    hop, length = chunk / 10, round(chunk / FRAMES.step) - 3
    count = max(1, int((seconds - chunk) / hop) + 1)
    talks = np.zeros((int(seconds / FRAMES.step) + 2 * length, people), dtype=np.float32)
    place = 0
    while people and place < len(talks):
        turn = int(random.gamma(2, 60)) + 1
        talks[place : place + turn, random.integers(people)] = 1
        place = max(0, place + turn + int(random.normal(0, 30)))
    data = np.zeros((count, length, SLOTS), dtype=np.float32)
    clusters = np.full((count, SLOTS), -2)
    for number in range(count):
        first = round(number * hop / FRAMES.step)
        part = talks[first : first + length]
        heard = [person for person in range(people) if part[:, person].any()][:SLOTS]
        for slot, person in zip(random.permutation(SLOTS), heard, strict=False):
            data[number, :, slot] = part[:, person]
            clusters[number, slot] = person
    return SlidingWindowFeature(data, SlidingWindow(duration=chunk, step=hop, start=0.0)), clusters


def uncertain(case: Case, seed: int = 0) -> Case:
    """The same as scores, some of them equal to each other or to the threshold."""
    heard, clusters = case
    noise = np.random.default_rng(seed).normal(0, 0.2, heard.data.shape)
    scores = np.clip(0.1 + 0.8 * heard.data + noise, 0, 1).astype(np.float32)
    scores[::3] = np.round(scores[::3], 1)
    return SlidingWindowFeature(scores, heard.sliding_window), clusters


def confused(case: Case) -> Case:
    """Chunks whose speakers are one person, and nobody."""
    heard, clusters = case
    clusters = clusters.copy()
    clusters[::2] = np.maximum(clusters[::2], 0)
    clusters[5::7] = -2
    return heard, clusters


def broken(case: Case) -> Case:
    """Some scores are no numbers."""
    heard, clusters = case
    data = heard.data.copy()
    data[3, 20:90, 0] = data[4, :, :] = np.nan
    return SlidingWindowFeature(data, heard.sliding_window), clusters


CASES: dict[str, Callable[[], Case]] = {
    "nobody": lambda: conversation(0, 30, 0),
    "one person, one chunk": lambda: conversation(1, 5, 0),
    "two people, ten minutes": lambda: conversation(2, 600, 1),
    "community-1's chunks": lambda: conversation(4, 120, 2, chunk=10.0),
    "many people": lambda: conversation(12, 240, 3),
    "scores": lambda: uncertain(conversation(3, 120, 4)),
    "speakers who are one person": lambda: confused(uncertain(conversation(3, 120, 5))),
    "no numbers": lambda: broken(confused(uncertain(conversation(3, 60, 6)))),
    "random": lambda: uncertain((conversation(3, 60, 7)[0], conversation(9, 60, 8)[1])),
}


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]()


def copied(scores: SlidingWindowFeature) -> SlidingWindowFeature:
    """Pyannote's functions write into what they are given."""
    return SlidingWindowFeature(scores.data.copy(), scores.sliding_window)


def same(mine: SlidingWindowFeature, theirs: SlidingWindowFeature) -> bool:
    windows = [(each.start, each.step, each.duration) for each in map(window, (mine, theirs))]
    equal = np.array_equal(mine.data, theirs.data, equal_nan=True)
    return equal and mine.data.dtype == theirs.data.dtype and windows[0] == windows[1]


def window(scores: SlidingWindowFeature) -> SlidingWindow:
    found: SlidingWindow = scores.sliding_window
    return found


def tracks(turns: Annotation) -> list[Any]:
    return [*turns.itertracks(yield_label=True), *turns.labels()]


def pyannotes() -> Any:
    return SpeakerDiarization.__new__(SpeakerDiarization)


@pytest.mark.parametrize("threshold", [THRESHOLD, 0.3])
def test_scores_are_above_a_threshold_where_pyannote_says(case: Case, threshold: float) -> None:
    scores, _ = case
    options: dict[str, Any] = {"onset": threshold, "initial_state": False}
    assert same(chunks.binarize(scores, **options), signal.binarize(scores, **options))


def counted(scores: SlidingWindowFeature, of: Any) -> SlidingWindowFeature:
    talking = signal.binarize(scores, onset=THRESHOLD, initial_state=False)
    found: SlidingWindowFeature = of.speaker_count(talking, FRAMES, warm_up=(0.0, 0.0))
    return found


def test_as_many_talk_at_once_as_pyannote_counts(case: Case) -> None:
    scores, _ = case
    assert same(counted(scores, chunks), counted(scores, SpeakerDiarization))
    warm: Any = (0.1, 0.1)
    assert same(
        chunks.speaker_count(copied(scores), FRAMES, warm),
        SpeakerDiarization.speaker_count(copied(scores), FRAMES, warm),
    )


def reconstructions(case: Case) -> Iterator[tuple[SlidingWindowFeature, SlidingWindowFeature]]:
    """Ours and pyannote's: of as many as talk at once, of the loudest, of more than there are."""
    scores, clusters = case
    if clusters.max() < 0:
        return
    count = counted(scores, SpeakerDiarization)
    most = int(clusters.max()) + 3
    for number in (count.data, np.minimum(count.data, 1), np.full_like(count.data, most)):
        wanted = SlidingWindowFeature(number.astype(np.int8), count.sliding_window)
        mine = chunks.reconstruct(copied(scores), clusters, wanted)
        yield mine, pyannotes().reconstruct(copied(scores), clusters, wanted)


def test_the_loudest_people_are_pyannotes(case: Case) -> None:
    for mine, theirs in reconstructions(case):
        assert same(mine, theirs)


@pytest.mark.parametrize("off", [0.0, 0.2])
def test_turns_are_pyannotes(case: Case, off: float) -> None:
    for _, discrete in reconstructions(case):
        for on in (0.0, 0.3):
            mine, theirs = (
                of.to_annotation(discrete, min_duration_on=on, min_duration_off=off)
                for of in (chunks, SpeakerDiarization)
            )
            assert tracks(mine) == tracks(theirs)


def test_sums_are_pyannotes(case: Case) -> None:
    scores, _ = case
    finite = SlidingWindowFeature(np.nan_to_num(scores.data), scores.sliding_window)
    theirs = Inference.aggregate(copied(finite), FRAMES, missing=0.0, skip_average=True)
    assert same(chunks.summed(finite, FRAMES), theirs)


def test_a_pipeline_gets_what_it_has_not_changed_itself() -> None:
    class Own(SpeakerDiarization):
        @staticmethod
        def to_annotation(*_arguments: Any, **_options: Any) -> Annotation:
            return Annotation(uri="its own")

    def blank(kind: Any) -> Any:
        made = kind.__new__(kind)
        made.__dict__.update(_parameters={}, _instantiated={}, _pipelines={}, _inferences={})
        made.__dict__.update(_models={}, _training=False)
        return made

    pipeline = blank(SpeakerDiarization)
    chunks.install(pipeline)
    assert pipeline.to_annotation is chunks.to_annotation
    assert pipeline.apply.__globals__["binarize"] is chunks.binarize
    assert SpeakerDiarization.apply.__globals__["binarize"] is signal.binarize
    own = blank(Own)
    chunks.install(own)
    assert own.to_annotation().uri == "its own"
    assert own.speaker_count is chunks.speaker_count
    other = SimpleNamespace()
    chunks.install(other)
    assert vars(other) == {}
