"""Ten damaged files of every format. `python -m tests.fuzz.decoding 100` tries more of them."""

import pytest

from tests.fixtures.shifts import shifts
from tests.fuzz.decoding import KINDS, SECONDS, Kind, problem, speech, whole
from transcription.audio import SAMPLE_RATE

pytestmark = pytest.mark.slow  # two minutes

TIMES = 10


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_damage_costs_no_more_than_it_has_to(kind: Kind) -> None:
    problems = {seed: found for seed in range(TIMES) if (found := problem(kind, seed))}
    assert problems == {}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_undamaged_sound_is_where_it_was(kind: Kind) -> None:
    _, found = whole(kind)
    assert len(found) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.1)
    late = shifts(found, speech())
    assert len(late) > 5
    assert max(map(abs, late)) < 0.05
