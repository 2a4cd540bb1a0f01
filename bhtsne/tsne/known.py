"""Neighbours that are known already → as many of them as a perplexity asks for, or why not."""

from typing import Any

import numpy as np

from bhtsne import neighbors, telling

__all__ = ["known_neighbors", "wanted"]


def wanted(kind: str, perplexity: float) -> int:
    """Return how many neighbours affinities of a kind ask for."""
    return max(int(perplexity if kind == "uniform" else 3 * perplexity), 1)


def known_neighbors(graph: Any, X: Any, kind: str, perplexity: Any) -> neighbors.Neighbors:
    """Return the nearest neighbours of a graph, or of distances stored in X if that is None."""
    n, k = X.shape[0], wanted(kind, float(np.max(perplexity)))
    if graph is None:
        found = neighbors.find(X, min(k, n - 1), metric="precomputed")
    else:
        found = neighbors.given(graph, n)
    counts = (found.indices[:, :k] >= 0).sum(axis=1)
    k = max(int(counts.max()), 1)
    if kind != "fixed_sigma":
        _warn_of_few(counts, wanted(kind, float(np.max(perplexity))))
    return neighbors.Neighbors(*(np.ascontiguousarray(part[:, :k]) for part in found))


def _warn_of_few(counts: np.ndarray, want: int) -> None:
    """Warn if some points have fewer neighbours than others, and fewer than are wanted."""
    if int(counts.min()) < min(want, int(counts.max())):
        few = int((counts < want).sum())
        telling.warn(
            f"neighbors should have {want} for each point at this perplexity, got fewer for "
            f"{few:,} of {len(counts):,} points, {int(counts.min())} at the least; give more."
        )
