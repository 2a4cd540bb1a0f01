"""Points → maps along the exaggeration, from Laplacian eigenmaps to t-SNE: `spectrum`."""

from typing import Any, NamedTuple

import numpy as np

from bhtsne import initial, interrupts, jit, optimizer
from bhtsne.fitting.perplexities import DEFAULT, check_below_points
from bhtsne.forces.objective import KLDivergence
from bhtsne.optimizer import Phase, State
from bhtsne.progress import Progress
from bhtsne.scanning import making
from bhtsne.tables.frames import as_points
from bhtsne.validation.numbers import check_count, checked_number

__all__ = ["Spectrum", "spectrum"]

_FIRST_ITERATIONS = 200  # at the largest exaggeration
_THETA = 0.45


class Spectrum(NamedTuple):
    """Maps of the same points, from much attraction to little.

    Attributes
    ----------
    exaggerations : list of float
        Exaggeration of each map, falling.
    maps : list of ndarray of float32, shape (N, 2)
        The maps.
    """

    exaggerations: list[float]
    maps: list[np.ndarray]


@interrupts.interruptible
def spectrum(
    X: Any,
    *,
    perplexity: float = DEFAULT,
    largest: float = 30.0,
    steps: int = 24,
    n_iter: int = 60,
    metric: Any = "euclidean",
    metric_params: dict | None = None,
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: bool = False,
) -> Spectrum:
    """Make maps at falling exaggeration, each from the one before.

    At large exaggeration the map is close to Laplacian eigenmaps, at about 4 to that of UMAP, and
    at 1 it is that of t-SNE: the spectrum of attraction and repulsion of Böhm, Berens & Kobak 2022.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points.
    perplexity : float
        As in `TSNE`.
    largest : float
        Exaggeration of the first map, above 1.
    steps : int
        Number of maps, at least 2. Their exaggerations are evenly spaced on a logarithmic scale.
    n_iter : int
        Iterations for each map after the first.
    metric, metric_params, random_state, n_jobs, verbose
        As in `scan`.

    Returns
    -------
    Spectrum
        The maps and their exaggerations.

    Raises
    ------
    ValueError
        If a parameter is out of range, or X is not finite.

    Examples
    --------
    >>> from bhtsne import datasets, scanning
    >>> result = scanning.spectrum(datasets.digits().X[:200], steps=4)
    >>> [round(one, 1) for one in result.exaggerations]
    [30.0, 9.7, 3.1, 1.0]
    """
    X = as_points(X)
    perplexity = float(checked_number("perplexity", perplexity))
    check_below_points(perplexity, X.shape[0])
    (perplexity,) = making.lowered([perplexity], X.shape[0])
    check_count("steps", steps, 2)
    check_count("n_iter", n_iter)
    if not largest > 1:
        raise ValueError(f"largest must be above 1, got {largest!r}.")
    n = X.shape[0]
    factors = np.geomspace(float(checked_number("exaggeration", largest)), 1, steps).tolist()
    with jit.threads(n_jobs), Progress(verbose) as progress:
        data = making.Data(X, metric, metric_params, random_state)
        found = making.neighbors_of(data, [perplexity], progress)
        with progress.timed("affinities", {}, n):
            P = making.joint(found, perplexity, n)
        with progress.timed("initial", {}, n):
            start = initial.spectral(P, 2, random_state=np.random.RandomState(random_state))
        with progress.timed("optimization", {}):
            return Spectrum(factors, _followed(P, start, factors, n_iter))


def _followed(P: Any, start: np.ndarray, factors: list[float], n_iter: int) -> list[np.ndarray]:
    """Return the map at each exaggeration, each optimised from the one before."""
    state, objective = State(start, theta=_THETA, dof=1.0), KLDivergence(P, "barnes_hut", _THETA, 1)
    maps = []
    for i, factor in enumerate(factors):
        phase = Phase(n_iter if i else _FIRST_ITERATIONS, factor)
        optimizer.run(state, objective, [phase], callback_every=10**9)
        if state.stopped == "interrupt":
            raise KeyboardInterrupt
        maps.append(state.Y)
    return maps
