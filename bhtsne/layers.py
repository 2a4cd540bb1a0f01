"""Activations of network layers, or of one layer over epochs → points and their maps."""

from collections.abc import Sequence

import numpy as np
from sklearn.base import clone

from bhtsne import initial, interrupts, metrics
from bhtsne.tsne.estimator import TSNE

__all__ = ["maps", "points"]


def points(activations, n_features: int | None = 50, *, random_state=None) -> np.ndarray:
    """Convert the activations of a layer to points, of which maps are made.

    The activations by one input are one point: channels and pixels are flattened into one axis,
    and more than `n_features` units are reduced to their first principal components.

    Parameters
    ----------
    activations : array_like or tensor of shape (N, …)
        An array or a tensor that NumPy can read, of any real number type, including half
        precision. Tensors of PyTorch may require a gradient or lie on another device.
    n_features : int or None
        Maximum number of features; None keeps all units.
    random_state : int, RandomState or None
        Seed of the solver for more than 2,000 units.

    Returns
    -------
    ndarray of float32, shape (N, at most n_features)
        Points. The reduction omits constant units; if all units are constant, all points coincide.

    Raises
    ------
    ValueError
        If there are fewer than two inputs, an activation is not a finite real number, or
        n_features is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import layers
    >>> layers.points(np.random.default_rng(0).normal(size=(100, 8, 7, 7))).shape
    (100, 50)
    """
    if hasattr(activations, "detach"):  # PyTorch: detach from the graph and copy to the CPU
        activations = activations.detach().cpu().float()
    A = np.asarray(activations)
    if A.ndim < 1 or len(A) < 2 or not A.size or A.dtype.kind not in "biuf":
        raise ValueError(
            "activations must be real numbers of shape (N, …), of 2 inputs or more, got "
            f"{A.dtype} of shape {A.shape}."
        )
    if n_features is not None and n_features < 1:
        raise ValueError(f"n_features must be at least 1, or None, got {n_features!r}.")
    X = A.reshape(len(A), -1).astype(np.float32)
    if not np.isfinite(X).all():
        raise ValueError("activations must be finite, got NaN or infinity: the network diverged.")
    if n_features is None or X.shape[1] <= n_features:
        return X
    varied = X[:, (X[0] != X).any(axis=0)]
    if varied.shape[1] <= n_features:
        return varied if varied.shape[1] else X[:, :1]
    n_features = min(n_features, len(X))
    return initial.principal_components(varied, n_features, random_state=random_state)


def maps(layers: Sequence, tsne: TSNE | None = None) -> list[np.ndarray]:
    """Compute a map of each layer, each aligned with the map of the layer before.

    Each map is fitted separately, since different layers share little but their inputs, and then
    shifted, rotated and scaled onto the one before. For one layer over epochs see `DynamicTSNE`,
    which takes the same points.

    Parameters
    ----------
    layers : sequence of array_like or tensor of shape (N, …)
        Activations by the same N inputs, as in `points`.
    tsne : TSNE, optional
        Estimator whose parameters are used; it is cloned, not fitted. None is
        ``TSNE(random_state=0)``.

    Returns
    -------
    list of ndarray of float32, shape (N, n_components)
        One map for each layer.

    Raises
    ------
    ValueError
        If there are no layers, the layers differ in their number of inputs, or activations are not
        finite.

    Examples
    --------
    >>> from bhtsne import TSNE, datasets, layers
    >>> X = datasets.digits().X[:300] / 16
    >>> hidden = np.maximum(X @ np.random.default_rng(0).normal(size=(64, 32)), 0)
    >>> [Y.shape for Y in layers.maps([X, hidden], TSNE(perplexity=10, random_state=0))]
    [(300, 2), (300, 2)]
    """
    tables = [points(layer, random_state=0) for layer in layers]
    lengths = [len(X) for X in tables]
    if not tables or len(set(lengths)) > 1:
        raise ValueError(f"layers must hold activations by the same inputs, got {lengths} inputs.")
    tsne = TSNE(random_state=0) if tsne is None else tsne
    embeddings: list[np.ndarray] = []
    for X in tables:
        model = clone(tsne).fit(X)
        interrupts.check_fit(model)
        Y = model.embedding_
        Y = metrics.align(Y, embeddings[-1]).Y.astype(np.float32) if embeddings else Y
        embeddings.append(Y)
    return embeddings
