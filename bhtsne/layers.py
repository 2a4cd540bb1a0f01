"""Activations of a network's layers, or of one layer over epochs → points, and maps of them."""

from collections.abc import Sequence

import numpy as np
from sklearn.base import clone

from bhtsne import initial, interrupts, metrics
from bhtsne.tsne import TSNE

__all__ = ["maps", "points"]


def points(activations, n_features: int | None = 50, *, random_state=None) -> np.ndarray:
    """Bring a layer's activations into the form in which maps are made of them.

    What each input excites in the layer is one point: channels and pixels become one axis, and of
    many units the first principal components are kept.

    Parameters
    ----------
    activations : array_like or tensor of shape (N, …)
        Of any framework whose tensors NumPy can read, PyTorch's also where they have a gradient or
        lie on another device; of any number type, half precision too.
    n_features : int or None
        The most features to keep; None keeps them all.
    random_state : int, RandomState or None
        Seed of the solver for more than 2,000 units.

    Returns
    -------
    ndarray of float32, shape (N, at most n_features)
        Points. Units that never differ are left out of what is reduced; a layer of which all are so
        gives points that coincide.

    Raises
    ------
    ValueError
        If there are fewer than two inputs, they are no finite real numbers, or n_features is
        below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import layers
    >>> layers.points(np.random.default_rng(0).normal(size=(100, 8, 7, 7))).shape
    (100, 50)
    """
    if hasattr(activations, "detach"):  # PyTorch: out of the graph, to the processor
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
    """Make a map of each layer, each turned and scaled to lie on the one before.

    The maps are made one by one, as layers have little in common but their inputs; for one layer
    over epochs see `DynamicTSNE`, to which the same points go.

    Parameters
    ----------
    layers : sequence of array_like or tensor of shape (N, …)
        Activations by the same N inputs, as in `points`.
    tsne : TSNE, optional
        How the maps are made, never changed; None is ``TSNE(random_state=0)``.

    Returns
    -------
    list of ndarray of float32, shape (N, n_components)
        One map a layer.

    Raises
    ------
    ValueError
        If there are no layers, they differ in their number of inputs, or activations are not
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
    found: list[np.ndarray] = []
    for X in tables:
        model = clone(tsne).fit(X)
        interrupts.check_fit(model)
        Y = model.embedding_
        found.append(metrics.align(Y, found[-1]).Y.astype(np.float32) if found else Y)
    return found
