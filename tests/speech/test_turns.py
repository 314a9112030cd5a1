"""Requests that are recognized at once by a real model: none hears what is another's."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from operator import eq
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from benchmarks.turns import measure, short_clips
from evaluation.people import Clip
from evaluation.recordings import write_people
from stack.client import Client
from tests.speech.conftest import PEOPLE
from transcription.audio import Samples, decode, seconds
from transcription.engine.listening import Listened
from transcription.findings import Window
from transcription.options import Options

pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(900)]

WINDOWS = 200  # in all
AT_THE_SAME_TIME = 6
LONGEST = 5.0  # seconds of a clip
LONG = 180.0  # seconds
READER = "librivox/sense-0870"


@dataclass(frozen=True)
class Request:
    """Some clips in a row, and what is asked of them."""

    clips: tuple[Clip, ...]
    options: Options
    language: str | None

    @property
    def samples(self) -> Samples:
        return np.concatenate([decode(clip.audio) for clip in self.clips])

    @property
    def windows(self) -> tuple[Window, ...]:
        ends = np.cumsum([seconds(decode(clip.audio)) for clip in self.clips])
        return tuple(map(Window, (0.0, *ends[:-1]), ends))

    def heard(self, recognizer: Any) -> list[Listened]:
        """What each window holds."""
        found = recognizer.recognize(
            self.samples, self.windows, self.language, self.options, lambda _share: None
        )
        return [one for batch in found for one in batch]


def requests(draw: random.Random) -> Iterator[Request]:
    """Requests that differ in whatever one could take from another by mistake."""
    short = [c for c in PEOPLE.values() if c.text and seconds(decode(c.audio)) <= LONGEST]
    languages = sorted({clip.language for clip in short})
    while True:
        spoken = draw.choice(languages)
        own = [clip for clip in short if clip.language == spoken]
        options = Options(
            task="translate" if spoken != "en" and draw.random() < 0.3 else "transcribe",
            initial_prompt=draw.choice([None, None, "What was said before."]),
            hotwords=draw.choice([None, None, "Asterisk"]),
            suppress_numerals=draw.random() < 0.4,
        )
        clips = draw.sample(own, min(len(own), draw.choice([1, 1, 2, 3])))
        yield Request(tuple(clips), options, draw.choice([spoken, None]))


def some(draw: random.Random, windows: int) -> list[Request]:
    """As many requests as have that many windows."""
    found: list[Request] = []
    for request in requests(draw):
        if sum(len(each.clips) for each in found) >= windows:
            return found
        found.append(request)
    raise AssertionError("there is always another one")


def at_once(recognizer: Any, asked: Sequence[Request]) -> list[list[Listened]]:
    with ThreadPoolExecutor(AT_THE_SAME_TIME) as pool:
        return list(pool.map(lambda request: request.heard(recognizer), asked))


def drawn_at_random(listened: Listened) -> bool:
    """Whether the ladder of temperatures was needed: what it gives is never the same twice."""
    return listened.retries > 1


def said(listened: Listened) -> str:
    return " ".join(one.text for one in listened.heard)


def segments(listened: Listened) -> list[Any]:
    return [(one.window, one.text, one.language) for one in listened.heard]


def test_interleaved_windows_say_what_each_says_alone(base_engine: Any) -> None:
    recognizer = base_engine._recognizers["base"]
    asked = some(random.Random(14), WINDOWS)
    with recognizer._lanes._used():  # as beside another: one window in a batch
        alone = [one for request in asked for one in request.heard(recognizer)]
        together = [one for own in at_once(recognizer, asked) for one in own]
    pairs = [
        (segments(one), segments(other))
        for one, other in zip(alone, together, strict=True)
        if not drawn_at_random(one)
    ]
    assert [pair for pair in pairs if pair[0] != pair[1]] == []
    assert len(alone) >= WINDOWS
    assert len(pairs) >= 0.9 * WINDOWS
    # Nothing would be seen of windows that all say the same.
    assert len({str(one) for one, _ in pairs}) > 100


def test_sampled_windows_are_their_owners(base_engine: Any) -> None:
    recognizer = base_engine._recognizers["base"]
    asked = some(random.Random(3), 50)
    sampled = [replace(one, options=replace(one.options, temperature=0.2)) for one in asked]
    sure, drawn = (
        [one for own in at_once(recognizer, each) for one in own] for each in (asked, sampled)
    )
    clips = [clip for one in asked for clip in one.clips]
    texts = list(map(said, sure))
    right = 0
    for clip, one in zip(clips, drawn, strict=True):
        apart = [Levenshtein.normalized_distance(said(one), text) for text in texts]
        right += clips[apart.index(min(apart))] == clip
    assert right >= 0.9 * len(clips)
    assert len(set(texts)) > 30
    unknown = [clip.language for one in asked for clip in one.clips if one.language is None]
    detected = [one.heard[0].language for one in drawn if one.heard[0].language]
    assert sum(map(eq, detected, unknown)) >= 0.9 * len(unknown) > 10


def test_a_sampled_prompt_is_its_requests_own(base_engine: Any) -> None:
    recognizer = base_engine._recognizers["base"]
    clip = PEOPLE[READER]
    plain = Request((clip,), Options(temperature=0.2), "en")
    hinted = Request((clip,), Options(temperature=0.2, hotwords="Jon Dashwood"), "en")
    found = at_once(recognizer, [plain, hinted] * 10)
    spelled = ["Jon Dashwood" in one.heard[0].text for (one,) in found]
    assert sum(spelled[1::2]) >= 8
    assert sum(spelled[0::2]) == 0


async def test_clips_behind_a_long_recording_are_heard_at_once_and_cost_it_little(
    client: Client, tmp_path: Path
) -> None:
    """With slots for all of them, as `make up` has."""
    await client.finish((await client.create_from_file(PEOPLE[READER].audio))["id"])
    found = await measure(client, write_people(tmp_path / "long.wav", LONG), short_clips())
    assert len(found.heard) == 8
    assert max(found.heard) <= 4.0
    assert max(found.answered) < found.beside
    assert found.lost_of_an_hour(LONG) <= 0.10
