"""Neighbours, distances, perplexities and widths → arrays and numbers, or one clear error."""

import numpy as np

from bhtsne.validation.arrays import check_size, checked_array, checked_reals
from bhtsne.validation.numbers import check_count, checked_number

ROUNDING = 1e-6  # of the largest distance: a metric may err by it below 0


def as_perplexities(perplexity) -> list:
    """Return a perplexity, or a sequence of them, as a list."""
    several = isinstance(perplexity, list | tuple | np.ndarray)
    values = checked_reals(perplexity, "perplexity").ravel().tolist() if several else [perplexity]
    if not values:
        raise ValueError(f"perplexity must be a number or more than one, got {perplexity!r}.")
    return values


def check_perplexity(perplexity, n: int) -> None:
    """Raise unless a perplexity is a number from 1 to below the number of points."""
    if not checked_number("perplexity", perplexity) < n:
        raise ValueError(
            f"perplexity must be at least 1 and below the number of points, {n}, "
            f"got {perplexity!r}; {max(int(100 * (n - 1) / 3) / 100, 1):.10g} is a sensible most."
        )


def neighbor_arrays(neighbors) -> tuple[np.ndarray, np.ndarray]:
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


def checked_neighbors(neighbors, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return indices int32 and distances float32, infinite where there is no neighbour."""
    indices, distances = neighbor_arrays(neighbors)
    check_count("n", n)
    check_graph(indices, distances, n)
    known = indices >= 0
    distances = checked_distances(np.where(known, distances, np.inf), known, "neighbors")
    return np.ascontiguousarray(indices, np.int32), np.ascontiguousarray(distances)


def check_graph(indices: np.ndarray, distances: np.ndarray, n: int) -> None:
    """Raise ValueError unless indices are those of n points, or -1 for none, and distances are."""
    rule = f"neighbors' indices must be whole numbers from 0 to {n - 1}, or -1 for none, got"
    if indices.dtype.kind not in "iu":
        raise ValueError(f"{rule} {indices.dtype}.")
    if indices.min() < -1 or indices.max() >= n:
        raise ValueError(f"{rule} {indices.dtype} from {indices.min()} to {indices.max()}.")
    known = distances[indices >= 0] if distances.dtype.kind in "biuf" else np.array([np.nan])
    if not known.min(initial=0) >= -ROUNDING * known.max(initial=0):
        raise ValueError("neighbors' distances must be 0 or more, got a negative one or NaN.")


def checked_distances(distances, known=None, name: str = "X") -> np.ndarray:
    """Return distances as float32, or raise ValueError unless they are such, and it holds them.

    Only those that are `known` are looked at, if it is given.
    """
    where = {} if known is None else {"where": known}  # a selection would be a copy
    least, most = (float(extreme(distances, initial=0, **where)) for extreme in (np.min, np.max))
    if not least >= -ROUNDING * max(most, ROUNDING):
        raise ValueError(f"{name}'s distances by the metric must be at least 0, got {least:g}.")
    check_size(most, name, float(np.finfo(np.float32).max))
    if least < 0:
        distances = np.maximum(distances, 0)
    return distances.astype(np.float32, copy=False)
