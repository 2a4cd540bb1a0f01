"""Neighbours that are given → as many as a perplexity takes, with a warning for rows with fewer."""

from typing import Any

import numpy as np

from bhtsne import user_warnings
from bhtsne.affinities import FixedSigma, Kind
from bhtsne.neighbors import Neighbors

__all__ = ["known_neighbors"]


def known_neighbors(found: Neighbors, kind: Kind, perplexity: Any) -> Neighbors:
    """Return as many of the nearest neighbours as a kind of affinities takes."""
    want = kind.n_neighbors(perplexity)
    counts = (found.indices[:, :want] >= 0).sum(axis=1)
    k = max(int(counts.max()), 1)
    if not isinstance(kind, FixedSigma):
        _warn_of_few(counts, want)
    return Neighbors(*(np.ascontiguousarray(part[:, :k]) for part in found))


def _warn_of_few(counts: np.ndarray, want: int) -> None:
    """Warn if some points have fewer neighbours than others, and fewer than are wanted."""
    if int(counts.min()) < min(want, int(counts.max())):
        few = int((counts < want).sum())
        user_warnings.warn(
            f"neighbors should have {want} for each point at this perplexity, got fewer for "
            f"{few:,} of {len(counts):,} points, {int(counts.min())} at the least; give more."
        )
