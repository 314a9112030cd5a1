"""How many people talk, on vectors whose people are known."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")

from models.base.voices import Labels, Rule, Vectors, tell_apart

DIMENSION = 64
RULE: Any = {"similarity": 0.88, "share": 0.05}


def conversation(
    seconds: list[list[float]], *, alike: float = 0.6, noise: float = 0.5
) -> tuple[Vectors, Labels, np.ndarray]:
    """Vectors of pieces of so many ``seconds`` for each person, in turns.

    ``alike`` is the cosine of two people; the shorter a piece, the noisier its vector.
    """
    random = np.random.default_rng(0)
    axes = np.linalg.qr(random.normal(size=(DIMENSION, DIMENSION)))[0]
    people = np.sqrt(alike) * axes[0] + np.sqrt(1 - alike) * axes[1 : 1 + len(seconds)]
    order = sorted(
        (place / len(own), person, length)
        for person, own in enumerate(seconds)
        for place, length in enumerate(own)
    )
    truth = np.array([person for _, person, _ in order])
    lengths = np.array([length for _, _, length in order])
    blurred = random.normal(size=(len(order), DIMENSION)) / np.sqrt(DIMENSION)
    vectors = people[truth] + noise * blurred * np.sqrt(1 / lengths)[:, None]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), truth, lengths


def same_partition(labels: Labels, truth: Labels) -> bool:
    pairs = set(zip(labels.tolist(), truth.tolist(), strict=True))
    return len(pairs) == len(set(labels.tolist())) == len(set(truth.tolist()))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
def test_people_are_counted_and_told_apart(count: int) -> None:
    vectors, truth, seconds = conversation([[2.5] * 8] * count)
    labels, people = tell_apart(vectors, seconds, Rule(**RULE))
    assert len(people) == count
    assert same_partition(labels, truth)
    assert np.allclose(np.linalg.norm(people, axis=1), 1)


def test_short_pieces_of_one_person_are_one_person() -> None:
    vectors, _, seconds = conversation([[1.0, 3.0] * 10], noise=0.75)
    assert (vectors @ vectors.T)[::2, ::2].mean() < RULE["similarity"]
    assert len(tell_apart(vectors, seconds, Rule(**RULE))[1]) == 1


def test_who_hardly_talks_in_a_long_recording_is_not_counted() -> None:
    vectors, truth, seconds = conversation([[3.0] * 30, [3.0] * 30, [1.0]])
    labels, people = tell_apart(vectors, seconds, Rule(**RULE))
    assert len(people) == 2
    assert same_partition(labels[truth < 2], truth[truth < 2])


def test_who_says_a_sentence_in_a_short_recording_is_counted() -> None:
    vectors, truth, seconds = conversation([[3.0] * 4, [2.0]])
    labels, people = tell_apart(vectors, seconds, Rule(**RULE))
    assert len(people) == 2
    assert same_partition(labels, truth)


@pytest.mark.parametrize(("least", "most", "found"), [(1, 2, 2), (5, 9, 5), (4, 4, 4), (1, 9, 3)])
def test_the_number_of_people_keeps_to_its_bounds(least: int, most: int, found: int) -> None:
    vectors, _, seconds = conversation([[2.5] * 6] * 3)
    assert len(tell_apart(vectors, seconds, Rule(**RULE, least=least, most=most))[1]) == found


def test_there_are_no_more_people_than_pieces() -> None:
    vectors, _, seconds = conversation([[2.0], [2.0]])
    assert len(tell_apart(vectors, seconds, Rule(**RULE, least=5, most=5))[1]) == 2
    one, _, second = conversation([[0.5]])
    assert len(tell_apart(one, second, Rule(**RULE, least=2, most=2))[1]) == 1


def test_a_voice_is_not_cut_in_two_to_make_up_the_number() -> None:
    """An outlier of half a second is another person before a steady voice is two."""
    vectors, truth, seconds = conversation([[3.0] * 20, [0.9]])
    labels, people = tell_apart(vectors, seconds, Rule(**RULE, least=2, most=2))
    assert len(people) == 2
    assert same_partition(labels, truth)


def test_hours_take_the_memory_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.base.voices._MOST", 10)
    vectors, truth, seconds = conversation([[2.5] * 25] * 3)
    seen = []

    def squareform(matrix: np.ndarray, *, checks: bool) -> np.ndarray:
        from scipy.spatial.distance import squareform as real

        seen.append(len(matrix))
        result: np.ndarray = real(matrix, checks=checks)
        return result

    monkeypatch.setattr("models.base.voices.squareform", squareform)
    labels, _ = tell_apart(vectors, seconds, Rule(**RULE))
    assert max(seen) <= 10
    assert same_partition(labels, truth)
