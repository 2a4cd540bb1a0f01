"""P → Laplacian eigenvectors, each connected part of the graph on its own."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from bhtsne import jit

# Of the eigenvalues, which crowd below 1: the two axes of 70,000 of MNIST correlate with those at
# 1e-7 by 1 − 2e-8 at 1e-5, .999 at 1e-3 and .14 at 1e-2; they take 3.6, 2.5, 1.8 and 1.2 s.
_TOLERANCE = 1e-5
_GOLDEN = np.pi * (3 - np.sqrt(5))


def parts(P: sparse.csr_array, n_components: int, rng) -> np.ndarray:
    """Return a layout of the graph's connected parts, float64 of shape (N, n_components).

    Each part is spread by its own eigenvectors, since those of the whole would leave each of them
    on one spot, and is given room in proportion to its points.
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
    """Return the first vectors of the Laplacian of a connected graph, its constant one left out.

    They are ``D^-1/2 v`` for the largest eigenvalues of ``D^-1/2 P D^-1/2``, D the sums of the
    rows (Belkin & Niyogi 2003; Shi & Malik 2000). Too few points for that: noise.
    """
    n = P.shape[0]
    if n < n_components + 3:
        return rng.normal(size=(n, n_components))
    root = np.sqrt(P.sum(axis=1, dtype=np.float64))
    walk = sparse.csr_array(P, dtype=np.float64).multiply(1 / np.outer(root, [1.0])).tocsr()
    walk = walk.multiply(1 / root[None]).tocsr()
    start = rng.normal(size=n)  # one BLAS thread: the bits must not depend on their number

    def solve(*_):
        return eigsh(walk, n_components + 1, which="LA", v0=start, tol=_TOLERANCE, maxiter=1000)

    try:
        values, vectors = jit.map_blocks(solve, 1, 1)[0]
    except ArpackNoConvergence:
        raise ArithmeticError(
            f"the eigenvectors of a graph of {n} points, whose parts are hardly connected, did not "
            'converge; take init="pca" or "random".'
        ) from None
    vectors = vectors[:, np.argsort(-values)][:, 1:] / root[:, None]
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(n_components)]
    return vectors * np.sign(largest) / np.abs(largest)


def _around(sizes: np.ndarray, d: int) -> np.ndarray:
    """Return places for discs of these sizes, the largest in the middle (Vogel's spiral)."""
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
