"""How many people talk, and which piece is whose: clusters of the pieces' vectors.

Vectors of short pieces are less alike than those of long ones, also of one person. So similarities
are divided by what they would be for one person, as the correction for attenuation does it
(Spearman 1904), before anything is decided by them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

Vectors = NDArray[np.float64]  # (pieces, dimension), of length 1
Labels = NDArray[np.intp]

# The similarity of two long pieces of one person, and the seconds of which half is noise: fitted
# to pairs of pieces in conversations that nothing was measured by.
_ALIKE: Final = 0.96
_HALF: Final = 0.48
_SURE: Final = 0.8  # seconds; shorter pieces have no say in how many people there are
_FEWEST: Final = 1.0  # seconds that a person talks, at least
_ENOUGH: Final = 4.0  # seconds that are enough in any recording
_MOST: Final = 3000  # pieces whose similarities are all held: 70 MB
_ONE_VOICE: Final = 0.93  # similarity of clusters that nobody would tell apart
_SHORTEST: Final = 0.2  # seconds; no piece is shorter
_ROUNDS: Final = 2  # in which pieces go to the nearest person


@dataclass(frozen=True, slots=True)
class Rule:
    """When two are one person: ``similarity``; and who counts: ``share`` of all speech.

    ``least`` and ``most`` bound the number of people, as far as there are pieces.
    """

    similarity: float
    share: float
    least: int = 1
    most: float = math.inf


def tell_apart(
    vectors: Vectors, seconds: NDArray[np.float64], rule: Rule
) -> tuple[Labels, Vectors]:
    """A person's number for every piece, and a vector for every person."""
    sure = np.flatnonzero(seconds >= _SURE)
    sure = sure if len(sure) else np.arange(len(seconds))
    sure = sure[:: -(-len(sure) // _MOST)]
    enough = min(max(_FEWEST, rule.share * float(seconds.sum())), _ENOUGH)
    own, lengths = vectors[sure], seconds[sure]
    clusters = _clusters(own, lengths, rule, enough)
    people = _means(own, lengths, clusters)
    for _ in range(_ROUNDS):
        people = _means(own, lengths, _nearest(own, people), people)
    return _nearest(vectors, people), people


def _clusters(vectors: Vectors, seconds: NDArray[np.float64], rule: Rule, enough: float) -> Labels:
    """Clusters of pieces; -1 for those of clusters too small to be a person."""
    if len(vectors) == 1:
        return np.zeros(1, dtype=np.intp)
    tree = linkage(squareform(_distances(vectors, seconds), checks=False), method="average")
    found = _large(fcluster(tree, 2 - rule.similarity, "distance"), seconds, enough)
    count = found.max() + 1
    wanted = int(min(max(count, rule.least), rule.most, len(vectors)))
    return found if count == wanted else _cut(tree, seconds, wanted, enough)


def _cut(tree: Vectors, seconds: NDArray[np.float64], wanted: int, enough: float) -> Labels:
    """The fewest clusters of which ``wanted`` are large; smaller ones rather than one voice cut."""
    most = max(wanted, 1 + int((tree[:, 2] > 2 - _ONE_VOICE).sum()))
    while enough > _SHORTEST:
        for number in range(wanted, most + 1):
            found = _large(fcluster(tree, number, "maxclust"), seconds, enough)
            if found.max() + 1 == wanted:
                return found
        enough /= 2
    return _large(fcluster(tree, wanted, "maxclust"), seconds, 0.0)


def _distances(vectors: Vectors, seconds: NDArray[np.float64]) -> Vectors:
    """Two less the corrected similarity, which may be more than 1."""
    trust = np.sqrt(_ALIKE * seconds / (seconds + _HALF))
    distances: Vectors = np.maximum(0.0, 2 - (vectors @ vectors.T) / np.outer(trust, trust))
    np.fill_diagonal(distances, 0.0)
    return distances


def _large(clusters: Labels, seconds: NDArray[np.float64], enough: float) -> Labels:
    """``clusters`` numbered anew, those of fewer than ``enough`` seconds as -1; never all."""
    _, clusters = np.unique(clusters, return_inverse=True)
    total = np.bincount(clusters, weights=seconds)
    kept = total >= min(enough, total.max())
    return np.where(kept, np.cumsum(kept) - 1, -1)[clusters]


def _means(
    vectors: Vectors, seconds: NDArray[np.float64], labels: Labels, before: Vectors | None = None
) -> Vectors:
    """Unit vectors of the labels' means; that of ``before`` where nothing has the label."""
    count = labels.max() + 1 if before is None else len(before)
    sums = np.zeros((count, vectors.shape[1])) if before is None else before * 1e-6
    for label in range(count):
        chosen = labels == label
        sums[label] += seconds[chosen] @ vectors[chosen]
    means: Vectors = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return means


def _nearest(vectors: Vectors, people: Vectors) -> Labels:
    labels: Labels = (vectors @ people.T).argmax(axis=1)
    return labels
