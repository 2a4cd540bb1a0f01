"""Neighbours, perplexities and widths → one clear error, or what makes sense."""

from numbers import Real

import numpy as np


def check_perplexity(perplexity, n) -> None:
    """Raise ValueError unless a row of n points can have this perplexity."""
    if not 1 <= perplexity < n:
        raise ValueError(
            f"perplexity must be at least 1 and below the number of points, {n}, "
            f"got {perplexity!r}; a third of the number of points is a sensible most."
        )


def checked_sigma(sigma) -> float:
    """Return how wide a Gaussian is to be, or raise ValueError if none can be."""
    if not isinstance(sigma, Real) or not 0 < float(sigma) < np.inf:
        raise ValueError(f"sigma must be a finite number above 0, got {sigma!r}.")
    return float(sigma)


def checked(neighbors, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return indices int32 and distances float32, infinite where there is no neighbour."""
    indices = np.ascontiguousarray(neighbors[0])
    distances = np.ascontiguousarray(neighbors[1], np.float32)
    if indices.ndim != 2 or indices.shape != distances.shape or not indices.size:
        raise ValueError(
            "Neighbours must be two arrays of one shape (N, k), got indices of shape "
            f"{indices.shape} and distances of shape {distances.shape}."
        )
    if indices.dtype.kind not in "iu" or indices.min() < -1 or indices.max() >= n:
        raise ValueError(
            f"Neighbours' indices must be whole numbers from 0 to {n - 1}, or -1 for "
            f"none, got {indices.dtype} from {indices.min()} to {indices.max()}."
        )
    if not (distances[indices >= 0] >= 0).all():
        raise ValueError("Neighbours' distances must be 0 or more, got a negative one or NaN.")
    return indices.astype(np.int32, copy=False), np.where(indices < 0, np.inf, distances)
