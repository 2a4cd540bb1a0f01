"""Points → neighbours → affinities → start → map, each stage a function of explicit arguments.

Arguments have been checked before; what one stage returns, the next takes without another check.
"""

from typing import Any

import numpy as np
from scipy import sparse

from bhtsne import affinities, events, forces, initial, memory, neighbors, optimizer
from bhtsne.affinities import Gaussian, Kind, Uniform
from bhtsne.checkpoint.run import NullCheckpoint
from bhtsne.fitting.known import known_neighbors
from bhtsne.fitting.perplexities import effective, warn_if_lowered
from bhtsne.forces.objective import KLDivergence
from bhtsne.neighbors import Neighbors
from bhtsne.optimizer import State
from bhtsne.progress import Progress
from bhtsne.validation.graphs import as_perplexities

__all__ = [
    "compute_affinities", "find_neighbors", "has_points", "initial_map", "kl_per_point",
    "knows_neighbors", "optimize", "start_name", "takes_all_pairs",
]  # fmt: skip


def has_points(metric: Any, affinities: Any = None) -> bool:
    """Return whether X holds points, and not distances or affinities."""
    words = [one for one in (metric, affinities) if isinstance(one, str)]
    return "precomputed" not in words


def knows_neighbors(X: Any, metric: Any, neighbors: Any) -> bool:
    """Return whether the neighbours are given: as a graph, or as stored distances in X."""
    stored = isinstance(metric, str) and metric == "precomputed" and sparse.issparse(X)
    return stored or not isinstance(neighbors, str | dict)


def takes_all_pairs(kind: Kind, method: str) -> bool:
    """Return whether all pairs of points have affinities, without a search for neighbours."""
    # The joint affinities of all pairs are symmetrized in place, by the mean alone.
    return method == "exact" and isinstance(kind, Gaussian) and kind.symmetrize != "max"


def find_neighbors(
    X: Any,
    kind: Kind,
    perplexity: Any,
    *,
    metric: Any = "euclidean",
    metric_params: dict | None = None,
    search: Any = "auto",
    method: str = "barnes_hut",
    random_state: Any = None,
) -> Neighbors | None:
    """Find the neighbours that a kind of affinities weighs.

    Parameters
    ----------
    X : ndarray or CSR of shape (N, D)
        Checked points, or distances.
    kind : Kind
        Kind of affinities.
    perplexity : float or list of float
        As in `TSNE`.
    metric, metric_params
        As in `TSNE`.
    search : str, dict or graph
        `neighbors` of `TSNE`.
    method : {"barnes_hut", "exact"}
        "exact" takes all other points as neighbours, but for `Uniform`.
    random_state : RandomState or None
        Seed of approximate searches.

    Returns
    -------
    Neighbors or None
        None where `compute_affinities` takes all pairs of points.
    """
    n = X.shape[0]
    if knows_neighbors(X, metric, search):
        if isinstance(search, str | dict):
            k = min(kind.n_neighbors(perplexity), n - 1)
            found = neighbors.search(X, k, metric="precomputed")
        else:
            found = neighbors.given(search, n)
        found = known_neighbors(found, kind, perplexity)
        warn_if_lowered(perplexity, kind, found.indices.shape[1], n - 1)
        return found
    if takes_all_pairs(kind, method):
        return None
    if method == "exact" and not isinstance(kind, Uniform):
        k, search = n - 1, "exact"
    else:
        k = min(kind.n_neighbors(effective(perplexity, kind, n - 1, n - 1)), n - 1)
    found = neighbors.search(
        X, k, metric=metric, metric_params=metric_params, method=search, random_state=random_state
    )
    memory.release()
    return found


def compute_affinities(
    X: Any,
    found: Neighbors | None,
    kind: Kind,
    perplexity: Any,
    *,
    metric: Any = "euclidean",
    metric_params: dict | None = None,
) -> sparse.csr_array:
    """Compute joint affinities P from neighbours, or from all pairs of points.

    Parameters
    ----------
    X : ndarray or CSR of shape (N, D)
        Checked points, or distances.
    found : Neighbors or None
        As `find_neighbors` returns them.
    kind, perplexity, metric, metric_params
        As in `find_neighbors`.

    Returns
    -------
    csr_array of float32, shape (N, N)
        Symmetric; sums to 1.
    """
    n = X.shape[0]
    if found is None:
        perplexity = effective(perplexity, kind, n - 1, n - 1)
        return affinities.all_pairs(X, perplexity, metric=metric, metric_params=metric_params)
    perplexity = effective(perplexity, kind, found.indices.shape[1], n - 1)
    with events.portion(0, 0.4):
        conditional = [affinities.weighted(found, n, as_perplexities(perplexity), kind)]
    with events.portion(0.4, 1):  # `joint` releases the conditional affinities on the way
        return affinities.joint(conditional.pop(), kind.symmetrize or "mean")


def start_name(init: Any, points: bool) -> Any:
    """Return the start for "auto": "pca" for points, "spectral" otherwise; others unchanged."""
    if not isinstance(init, str) or init != "auto":
        return init
    return "pca" if points else "spectral"


def initial_map(X: Any, P: Any, init: Any, n_components: int, random_state: Any) -> np.ndarray:
    """Return the start of the optimization.

    Parameters
    ----------
    X : ndarray or CSR of shape (N, D)
        Checked points, for "pca".
    P : csr_array of shape (N, N)
        Affinities, for "spectral".
    init : {"pca", "spectral", "random"} or array of shape (N, n_components)
        As `start_name` returns it.
    n_components : int
        Dimensions of the map.
    random_state : RandomState
        Generator.

    Returns
    -------
    ndarray of float32, shape (N, n_components)
    """
    if not isinstance(init, str):
        return np.array(init, np.float32)
    if init == "random":
        return initial.random(X.shape[0], n_components, random_state=random_state)
    if init == "spectral":
        return initial.spectral(P, n_components, random_state=random_state)
    return initial.first_components(X, n_components, random_state)


def optimize(
    state: State,
    objective: KLDivergence,
    progress: Progress,
    checkpoint: NullCheckpoint,
    *,
    callbacks: Any = (),
    callback_every: int = 50,
) -> None:
    """Run the phases that a state has left, in place, and save the state on the way.

    Parameters
    ----------
    state : State
        The map, with `left`, the phases to come.
    objective : KLDivergence
        The function that is minimized.
    progress : Progress
        Shows the iterations.
    checkpoint : NullCheckpoint or Checkpoint
        Saves the state every so many iterations, and at the end, however it comes.
    callbacks, callback_every
        As in `TSNE`.
    """
    if state.stopped == "callback":  # a checkpoint of a run that a callback had ended
        return
    progress.expect(sum(phase.n_iter for phase in state.left), state.iteration)

    def after(state: State) -> None:
        progress.advance(state)
        checkpoint.save(state)

    try:
        optimizer.resume(
            state, objective, callbacks=callbacks, callback_every=callback_every, progress=after
        )
    finally:
        checkpoint.save(state, now=True)


def kl_per_point(P: Any, Y: np.ndarray, method: str, theta: float, dof: float) -> np.ndarray:
    """Return the terms of the KL divergence by point, with Z by the method at θ ≤ 0.25."""
    z = forces.repulsion(Y, method=method, theta=min(theta, 0.25), dof=dof).z
    return forces.divergence_per_point(P, Y, z, dof)
