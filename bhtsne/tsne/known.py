"""Neighbours that are known already → as many of them as a perplexity asks for, or why not."""

import numpy as np

from bhtsne import neighbors, telling

__all__ = ["known_neighbors", "wanted"]


def wanted(kind: str, perplexity: float) -> int:
    """Return how many neighbours affinities of a kind ask for."""
    return max(int(perplexity if kind == "uniform" else 3 * perplexity), 1)


def known_neighbors(
    found: neighbors.Neighbors, kind: str, perplexity: float
) -> neighbors.Neighbors:
    """Return as many of the nearest neighbours as affinities of a kind ask for."""
    k = wanted(kind, perplexity)
    _check_enough(found.indices[:, :k], kind, perplexity)
    return neighbors.Neighbors(*(np.ascontiguousarray(part[:, :k]) for part in found))


def _check_enough(indices: np.ndarray, kind: str, perplexity: float) -> None:
    """Raise ValueError if neighbours that were given are too few, and warn if they nearly are."""
    want, counts = wanted(kind, perplexity), (indices >= 0).sum(axis=1)
    least, most = int(counts.min()), int(counts.max())
    if least >= want or kind == "fixed_sigma":
        return
    what = f"perplexity {perplexity:g} asks for {want} neighbours, and there are {most}"
    advice = f"a perplexity of {least / 3:.3g} is the most that fits"
    if most <= perplexity:
        raise ValueError(f"{what}; take a perplexity of {most / 3:.3g}, or more neighbours.")
    if least < most:
        few = int((counts < want).sum())
        what = (
            f"{few:,} of {len(counts):,} points have fewer than the {want} neighbours that "
            f"perplexity {perplexity:g} asks for, {least} at the least"
        )
    telling.warn(f"{what}: {advice if least >= 3 else 'give more neighbours'}.")
