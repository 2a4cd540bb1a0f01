"""AnnData → AnnData with a map in `obsm`: a counterpart of ``scanpy.tl.tsne``.

The package anndata is not imported. The function uses the arrays `X`, `layers`, `obsm` and `obsp`,
and the dictionary `uns`.
"""

from typing import Any

import numpy as np
from scipy import sparse

from bhtsne import initial, neighbors, user_warnings
from bhtsne.tsne.estimator import TSNE

__all__ = ["tsne"]

_N_PCS = 50  # scanpy's default; scanpy uses at most as many variables without components
# Parameters of the model that `uns` holds.
_STORED = ("perplexity", "early_exaggeration", "learning_rate", "metric", "random_state", "n_jobs")


def tsne(
    adata: Any,
    n_pcs: int | None = None,
    *,
    use_rep: str | None = None,
    layer: str | None = None,
    neighbors_key: str | None = None,
    use_fast_tsne: bool = False,
    key_added: str | None = None,
    copy: bool = False,
    **parameters: Any,
) -> Any:
    """Compute a map of the cells of an AnnData, and store it in ``adata.obsm``.

    The arguments are those of ``scanpy.tl.tsne``. Arrays may be sparse, or backed by a file.

    Parameters
    ----------
    adata : AnnData
        N cells. `obsm` receives the map, of shape (N, n_components), and `uns` a dict of the
        parameters and the KL divergence. An error leaves `adata` unchanged.
    n_pcs : int, optional
        Number of columns of the representation in `obsm`, or number of principal components of `X`
        or of the layer; 0 uses all variables of `X`.
    use_rep : str, optional
        Name of the representation in `obsm`, or "X" for ``adata.X``. By default "X_pca" or "pca".
        If neither exists, the default is `X` if it has at most 50 variables or the metric is not
        Euclidean, and otherwise its first 50 principal components, with a warning.
    layer : str, optional
        Name of the array of `layers` that replaces `X`.
    neighbors_key : str, optional
        Key in `uns` of the neighbours that ``scanpy.pp.neighbors`` has stored in `obsp`, usually
        "neighbors"; they replace the neighbour search. The default of the perplexity is then a
        third of the number of neighbours, at most 30.
    use_fast_tsne : bool
        Ignored; present for compatibility with scanpy.
    key_added : str, optional
        Key of the map in `obsm` and of the parameters in `uns`. The defaults are those of scanpy,
        ``obsm["X_tsne"]`` and ``uns["tsne"]``, and in addition ``uns["X_tsne"]``.
    copy : bool
        Whether to return a copy with the results instead of changing `adata`.
    **parameters
        Parameters of `TSNE`. The default of `random_state` is 0, as in scanpy.

    Returns
    -------
    TSNE or AnnData
        The fitted estimator, whose `transform` places new cells of the same representation; the
        copy if `copy`.

    Raises
    ------
    KeyError
        If `adata` has no such representation, layer or neighbours.
    ValueError
        If a representation has fewer columns than `n_pcs`, and in the cases of `TSNE.fit`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from bhtsne import scanpy
    >>> X = np.random.default_rng(0).normal(size=(200, 20))
    >>> adata = SimpleNamespace(X=X, obsm={"X_pca": X[:, :10]}, obsp={}, uns={})
    >>> model = scanpy.tsne(adata, random_state=0)
    >>> adata.obsm["X_tsne"].shape
    (200, 2)
    """
    parameters = {"random_state": 0} | parameters
    given = parameters | {"n_pcs": n_pcs, "use_rep": use_rep, "layer": layer}
    _check_n_pcs(n_pcs)
    is_reduced = neighbors_key is None and parameters.get("metric", "euclidean") == "euclidean"
    points = _representation(adata, use_rep, layer, n_pcs, is_reduced, parameters["random_state"])
    if neighbors_key is not None:
        found = neighbors.given(_graph(adata, neighbors_key), points.shape[0])
        parameters = {"perplexity": min(30.0, found.indices.shape[1] / 3)} | parameters
        parameters["neighbors"] = found
        given["neighbors_key"] = neighbors_key
    model = TSNE(**parameters).fit(points)
    if copy:
        adata = adata.to_memory() if getattr(adata, "isbacked", False) else adata.copy()
    given = {name: getattr(model, name) for name in _STORED} | given
    record = {"params": _storable(given), "kl_divergence": float(model.kl_divergence_)}
    adata.obsm[key_added or "X_tsne"] = model.embedding_
    for key in [key_added] if key_added else ["tsne", "X_tsne"]:
        adata.uns[key] = record
    return adata if copy else model


def _check_n_pcs(n_pcs: Any) -> None:
    """Raise ValueError unless n_pcs is None or a whole number of 0 or more."""
    whole = isinstance(n_pcs, int | np.integer) and not isinstance(n_pcs, bool)
    if n_pcs is not None and (not whole or n_pcs < 0):
        raise ValueError(f"n_pcs must be a whole number of 0 or more, or None, got {n_pcs!r}.")


def _representation(
    adata: Any, name: str | None, layer: str | None, n_pcs: int | None, is_reduced: bool, seed: Any
) -> Any:
    """Return the coordinates of the cells as a dense or CSR array in memory."""
    if name is not None and layer is not None:
        raise ValueError(
            f"use_rep and layer exclude each other, got {name!r} and {layer!r}; leave out one."
        )
    in_obsm = list(adata.obsm)
    if name is None and layer is None and n_pcs != 0:
        name = next((key for key in ("X_pca", "pca") if key in in_obsm), None)
    if name is not None and name != "X":
        if name not in in_obsm:
            raise KeyError(f"use_rep must be X or one of {sorted(in_obsm)}, got {name!r}.")
        return _first(_in_memory(adata.obsm[name]), name, n_pcs)
    if layer is not None and layer not in adata.layers:
        raise KeyError(f"layer must be one of {sorted(adata.layers)}, got {layer!r}.")
    X = adata.X if layer is None else adata.layers[layer]
    if X is None:
        raise ValueError("adata must have X, got none; choose a representation by use_rep.")
    X = _in_memory(X)
    if n_pcs is None and name is None and is_reduced and min(X.shape) > _N_PCS:
        n_pcs = _N_PCS
        text = (
            f"adata has no X_pca, so {n_pcs} principal components of its {X.shape[1]:,} variables "
            "are used; run scanpy.pp.pca first, or pass use_rep='X' for all variables."
        )
        user_warnings.warn(text)
    if not n_pcs or n_pcs >= min(X.shape):
        return X
    return initial.principal_components(X, n_pcs, random_state=seed)


def _first(points: Any, name: str, n_pcs: int | None) -> Any:
    """Return the first n_pcs columns of a representation, or all by default."""
    if not n_pcs:
        return points
    if n_pcs > points.shape[1]:
        raise ValueError(
            f"n_pcs must be at most {points.shape[1]}, the columns of {name}, got {n_pcs}."
        )
    return points[:, :n_pcs]


def _in_memory(values: Any) -> Any:
    """Return an array of AnnData, dense, sparse or backed by a file, as a dense or CSR array."""
    for method in ("to_memory", "compute"):  # of sparse arrays in a file, and of Dask arrays
        if hasattr(values, method):
            values = getattr(values, method)()
    return sparse.csr_matrix(values) if sparse.issparse(values) else np.asarray(values)


def _graph(adata: Any, key: str) -> Any:
    name = adata.uns.get(key, {}).get("distances_key", "distances")
    if name not in adata.obsp:
        raise KeyError(
            f"neighbors_key must be a key of scanpy.pp.neighbors, got {key!r}, and obsp has "
            f"{sorted(adata.obsp)}."
        )
    return _in_memory(adata.obsp[name])


def _storable(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that an .h5ad file can hold: numbers, text and arrays of numbers."""
    storable: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, dict):
            storable[name] = _storable(value)
        elif isinstance(value, list | tuple | np.ndarray):
            array = np.asarray(value)
            storable |= {name: array} if array.dtype.kind in "biuf" and array.size else {}
        elif isinstance(value, bool | int | float | str | np.generic):
            storable[name] = value
    return storable
