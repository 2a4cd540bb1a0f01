"""P → eigenvectors of the Laplacian, of each connected component of the graph on its own."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from bhtsne import jit

# Tolerance of the eigenvalues, which crowd below 1. A coarser one is faster, but from 1e-2 on the
# axes of MNIST are others.
_TOLERANCE = 1e-5
_GOLDEN = np.pi * (3 - np.sqrt(5))


def parts(P: sparse.csr_array, n_components: int, rng) -> np.ndarray:
    """Return a layout of the graph's connected components, float64 of shape (N, n_components).

    The eigenvectors of a graph that is not connected are constant on each component. Each component
    therefore gets its own eigenvectors, and an area in proportion to its number of points.
    """
    count, labels = connected_components(P, directed=False)
    if count == 1:
        return eigenvectors(P, n_components, rng)
    sizes = np.bincount(labels)
    reach = (sizes / sizes.max()) ** (1 / n_components)
    centers = _around(sizes, n_components)
    Y = np.empty((P.shape[0], n_components))
    for part in range(count):
        mine = np.flatnonzero(labels == part)
        spread = eigenvectors(P[mine][:, mine], n_components, rng)
        Y[mine] = centers[part] + reach[part] * spread / np.abs(spread).max()
    return Y


def eigenvectors(P: sparse.csr_array, n_components: int, rng) -> np.ndarray:
    """Return the first eigenvectors of the Laplacian of a connected graph but the constant one.

    They are ``D^-1/2 v`` for the eigenvectors v of the largest eigenvalues of
    ``D^-1/2 P D^-1/2``, with D the sums of the rows (Belkin & Niyogi 2003; Shi & Malik 2000). A
    graph of too few points for the solver gets noise.
    """
    n = P.shape[0]
    if n < n_components + 3:
        return rng.normal(size=(n, n_components))
    root = np.sqrt(P.sum(axis=1, dtype=np.float64))
    walk = sparse.csr_array(P, dtype=np.float64).multiply(1 / np.outer(root, [1.0])).tocsr()
    walk = walk.multiply(1 / root[None]).tocsr()
    start = rng.normal(size=n)

    def solve(*_):
        return eigsh(walk, n_components + 1, which="LA", v0=start, tol=_TOLERANCE, maxiter=1000)

    try:
        # On one thread of BLAS, so that the bits do not depend on the number of threads.
        values, vectors = jit.map_blocks(solve, 1, 1)[0]
    except ArpackNoConvergence:
        raise ArithmeticError(
            f"The eigenvectors of a weakly connected graph of {n} points did not converge; "
            'take init="pca" or "random".'
        ) from None
    vectors = vectors[:, np.argsort(-values)][:, 1:] / root[:, None]
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(n_components)]
    return vectors * np.sign(largest) / np.abs(largest)


def _around(sizes: np.ndarray, d: int) -> np.ndarray:
    """Return centres of discs of these areas on Vogel's spiral, the largest in the middle."""
    order = np.argsort(-sizes, kind="stable")
    before = np.cumsum(sizes[order]) - sizes[order]
    radius = 2 * (before / sizes.max()) ** (1 / min(d, 2))
    places = np.zeros((len(sizes), d))
    if d == 1:
        places[order, 0] = radius
        return places
    turn = _GOLDEN * np.arange(len(sizes))
    places[order, 0], places[order, 1] = radius * np.cos(turn), radius * np.sin(turn)
    return places
