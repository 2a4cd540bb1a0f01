"""Numbers of points and neighbours, options of a fit → bytes that each stage needs.

The terms are the arrays of a stage at its peak; `bench/memory.py` compares them with measurements.
`d` is the number of features, or of stored entries of a sparse point; `k` is the number of
neighbours of a point, `e` the number of entries in its row of P.
"""

import numpy as np

from bhtsne.initial.components import COVARIANCE_FEATURES
from bhtsne.neighbors import TREE_FEATURES, pairs

_EDGES = 1.65  # e / k: 1.5 to 1.75 for 10 to 300 features, 1.3 for 4
_FIXED = 14 << 20  # buffers of the threads, and freed memory that `memory.release` cannot return


def of_neighbors(
    n: int, d: int, k: int, search: str, threads: int = 1, in_place: bool = False
) -> float:
    """Return the bytes of a search for neighbours, of points in memory or in a memory map."""
    if search == "exact" and d <= TREE_FEATURES:
        return n * (34.0 * k + 24 * d)
    if search == "exact":
        width = d if pairs.whole_distances(n, d, in_place) else pairs.AXES[-1]  # of two tables
        return n * max(19.3 * k + 24, 7.3 * k + 8 * width) + _FIXED * threads
    if search == "forest":
        width = np.ceil(np.sqrt(50 * k))  # of the graph before the last round
        return n * (20 * k + 8 * width + (0 if in_place else 4 * d)) + 2 * _FIXED
    if search == "pynndescent":
        return n * (32 * k + 20 * d)
    # Blocks of distances by other metrics, and given graphs.
    return n * (24.0 * k + 8 * d) + _FIXED * (threads if search == "brute" else 1)


def of_fit(
    n: int, d: int, k: int, *, search: str, init: str, n_components: int, scales: int = 1,
    threads: int = 1, in_place: bool = False,
) -> dict[str, float]:  # fmt: skip
    """Return the bytes of each stage of a fit by neighbours, with the results of earlier stages."""
    e = min(_EDGES * k, n - 1)
    found, P, maps = 8.0 * n * k, 8.0 * n * e, 4.0 * n * n_components
    start = 8 * maps
    if init == "spectral":
        start += 32.0 * n * e
    elif init == "pca":
        start += 20.0 * threads * min(n, 2048) * d
        start += 24 * d**2 if d <= COVARIANCE_FEATURES else 0
    # P stays beside its larger affinities and a copy of these in another order.
    left = found + _FIXED
    return {
        "neighbors": of_neighbors(n, d, k, search, threads, in_place),
        "affinities": left + n * max(16.0 * k + 8 * e, 4.0 * (scales + 4) * k),
        "initial": left + P + start,
        "optimization": left + 2.3 * P + 16 * maps + 40 * n,
    }
