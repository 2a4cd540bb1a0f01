"""Options and size of the data → bytes that each stage of a fit needs, and a check of them."""

from typing import Any

import numpy as np
from scipy import sparse

from bhtsne import jit, memory, neighbors
from bhtsne.affinities import Uniform
from bhtsne.affinities.kinds import are_given, as_kind
from bhtsne.affinities.pairwise import check_memory as check_memory_of_pairs
from bhtsne.fitting import memory_needs
from bhtsne.fitting.perplexities import effective
from bhtsne.fitting.stages import has_points, knows_neighbors, start_name, takes_all_pairs
from bhtsne.validation.arrays import read_in_place

__all__ = ["check_memory", "needed_memory"]


def needed_memory(model: Any, X: Any) -> dict[str, float]:
    """Return the bytes by stage, see `TSNE.needed_memory`."""
    if are_given(model.affinities):
        return {}
    n, kind = X.shape[0], as_kind(model.affinities, model.perplexity)
    points = has_points(model.metric, model.affinities)
    search, k = _search(model, X, kind, points)
    init = start_name(model.init, points) if isinstance(model.init, str) else "given"
    stored = -(-X.nnz // n) if sparse.issparse(X) else X.shape[1]
    return memory_needs.of_fit(
        n, stored, k, search=search, init=init, n_components=model.n_components,
        scales=np.size(model.perplexity), threads=jit.n_threads(), in_place=read_in_place(X),
    )  # fmt: skip


def _search(model: Any, X: Any, kind: Any, points: bool) -> tuple[str, int]:
    """Return the search that a fit would take, and its number of neighbours."""
    n, search = X.shape[0], model.neighbors
    k = min(kind.n_neighbors(_largest(model, n)), n - 1)
    if isinstance(search, dict):
        search = search.get("method", "pynndescent")
    if knows_neighbors(X, model.metric, model.neighbors) or not points:
        search = "given"
    elif model.method == "exact" and not isinstance(kind, Uniform):
        k, search = n - 1, "exact"
    elif search == "auto":
        search = neighbors.suitable(X, model.metric, model.metric_params)
    if search == "exact" and not neighbors.is_euclidean(X, model.metric, model.metric_params):
        search = "brute"
    return search, k


def _largest(model: Any, n: int) -> float:
    """Return the largest effective perplexity among n points."""
    kind = as_kind(model.affinities, model.perplexity)
    return float(np.max(effective(model.perplexity, kind, n - 1, n - 1)))


def check_memory(model: Any, X: Any) -> None:
    """Raise MemoryError before anything is computed if a stage needs more than can be had."""
    n, kind = X.shape[0], as_kind(model.affinities, model.perplexity)
    known = are_given(model.affinities) or knows_neighbors(X, model.metric, model.neighbors)
    all_pairs = model.method == "exact" and not isinstance(kind, Uniform) and not known
    if not known and takes_all_pairs(kind, model.method):
        check_memory_of_pairs(n)
        return
    remedy = (
        'take fewer points, or method="barnes_hut", whose memory grows with N'
        if all_pairs
        else "take a smaller perplexity, with which it grows, or fit fewer points and place "
        "the others by transform"
    )
    for stage, need in needed_memory(model, X).items():
        memory.check(
            need, f"The {stage} of {n:,} points at perplexity {_largest(model, n):g}", remedy
        )
