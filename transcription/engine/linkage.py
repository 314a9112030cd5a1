"""Centroid linkage without a matrix of distances.

pyannote clusters the speakers' vectors of all chunks by ``scipy.cluster.hierarchy.linkage``, which
keeps every distance between two of them, twice: for an hour of conversation 1.4 GB, for two hours
four times as much. The distance of two clusters is that of their centroids, so that the centroids
are all that has to be kept. What is found are the same merges in the same order, by Müllner's
generic algorithm (2011, arXiv:1109.2378, figure 3): every row knows its nearest neighbour, or a
lower bound of the distance to it.
"""

from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster import hierarchy

Vectors = NDArray[np.float64]  # (vectors, dimension)

_BLOCK = 64  # rows whose distances to all others are computed at once
_MATRIX = 3000  # vectors: below it scipy's matrices take less than 72 MB, and it is faster


def linkage(vectors: Any, method: str = "single", metric: str = "euclidean") -> Vectors:
    """What ``scipy.cluster.hierarchy.linkage`` returns: (vectors - 1, 4).

    Raises ValueError for vectors that hold NaN or infinity, as that does.
    """
    if method != "centroid" or metric != "euclidean" or len(vectors) < _MATRIX:
        scipys: Vectors = hierarchy.linkage(vectors, method=method, metric=metric)
        return scipys
    if not np.isfinite(vectors).all():
        raise ValueError("The vectors must contain only finite values.")
    return _Clusters(np.asarray(vectors, dtype=np.float64)).merged()


def without_matrix(clustering: Any) -> None:
    """Makes a pyannote clustering, and no other, call `linkage` where it calls scipy's."""
    own = type(clustering)
    rebound = {
        name: _rebound(method)
        for base in reversed(own.__mro__)
        for name, method in vars(base).items()
        if isinstance(method, FunctionType) and "linkage" in method.__code__.co_names
    }
    if rebound:
        clustering.__class__ = type(own.__name__, (own,), rebound)


def _rebound(method: FunctionType) -> FunctionType:
    """The same code, for which the name ``linkage`` means ours."""
    known = {**method.__globals__, "linkage": linkage}
    copy = FunctionType(
        method.__code__, known, method.__name__, method.__defaults__, method.__closure__
    )
    copy.__kwdefaults__ = method.__kwdefaults__
    return copy


class _Clusters:
    """Clusters that are merged two by two. Rows of merged ones are dropped now and then."""

    def __init__(self, vectors: Vectors) -> None:
        count = len(vectors)
        self._total = count
        self._centroids = vectors.copy()
        self._squares = np.einsum("ij,ij->i", vectors, vectors)  # infinite where merged away
        self._sizes = np.ones(count)
        self._names = np.arange(count)
        self._nearest = np.zeros(count, dtype=np.intp)
        self._bounds = np.full(count, np.inf)  # squared distance to the nearest, at least
        self._exact = np.ones(count, dtype=np.bool_)
        for start in range(0, count, _BLOCK):
            self._look_at_all(np.arange(start, min(start + _BLOCK, count)))

    def merged(self) -> Vectors:
        """All merges in scipy's form: the two clusters' names, their distance, their size."""
        found = np.empty((self._total - 1, 4))
        rows = self._total
        for step in range(self._total - 1):
            left = self._closest()
            right = int(self._nearest[left])
            distance = np.sqrt(max(float(self._bounds[left]), 0.0))
            names = sorted((self._names[left], self._names[right]))
            found[step] = *names, distance, self._sizes[left] + self._sizes[right]
            self._merge(left, right, self._total + step)
            if self._total - step - 1 < rows // 2:
                self._compact()
                rows = len(self._sizes)
        return found

    def _closest(self) -> int:
        """The row that is nearest to its neighbour."""
        while True:
            row = int(np.argmin(self._bounds))
            if self._exact[row]:
                return row
            self._look(row)

    def _distances(self, row: int) -> NDArray[np.float64]:
        """Squares of the distances from ``row`` to all, infinite to itself and what is gone."""
        own = self._squares - 2 * (self._centroids @ self._centroids[row]) + self._squares[row]
        own[row] = np.inf
        result: NDArray[np.float64] = own
        return result

    def _look(self, row: int) -> None:
        distances = self._distances(row)
        self._nearest[row] = nearest = int(np.argmin(distances))
        self._bounds[row] = distances[nearest]
        self._exact[row] = True

    def _look_at_all(self, rows: NDArray[np.intp]) -> None:
        distances = self._squares - 2 * (self._centroids[rows] @ self._centroids.T)
        distances += self._squares[rows, None]
        distances[np.arange(len(rows)), rows] = np.inf
        self._nearest[rows] = nearest = distances.argmin(axis=1)
        self._bounds[rows] = distances[np.arange(len(rows)), nearest]

    def _merge(self, gone: int, kept: int, name: int) -> None:
        """Puts both into row ``kept``."""
        sizes = self._sizes
        whole = sizes[gone] + sizes[kept]
        self._centroids[kept] *= sizes[kept] / whole
        self._centroids[kept] += self._centroids[gone] * (sizes[gone] / whole)
        self._squares[kept] = self._centroids[kept] @ self._centroids[kept]
        self._squares[gone] = self._bounds[gone] = np.inf
        sizes[kept], self._names[kept] = whole, name
        # Whose neighbour was one of the two has no nearer one among the others: the bound holds.
        self._exact[(self._nearest == gone) | (self._nearest == kept)] = False
        distances = self._distances(kept)
        nearer = distances <= self._bounds
        nearer[gone] = False
        self._nearest[nearer], self._bounds[nearer] = kept, distances[nearer]
        self._exact[nearer] = True
        self._nearest[kept] = nearest = int(np.argmin(distances))
        self._bounds[kept], self._exact[kept] = distances[nearest], True

    def _compact(self) -> None:
        left = np.flatnonzero(np.isfinite(self._squares))
        moved = np.zeros(len(self._squares), dtype=np.intp)
        moved[left] = np.arange(len(left))
        # Rows whose neighbour is gone are not exact, so where they point does not matter.
        self._nearest = moved[self._nearest[left]]
        self._centroids, self._squares = self._centroids[left], self._squares[left]
        self._sizes, self._names = self._sizes[left], self._names[left]
        self._bounds, self._exact = self._bounds[left], self._exact[left]
