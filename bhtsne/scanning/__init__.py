"""Points → maps at several perplexities, exaggerations and seeds, from one search: `scan`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bhtsne import interrupts, jit
from bhtsne.fitting.perplexities import check_below_points
from bhtsne.progress import Progress
from bhtsne.scanning import making
from bhtsne.scanning.advice import advice
from bhtsne.scanning.judging import agreement, measured
from bhtsne.scanning.results import Cell, Scan, ScannedMap
from bhtsne.scanning.spectrum import Spectrum, spectrum
from bhtsne.tables.frames import as_points
from bhtsne.validation.numbers import check_count, check_metric, checked_number

__all__ = ["Cell", "Scan", "ScannedMap", "Spectrum", "scan", "spectrum"]

_USUAL = (5.0, 15.0, 30.0, 100.0)  # perplexities


@interrupts.interruptible
def scan(
    X: Any,
    *,
    perplexity: Any = None,
    exaggeration: Any = 1.0,
    seeds: int = 1,
    metric: Any = "euclidean",
    metric_params: dict | None = None,
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: bool = False,
) -> Scan:
    """Make maps for all combinations of parameters, and measure and compare them.

    Neighbours are found once, for the largest perplexity, and affinities once for each. The first
    seed has the usual start; each further one has a random start, so that what recurs between seeds
    does not come from the start.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points.
    perplexity : float, sequence of float or None
        Perplexities; None is 5, 15, 30 and 100, without those above a third of the other points.
        A larger one is lowered to this third, with a warning.
    exaggeration : float or sequence of float
        Factors of the attraction after early exaggeration.
    seeds : int
        Number of seeds.
    metric : str or callable
        Metric of X, as in `neighbors.find`.
    metric_params : dict, optional
        Parameters of the metric by name.
    random_state : int
        The first seed; the others follow it.
    n_jobs : int or None
        Threads; None is all.
    verbose : bool
        Show progress bars on stderr.

    Returns
    -------
    Scan
        The maps, aligned with each other, with their measures, and advice that follows from these.

    Raises
    ------
    ValueError
        If a parameter is out of range, or X is not finite.

    Examples
    --------
    >>> from bhtsne import datasets, scan
    >>> result = scan(datasets.digits().X[:200], perplexity=[5, 30], seeds=2)
    >>> [(one.cell.perplexity, one.cell.seed) for one in result.maps]
    [(5.0, 0), (5.0, 1), (30.0, 0), (30.0, 1)]
    >>> 0 < result.agreement[0].share < 1
    True
    """
    X = as_points(X)
    check_metric(metric, metric_params)
    check_count("seeds", seeds)
    check_count("random_state", random_state, 0)
    perplexities = _listed("perplexity", _usual(X.shape[0]) if perplexity is None else perplexity)
    exaggerations = _listed("exaggeration", exaggeration)
    for one in perplexities:
        check_below_points(one, X.shape[0])
    perplexities = making.lowered(perplexities, X.shape[0])
    cells = [
        Cell(p, e, seed)
        for p in perplexities
        for e in exaggerations
        for seed in range(random_state, random_state + seeds)
    ]
    with jit.threads(n_jobs), Progress(verbose) as progress:
        data = making.Data(X, metric, metric_params, random_state)
        found = making.neighbors_of(data, perplexities, progress)
        made = making.maps(data, found, cells, progress)
        maps = measured(data, found, made, progress)
        agreements = agreement(maps, progress) if seeds > 1 else []
    return Scan(maps, agreements, advice(maps, agreements), found)


def _usual(n: int) -> list[float]:
    """Return the usual perplexities that n points allow."""
    most = (n - 1) / 3
    return [p for p in _USUAL if p <= most] or [max(most, 1.0)]


def _listed(name: str, values: Any) -> list[float]:
    """Return one number, or several, as a list of different ones in their order."""
    several = list(values) if isinstance(values, Sequence | np.ndarray) else [values]
    if not several or isinstance(values, str):
        raise ValueError(f"{name} must be a number or several, got {values!r}.")
    return list(dict.fromkeys(float(checked_number(name, one)) for one in several))
