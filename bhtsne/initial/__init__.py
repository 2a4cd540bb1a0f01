"""X or P → Y₀: the start of the optimisation by PCA, by eigenvectors, at random, or from a map."""

from numbers import Integral

import numpy as np

from bhtsne import affinities
from bhtsne.initial import components
from bhtsne.tables.frames import as_points, as_table
from bhtsne.validation.numbers import as_python_number, check_count, checked_random_state

__all__ = ["pca", "principal_components", "random", "rescale", "spectral"]

# Standard deviation of the first axis. It is small, so that points can pass each other at the
# beginning (Kobak & Berens 2019).
SD = 1e-4

_WIDEST = 1e6  # limit of a map


def pca(X, n_components: int = 2, *, random_state=None) -> np.ndarray:
    """Start from the first principal components (Kobak & Berens 2019).

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points.
    n_components : int
        Dimensions of the map. Components that the data lack, or in which they are constant, are
        filled with noise a hundred times smaller: an axis of zeros would stay 0 for ever.
    random_state : int, RandomState or None
        Seed of this noise, and of the iterative solver for more than 2,000 features.

    Returns
    -------
    ndarray of float32, shape (N, n_components)
        Centred map; the standard deviation of the first axis is 1e-4. Equal at any number of
        threads.

    Raises
    ------
    ValueError
        If X is not a table of finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import initial
    >>> Y = initial.pca(np.random.default_rng(0).normal(size=(100, 5)))
    >>> Y.shape, round(float(Y[:, 0].std()), 6)
    ((100, 2), 0.0001)
    """
    X, rng = as_points(X), checked_random_state(random_state)
    check_count("n_components", n_components)
    return first_components(X, n_components, rng)


def first_components(X, n_components: int, rng: np.random.RandomState) -> np.ndarray:
    """Start as `pca` does, from points that have been checked."""
    n = X.shape[0]
    Y = np.zeros((n, n_components))
    scores = components.scores(X, min(n_components, *X.shape), rng)
    scores = scores - scores[0]  # makes constant data exactly 0
    scores -= scores.mean(axis=0)
    spread = np.zeros(n_components)
    spread[: scores.shape[1]] = scores.std(axis=0)
    # A component below the rounding of float32 data holds no information.
    flat = spread <= 1e-6 * spread.max()
    if flat.all():
        return random(n, n_components, random_state=rng)
    Y[:, : scores.shape[1]] = scores * (SD / spread.max())
    Y[:, flat] = rng.normal(scale=SD / 100, size=(n, int(flat.sum())))
    return Y.astype(np.float32)


def random(n: int, n_components: int = 2, *, random_state=None) -> np.ndarray:
    """Start from Gaussian noise of standard deviation 1e-4 (van der Maaten & Hinton 2008).

    Parameters
    ----------
    n : int
        Number of points.
    n_components : int
        Dimensions of the map.
    random_state : int, RandomState or None
        Seed.

    Returns
    -------
    ndarray of float32, shape (n, n_components)
        Map; equal for equal seeds.

    Examples
    --------
    >>> from bhtsne import initial
    >>> initial.random(5, random_state=0).shape
    (5, 2)
    """
    check_count("n", n)
    check_count("n_components", n_components)
    rng = checked_random_state(random_state)
    return rng.normal(scale=SD, size=(n, n_components)).astype(np.float32)


def spectral(P, n_components: int = 2, *, random_state=None) -> np.ndarray:
    """Start from the eigenvectors of the affinities' Laplacian (Belkin & Niyogi 2003).

    This is the limit of t-SNE at very strong exaggeration (Linderman & Steinerberger 2019).
    Connected components of the graph are placed beside each other, each with its own eigenvectors.

    Parameters
    ----------
    P : csr_array of shape (N, N)
        Joint affinities.
    n_components : int
        Dimensions of the map.
    random_state : int, RandomState or None
        Seed of the solver's first vector.

    Returns
    -------
    ndarray of float32, shape (N, n_components)
        Centred map; the standard deviation of the first axis is 1e-4. Equal at any number of
        threads.

    Raises
    ------
    ValueError
        If P is not a matrix of affinities.
    ArithmeticError
        If the eigenvectors do not converge.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import affinities, initial, neighbors
    >>> X = np.linspace(0, 1, 100)[:, None]
    >>> P = affinities.perplexity(neighbors.find(X, 15), 5)
    >>> Y = initial.spectral(P, 1, random_state=0)
    >>> wave = np.cos(np.pi * X[:, 0])  # the slowest wave along a line
    >>> bool(abs(np.corrcoef(Y[:, 0], wave)[0, 1]) > 0.99)
    True
    """
    from bhtsne.initial import eigenmap  # whose solver is slow to import, and no default

    P = affinities.given(P)
    P.eliminate_zeros()  # an affinity of 0 is no edge
    check_count("n_components", n_components)
    return rescale(eigenmap.parts(P, n_components, checked_random_state(random_state)))


def rescale(Y, sd: float = SD) -> np.ndarray:
    """Centre a map and shrink it, to make it a start.

    Parameters
    ----------
    Y : array_like of shape (N, d)
        Any map.
    sd : float
        Standard deviation of the widest axis of the result (Kobak & Berens 2019).

    Returns
    -------
    ndarray of float32, shape (N, d)
        The map, moved and scaled.

    Raises
    ------
    ValueError
        If Y is not finite, or all its points coincide.

    Examples
    --------
    >>> from bhtsne import initial
    >>> initial.rescale([[0.0, 5.0], [2.0, 5.0]], sd=1.0)
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """
    width = as_python_number(sd)
    if not isinstance(width, int | float) or isinstance(width, bool) or not 0 < width <= _WIDEST:
        raise ValueError(f"sd must be above 0 and at most {_WIDEST:g}, got {sd!r}.")
    Y = as_table(Y, name="Y")
    Y = Y - Y[0]  # makes coincident points exactly 0
    Y -= Y.mean(axis=0)
    widest = Y.std(axis=0).max()
    if not widest > 0:
        raise ValueError("Y must not have all its points on one spot: they could never part.")
    return (Y * (width / widest)).astype(np.float32)


def principal_components(X, n_components: int, *, random_state=None) -> np.ndarray:
    """Project points onto their first principal components.

    They are the eigenvectors of the covariance (Hotelling 1933), which is computed up to 2,000
    features. Beyond, a solver iterates on products with it; CSR stays sparse.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points.
    n_components : int
        Number of components, at most min(N, D).
    random_state : int, RandomState or None
        Seed of the iterative solver.

    Returns
    -------
    ndarray of float32, shape (N, n_components)
        Coordinates on the components. The largest weight of each axis is positive. Equal at any
        number of threads.

    Raises
    ------
    ValueError
        If n_components is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import initial
    >>> initial.principal_components(np.eye(4), 2).shape
    (4, 2)
    """
    X = as_points(X)
    if not isinstance(n_components, Integral) or not 1 <= n_components <= min(X.shape):
        raise ValueError(
            "n_components must be a whole number within 1 … min(N, D) = "
            f"{min(X.shape)}, got {n_components!r}."
        )
    largest = float(np.finfo(np.float32).max)
    scores = components.scores(X, n_components, checked_random_state(random_state))
    if not np.abs(scores).max() <= largest:
        raise ValueError(
            f"X's components must fit into float32, got {np.abs(scores).max():g}; divide X by its "
            "maximum."
        )
    return scores.astype(np.float32)
