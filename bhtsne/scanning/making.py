"""Points, cells of a grid → neighbours once, affinities once for each perplexity, and the maps."""

import time
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from bhtsne import affinities, fitting, initial, jit, optimizer, schedules
from bhtsne.affinities import Gaussian
from bhtsne.fitting.perplexities import effective, warn_if_lowered
from bhtsne.forces.objective import KLDivergence
from bhtsne.neighbors import Neighbors
from bhtsne.optimizer import State
from bhtsne.progress import Progress
from bhtsne.scanning.results import Cell
from bhtsne.validation.graphs import as_perplexities

__all__ = ["Data", "Made", "joint", "lowered", "made", "maps", "neighbors_of", "random_start"]

_THETA = 0.45
_SMALL = 20_000  # points up to which maps are made side by side, each by one thread
_JUDGED = 100  # neighbours that the measures take


class Data(NamedTuple):
    """Points, their metric, and the first seed."""

    X: Any
    metric: Any = "euclidean"
    metric_params: dict | None = None
    random_state: int = 0


class Made(NamedTuple):
    """A map before it is measured, and the time of its optimization."""

    cell: Cell
    Y: np.ndarray
    kl: float
    seconds: float


def lowered(perplexities: list[float], n: int) -> list[float]:
    """Return different perplexities that n points allow; warn of those that are lowered."""
    kind, others = Gaussian(), n - 1
    for one in perplexities:
        warn_if_lowered(one, kind, others, others)
    return list(dict.fromkeys(effective(one, kind, others, others) for one in perplexities))


def neighbors_of(data: Data, perplexities: list[float], progress: Progress) -> Neighbors:
    """Return the neighbours for the largest perplexity, and for the measures."""
    n, kind = data.X.shape[0], Gaussian()
    wanted = max(_JUDGED, *(kind.n_neighbors(one) for one in perplexities))
    with progress.timed("neighbors", {}, n):
        found = fitting.find_neighbors(
            data.X, kind, wanted / 3, metric=data.metric, metric_params=data.metric_params,
            random_state=np.random.RandomState(data.random_state),
        )  # fmt: skip
    assert found is not None
    return found


def maps(data: Data, found: Neighbors, cells: list[Cell], progress: Progress) -> list[Made]:
    """Return the maps of all cells, which are in the order of their perplexities."""
    n = data.X.shape[0]
    together = n <= _SMALL and len(cells) > 1 and jit.n_threads() > 1
    starts: dict[int, np.ndarray] = {}
    tasks, done = [], []
    for perplexity, group in groupby(cells, key=lambda cell: cell.perplexity):
        with progress.timed("affinities", {}, n):
            P = joint(found, perplexity, n)
        for cell in group:
            if cell.seed not in starts:
                starts[cell.seed] = _start(data, P, cell.seed)
            tasks.append((P, starts[cell.seed], cell, cell.seed != data.random_state))
        if not together:  # affinities of large data are held one perplexity at a time
            with progress.timed("optimization", {}):
                done += [made(*task) for task in tasks]
            tasks = []
    if together:
        with progress.timed("optimization", {}):
            done = _side_by_side(tasks)
    return done


def _side_by_side(tasks: list[tuple]) -> list[Made]:
    """Return the maps of tasks, each made by a process of one thread.

    For small data, threads gain little within a map.
    """
    from joblib.externals.loky import get_reusable_executor

    pool = get_reusable_executor(min(jit.n_threads(), len(tasks)))
    try:
        return list(pool.map(partial(made, n_jobs=1), *zip(*tasks, strict=True)))
    finally:
        pool.shutdown(kill_workers=True)  # else they live on for minutes


def joint(found: Neighbors, perplexity: float, n: int) -> sparse.csr_array:
    """Return the joint affinities at a perplexity, from as many neighbours as it takes."""
    kind = Gaussian()
    k = min(kind.n_neighbors(perplexity), found.indices.shape[1])
    nearest = Neighbors(*(np.ascontiguousarray(part[:, :k]) for part in found))
    weighted = affinities.weighted(nearest, n, as_perplexities(perplexity), kind)
    return affinities.joint(weighted)


def _start(data: Data, P: sparse.csr_array, seed: int) -> np.ndarray:
    """Return the usual start for the first seed, and a random one for others."""
    if seed != data.random_state:
        return random_start(data.X.shape[0], seed)
    init = fitting.start_name("auto", fitting.has_points(data.metric))
    return fitting.initial_map(data.X, P, init, 2, np.random.RandomState(seed))


def random_start(n: int, seed: int) -> np.ndarray:
    """Return a random start."""
    return initial.random(n, 2, random_state=np.random.RandomState(seed))


def made(
    P: sparse.csr_array,
    start: np.ndarray,
    cell: Cell,
    is_random: bool,
    *,
    dof: float = 1.0,
    n_jobs: int | None = None,
) -> Made:
    """Return the map of a cell."""
    began = time.perf_counter()
    with jit.threads(n_jobs or jit.n_threads()):
        phases = schedules.phases(
            "fast", len(start), init="random" if is_random else "pca",
            exaggeration=cell.exaggeration, theta=_THETA,
        )  # fmt: skip
        objective = KLDivergence(P, "barnes_hut", _THETA, dof)
        state = State(start, theta=_THETA, dof=dof)
        state = optimizer.run(state, objective, phases, callback_every=10**9)
        kl = state.history[-1].kl if state.history else float("nan")
    if state.stopped == "interrupt":
        raise KeyboardInterrupt
    return Made(cell, state.Y, kl, time.perf_counter() - began)
