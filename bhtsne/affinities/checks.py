"""Neighbours, perplexities and widths → one clear error, or what makes sense."""

import numpy as np

from bhtsne.neighbors.points import (
    as_python_number,
    check_count,
    check_graph,
    checked_array,
    checked_distances,
    checked_reals,
)


def each_perplexity(perplexity) -> list:
    """Return perplexities as a list, of one if it is no sequence."""
    several = isinstance(perplexity, list | tuple | np.ndarray)
    values = checked_reals(perplexity, "perplexity").ravel().tolist() if several else [perplexity]
    if not values:
        raise ValueError(f"perplexity must be a number or more than one, got {perplexity!r}.")
    return values


def check_perplexity(perplexity, n) -> None:
    """Raise ValueError unless a row of n points can have this perplexity."""
    value = as_python_number(perplexity)
    if not _is_number(value) or not 1 <= value < n:
        raise ValueError(
            f"perplexity must be at least 1 and below the number of points, {n}, "
            f"got {perplexity!r}; {max(int(100 * (n - 1) / 3) / 100, 1):.10g} is a sensible most."
        )


def checked_sigma(sigma) -> float:
    """Return how wide a Gaussian is to be, or raise ValueError if none can be."""
    value = as_python_number(sigma)
    if not _is_number(value) or not 0 < value <= float(np.finfo(np.float64).max):
        raise ValueError(f"sigma must be a finite number above 0, got {sigma!r}.")
    return float(value)


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def pair(neighbors) -> tuple[np.ndarray, np.ndarray]:
    """Return indices and distances, arrays of one shape (N, k)."""
    if not isinstance(neighbors, list | tuple) or len(neighbors) != 2:
        raise TypeError(f"neighbors must be indices and distances, a Neighbors, got {neighbors!r}.")
    indices, distances = (checked_array(part, "neighbors") for part in neighbors)
    if indices.ndim != 2 or indices.shape != distances.shape or not indices.size:
        raise ValueError(
            "neighbors must be two arrays of one shape (N, k), got indices of shape "
            f"{indices.shape} and distances of shape {distances.shape}."
        )
    return indices, distances


def checked(neighbors, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return indices int32 and distances float32, infinite where there is no neighbour."""
    indices, distances = pair(neighbors)
    check_count("n", n)
    check_graph(indices, distances, n)
    known = indices >= 0
    distances = checked_distances(np.where(known, distances, np.inf), known, "neighbors")
    return np.ascontiguousarray(indices, np.int32), np.ascontiguousarray(distances)
