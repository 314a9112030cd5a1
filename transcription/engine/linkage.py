"""Centroid linkage without a matrix of distances.

pyannote clusters the speakers' vectors of all chunks by ``scipy.cluster.hierarchy.linkage``, which
keeps every distance between two of them, twice: for an hour of conversation 1.4 GB, for two hours
four times as much. The distance of two clusters is that of their centroids, so that the centroids
are all that has to be kept. ``fastcluster.linkage_vector`` finds the same merges in the same order
that way, by Müllner's generic algorithm (2011, arXiv:1109.2378); he wrote the library.
"""

from typing import Any

import fastcluster
import numpy as np
from numpy.typing import NDArray
from scipy.cluster import hierarchy

from models.rebinding import rebind

Vectors = NDArray[np.float64]  # (vectors, dimension)

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
    found: Vectors = fastcluster.linkage_vector(
        np.asarray(vectors, dtype=np.float64), method="centroid", metric="euclidean"
    )
    return found


def without_matrix(clustering: Any) -> None:
    """Makes a pyannote clustering, and no other, call `linkage` where it calls scipy's."""
    rebind(clustering, linkage=linkage)
