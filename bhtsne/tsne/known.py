"""Neighbours that are known already → as many of them as a perplexity asks for, or why not."""

from typing import Any

import numpy as np

from bhtsne import neighbors, user_warnings

__all__ = ["known_neighbors", "wanted"]


def wanted(kind: str, perplexity: float) -> int:
    """Return how many neighbours affinities of a kind ask for."""
    return max(int(perplexity if kind == "uniform" else 3 * perplexity), 1)


def known_neighbors(found: neighbors.Neighbors, kind: str, perplexity: Any) -> neighbors.Neighbors:
    """Return as many of the nearest neighbours as affinities of a kind ask for."""
    want = wanted(kind, float(np.max(perplexity)))
    counts = (found.indices[:, :want] >= 0).sum(axis=1)
    k = max(int(counts.max()), 1)
    if kind != "fixed_sigma":
        _warn_of_few(counts, want)
    return neighbors.Neighbors(*(np.ascontiguousarray(part[:, :k]) for part in found))


def _warn_of_few(counts: np.ndarray, want: int) -> None:
    """Warn if some points have fewer neighbours than others, and fewer than are wanted."""
    if int(counts.min()) < min(want, int(counts.max())):
        few = int((counts < want).sum())
        user_warnings.warn(
            f"neighbors should have {want} for each point at this perplexity, got fewer for "
            f"{few:,} of {len(counts):,} points, {int(counts.min())} at the least; give more."
        )
