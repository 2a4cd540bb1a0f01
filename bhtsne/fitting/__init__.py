"""X → map: the stages of a fit as functions with explicit arguments.

`find_neighbors` → `compute_affinities` → `initial_map` → `optimize`; the estimators compose them.
"""

from bhtsne.fitting.stages import (
    compute_affinities,
    find_neighbors,
    has_points,
    initial_map,
    kl_per_point,
    optimize,
    start_name,
)

__all__ = [
    "compute_affinities",
    "find_neighbors",
    "has_points",
    "initial_map",
    "kl_per_point",
    "optimize",
    "start_name",
]
