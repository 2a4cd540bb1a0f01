"""X → principal components, read in blocks: by the covariance, or by products with it."""

import numpy as np
from scipy import sparse

from bhtsne import events, jit

COVARIANCE_FEATURES = 2000  # beyond, an iterative solver is faster than a D × D matrix
_BLOCK = 2048  # rows that a thread reads at a time; larger blocks take longer


def scores(X, n_components, rng) -> np.ndarray:
    """Return the coordinates on the principal components, in the dtype of the solver."""
    wide = X.shape[1] > COVARIANCE_FEATURES
    if wide and (sparse.issparse(X) or n_components == min(X.shape)):
        return _by_scikit_learn(X, n_components, rng)
    found = axes(X, n_components, rng)
    if found is None:
        return np.zeros((X.shape[0], n_components))
    with events.portion(0.9, 1):
        return projected(X, *found)


def axes(X, n_components: int, rng) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the mean and the leading axes (D, n_components); None where all points coincide."""
    with events.portion(0, 0.1):
        mean = _rows(X, lambda rows: rows.sum(axis=0) / X.shape[0], jit.sum_blocks)
    with events.portion(0.1, 0.3):
        scale = max(_rows(X, lambda rows: np.abs(rows - mean).max()))
    if not scale:  # an iterative solver would fail
        return None
    if X.shape[1] > COVARIANCE_FEATURES:
        vectors = _leading(X, mean, scale, n_components, rng)
    else:
        with events.portion(0.3, 0.9):
            covariance = _covariance(X, mean, scale)
        with events.listening(None):
            _, vectors = jit.map_blocks(lambda *_: np.linalg.eigh(covariance), 1, 1)[0]
    axes = vectors[:, ::-1][:, :n_components]
    return mean, axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(n_components)])


def projected(X, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Return the coordinates of points along axes, float64."""
    return np.concatenate(_rows(X, lambda rows: (rows - mean) @ axes))


def _rows(X, function, collect=jit.map_blocks):
    """Apply a function to dense float64 blocks of rows; return the collected results."""

    def block(start, stop):
        rows = X[start:stop]
        return function(np.asarray(rows.toarray() if sparse.issparse(X) else rows, np.float64))

    return collect(block, X.shape[0], _BLOCK)


def _covariance(X, mean, scale) -> np.ndarray:
    """Return a multiple of the D × D covariance, summed in a fixed order."""

    def scatter(rows):
        rows = ((rows - mean) / scale).astype(np.float32)
        return (rows.T @ rows).astype(np.float64)

    return _rows(X, scatter, jit.sum_blocks)


def _leading(X, mean, scale, n_components, rng) -> np.ndarray:
    """Return leading eigenvectors, in ascending order, from products with the covariance alone."""

    def product(v):
        def part(rows):
            rows = (rows - mean) / scale
            return rows.T @ (rows @ v)

        return _rows(X, part, jit.sum_blocks)

    from scipy.sparse.linalg import LinearOperator, eigsh  # slow to import, and seldom needed

    d = X.shape[1]
    covariance = LinearOperator((d, d), matvec=product, dtype=np.float64)
    with events.listening(None):  # the number of products is not known
        return eigsh(covariance, n_components, v0=rng.uniform(-1, 1, d))[1]


def _by_scikit_learn(X, n_components, rng) -> np.ndarray:
    """Return the coordinates by scikit-learn's PCA, which takes wide CSR, and all components."""
    from sklearn.decomposition import PCA

    if sparse.issparse(X) and not (X.max(axis=0) != X.min(axis=0)).nnz:
        return np.zeros((X.shape[0], n_components))
    solver = "arpack" if n_components < min(X.shape) else "full"
    pca = PCA(n_components, svd_solver=solver, random_state=rng)
    return jit.map_blocks(lambda *_: pca.fit_transform(X), 1, 1)[0]
