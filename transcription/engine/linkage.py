"""Centroid linkage without a matrix of distances.

pyannote clusters the speakers' vectors of all chunks by ``scipy.cluster.hierarchy.linkage``, which
keeps every distance between two of them, twice: for an hour of conversation 1.4 GB, for two hours
four times as much. The distance of two clusters is that of their centroids, so that the centroids
are all that has to be kept.

Most vectors have one very near: neighbouring chunks hear nearly the same. So clusters that are near
to each other are merged first, by what each knows of those near to it; the few thousand that are
left afterwards have a matrix. Where vectors are not like that, ``fastcluster.linkage_vector`` finds
the same merges in the same order, five to ten times slower. All distances here are squared.
"""

import heapq
from typing import Any

import fastcluster
import numpy as np
from numpy.typing import NDArray
from scipy.cluster import hierarchy

from models.rebinding import rebind

Vectors = NDArray[np.float64]  # (vectors, dimension)

_MATRIX = 3000  # vectors or clusters: below it matrices take less than 72 MB
_NEAR = 12  # vectors that are near to one, itself included, on average
_SAMPLE = 128  # vectors by which it is found out how far away those are
_BLOCK = 128  # vectors whose distances to all others are held at once


def linkage(vectors: Any, method: str = "single", metric: str = "euclidean") -> Vectors:
    """What ``scipy.cluster.hierarchy.linkage`` returns: (vectors - 1, 4).

    Raises ValueError for vectors that hold NaN or infinity, as that does.
    """
    if method != "centroid" or metric != "euclidean" or len(vectors) <= _MATRIX:
        scipys: Vectors = hierarchy.linkage(vectors, method=method, metric=metric)
        return scipys
    if not np.isfinite(vectors).all():
        raise ValueError("The vectors must contain only finite values.")
    points: Vectors = np.asarray(vectors, dtype=np.float64)
    near = _Near(points.copy())
    while (pair := near.closest()) is not None:
        near.merge(*pair)
    if len(near.places) > _MATRIX:
        found: Vectors = fastcluster.linkage_vector(points, method="centroid", metric="euclidean")
        return found
    _merge_all(near.merges, near.centroids[list(near.places.values())], list(near.places))
    return near.merges.dendrogram()


def without_matrix(clustering: Any) -> None:
    """Makes a pyannote clustering, and no other, call `linkage` where it calls scipy's."""
    rebind(clustering, linkage=linkage)


class _Merges:
    """Which clusters became one, in that order. Vectors are clusters, numbered first."""

    def __init__(self, vectors: int) -> None:
        self.sizes = [1] * vectors
        self._rows: list[tuple[int, int, float, int]] = []

    def add(self, one: int, other: int, distance: float) -> int:
        """The number of the new cluster."""
        self.sizes.append(self.sizes[one] + self.sizes[other])
        self._rows.append((min(one, other), max(one, other), distance, self.sizes[-1]))
        return len(self.sizes) - 1

    def dendrogram(self) -> Vectors:
        """What scipy returns."""
        rows = np.array(self._rows)
        rows[:, 2] = np.sqrt(np.maximum(rows[:, 2], 0.0))
        return rows


class _Near:
    """Clusters that know which others are near.

    Vectors that do not know each other are at least ``reach`` apart. The centroids of two clusters
    of such vectors are nearer by no more than the variance of both.
    """

    def __init__(self, vectors: Vectors) -> None:
        self.merges = _Merges(len(vectors))
        self.centroids = vectors
        self.places = {number: number for number in range(len(vectors))}  # rows of `centroids`
        self._variances = [0.0] * len(vectors)
        self._largest = 0.0
        self._reach = _reach(vectors)
        self._known: list[set[int]] = [set() for _ in vectors]
        self._pairs = _pairs(vectors, self._reach)
        for _, one, other in self._pairs:
            self._meet(one, other)
        heapq.heapify(self._pairs)

    def _meet(self, one: int, other: int) -> None:
        self._known[one].add(other)
        self._known[other].add(one)

    def closest(self) -> tuple[int, int] | None:
        """The closest two; None where two that do not know each other may be closer."""
        while self._pairs:
            distance, one, other = self._pairs[0]
            if one in self.places and other in self.places:
                sure = distance < self._reach - 2 * self._largest
                return (one, other) if sure else None
            heapq.heappop(self._pairs)
        return None

    def merge(self, one: int, other: int) -> None:
        """Makes one cluster of two."""
        place, gone = self.places.pop(one), self.places.pop(other)
        share = self.merges.sizes[other] / (self.merges.sizes[one] + self.merges.sizes[other])
        step = self.centroids[gone] - self.centroids[place]
        distance = float(step @ step)
        self.centroids[place] += share * step
        new = self.merges.add(one, other, distance)
        inside = (1 - share) * self._variances[one] + share * self._variances[other]
        self._variances.append(inside + share * (1 - share) * distance)
        self._largest = max(self._largest, self._variances[new])
        around = [each for each in self._known[one] | self._known[other] if each in self.places]
        self._known[one] = self._known[other] = set()
        self._known.append(set())
        self.places[new] = place
        steps = self.centroids[[self.places[each] for each in around]] - self.centroids[place]
        for each, away in zip(around, np.einsum("ij,ij->i", steps, steps).tolist(), strict=True):
            if away < self._reach:
                self._meet(each, new)
                heapq.heappush(self._pairs, (away, each, new))


def _reach(vectors: Vectors) -> float:
    """The distance within which a vector has `_NEAR` others, on average."""
    rows = vectors[np.linspace(0, len(vectors) - 1, _SAMPLE).astype(int)]
    distances = _distances(rows, vectors).ravel()
    nearest = min(_NEAR * _SAMPLE, len(distances) - 1)
    return float(np.partition(distances, nearest)[nearest])


def _pairs(vectors: Vectors, reach: float) -> list[tuple[float, int, int]]:
    """All two vectors within ``reach`` of each other, with their distance."""
    found: list[tuple[float, int, int]] = []
    for first in range(0, len(vectors), _BLOCK):
        distances = _distances(vectors[first : first + _BLOCK], vectors[first:])
        one, other = np.nonzero(np.triu(distances < reach, 1))
        near = distances[one, other].tolist()
        found += zip(near, (one + first).tolist(), (other + first).tolist(), strict=True)
    return found


def _distances(these: Vectors, those: Vectors) -> Vectors:
    distances: Vectors = these @ those.T
    distances *= -2
    distances += (these * these).sum(axis=1)[:, None]
    distances += (those * those).sum(axis=1)
    return np.maximum(distances, 0.0, out=distances)


def _merge_all(merges: _Merges, centroids: Vectors, numbers: list[int]) -> None:
    """Merges the clusters ``numbers``, by their matrix of distances, until one is left.

    Müllner's generic algorithm (2011, arXiv:1109.2378): what is known of a cluster's nearest one
    may be out of date, and is looked up again when it would be the closest of all.
    """
    matrix = _distances(centroids, centroids)
    np.fill_diagonal(matrix, np.inf)
    nearest = matrix.argmin(axis=1)
    least = matrix.min(axis=1)  # distances to the nearest, or less than any where out of date
    dated = np.zeros(len(matrix), dtype=bool)
    for _ in range(len(matrix) - 1):
        while dated[one := int(least.argmin())]:
            nearest[one] = matrix[one].argmin()
            least[one], dated[one] = matrix[one, nearest[one]], False
        other = int(nearest[one])
        distance = float(matrix[one, other])
        sizes = [merges.sizes[numbers[each]] for each in (one, other)]
        share = sizes[1] / sum(sizes)
        row = (1 - share) * matrix[one] + share * matrix[other] - share * (1 - share) * distance
        row[[one, other]] = np.inf
        numbers[one] = merges.add(numbers[one], numbers[other], distance)
        matrix[one] = matrix[:, one] = row
        matrix[other] = matrix[:, other] = np.inf
        dated |= (nearest == one) | (nearest == other)
        closer = row <= least
        nearest[closer], least[closer], dated[closer] = one, row[closer], False
        nearest[one] = row.argmin()
        least[one], dated[one] = row[nearest[one]], False
        least[other], dated[other] = np.inf, False
