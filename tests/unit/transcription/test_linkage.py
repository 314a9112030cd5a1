"""Clustering without a matrix of distances: scipy's linkage is the oracle."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyannote.audio")

import transcription.engine  # noqa: F401 - before pyannote

# isort: split
from pyannote.audio.pipelines.clustering import AgglomerativeClustering, VBxClustering
from pyannote.core import SlidingWindow, SlidingWindowFeature
from scipy.cluster import hierarchy

from transcription.engine import linkage as module
from transcription.engine.linkage import linkage, without_matrix

SPEAKERS = 3


def voices(count: int, dimension: int, seed: int = 0, spread: float = 0.3) -> np.ndarray:
    """Vectors of length one around a few others."""
    random = np.random.default_rng(seed)
    people = random.normal(size=(SPEAKERS, dimension))
    vectors = people[random.integers(SPEAKERS, size=count)]
    vectors = vectors + spread * random.normal(size=vectors.shape)
    result: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return result


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours, also for a few vectors."""
    monkeypatch.setattr(module, "_MATRIX", 0)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(("count", "dimension"), [(2, 2), (3, 2), (60, 3), (400, 16), (700, 64)])
def test_merges_are_scipys(count: int, dimension: int) -> None:
    for seed in range(3):
        vectors = voices(count, dimension, seed)
        expected = hierarchy.linkage(vectors, method="centroid", metric="euclidean")
        found = linkage(vectors, method="centroid", metric="euclidean")
        assert np.array_equal(found[:, [0, 1, 3]], expected[:, [0, 1, 3]])
        assert np.allclose(found[:, 2], expected[:, 2], atol=1e-9)


@pytest.mark.usefixtures("always")
def test_vectors_that_come_twice_fall_into_the_same_clusters() -> None:
    vectors = np.repeat(voices(80, 8, spread=0.1), 3, axis=0)
    for threshold in (0.01, 0.2, 0.8):
        mine, scipys = (
            hierarchy.fcluster(way(vectors, method="centroid"), threshold, criterion="distance")
            for way in (linkage, hierarchy.linkage)
        )
        together = mine[:, None] == mine
        assert np.array_equal(together, scipys[:, None] == scipys)


@pytest.mark.usefixtures("always")
def test_what_is_no_number_is_refused_as_scipy_does() -> None:
    for way in (linkage, hierarchy.linkage):
        with pytest.raises(ValueError, match="finite"):
            way(np.full((3, 2), np.nan), method="centroid")
    assert linkage(voices(9, 2), method="average").shape == (8, 4)


@pytest.mark.usefixtures("always")
def test_no_matrix_of_distances_is_kept() -> None:
    vectors = voices(2000, 8)
    tracemalloc.start()
    try:
        linkage(vectors, method="centroid")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * len(vectors) ** 2 / 2 / 5, "a fifth of one copy of the distances"


def agglomerative() -> Any:
    clustering: Any = AgglomerativeClustering(metric="cosine")
    clustering.instantiate({"method": "centroid", "min_cluster_size": 5, "threshold": 0.7})
    return clustering


def bayesian() -> Any:
    class Plda:
        phi = np.linspace(8, 0.5, 16)

        def __call__(self, embeddings: np.ndarray) -> np.ndarray:
            return embeddings

    plda: Any = Plda()
    clustering: Any = VBxClustering(plda, metric="cosine")
    clustering.instantiate({"threshold": 0.6, "Fa": 0.07, "Fb": 0.8})
    return clustering


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("make", [agglomerative, bayesian])
def test_pyannote_finds_the_same_speakers(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = voices(300, 16).reshape(100, 3, 16)
    talking = np.zeros((100, 60, 3), dtype=np.float32)
    talking[:, :20, 0] = talking[:, 20:40, 1] = talking[:, 40:, 2] = 1
    segmentations = SlidingWindowFeature(talking, SlidingWindow(duration=5.0, step=0.5))

    def speakers(clustering: Any) -> np.ndarray:
        found: np.ndarray
        found, _, _ = clustering(
            embeddings=vectors.copy(), segmentations=segmentations, min_clusters=1, max_clusters=9
        )
        return found

    expected = speakers(make())
    calls: list[int] = []

    def counted(found: Any, **options: Any) -> Any:
        calls.append(len(found))
        return linkage(found, **options)

    monkeypatch.setattr(module, "linkage", counted)
    ours = make()
    without_matrix(ours)
    found = speakers(ours)
    assert calls == [300]
    assert np.array_equal(found, expected)
    assert found.max() == SPEAKERS - 1
    speakers(make())
    assert calls == [300], "others call scipy's"
    without_matrix(object())
