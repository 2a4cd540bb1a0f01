"""AnnData → the same with a map in its `obsm`: for those who work with scanpy.

AnnData itself is not imported: what is used of it are its arrays `X`, `layers`, `obsm` and `obsp`
and the dictionary `uns`.
"""

from typing import Any

import numpy as np
from scipy import sparse

from bhtsne import initial, neighbors, user_warnings
from bhtsne.tsne import TSNE

__all__ = ["tsne"]

_N_PCS = 50  # of scanpy, which uses as many variables as they are
_KEPT = ("perplexity", "early_exaggeration", "learning_rate", "metric", "random_state", "n_jobs")


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
    """Make a map of the cells of an AnnData, and write it into ``adata.obsm``.

    It takes the arguments of ``scanpy.tl.tsne``. Arrays may be sparse, or in a file.

    Parameters
    ----------
    adata : AnnData
        N cells. Written are the map, of shape (N, n_components), and a dict of the parameters and
        the KL divergence; nothing if it fails.
    n_pcs : int, optional
        Use the first columns of a representation in `obsm`, or this many principal components of
        `X` or a layer; 0 uses `X` as it is.
    use_rep : str, optional
        The array of `obsm` that holds the cells' coordinates, or "X" for `adata.X`. By default
        "X_pca"; where there is none, `X` if it has at most 50 variables or the metric is not
        Euclidean, and else 50 principal components of it, with a warning.
    layer : str, optional
        The array of `layers` to take in place of `X`.
    neighbors_key : str, optional
        Take the neighbours from ``obsp`` that ``scanpy.pp.neighbors`` found under this key, by
        default "neighbors", instead of searching. The perplexity is then a third of their number,
        or 30 if that is less, unless it is given.
    use_fast_tsne : bool
        Without effect; scanpy has it.
    key_added : str, optional
        The name of the map in ``obsm`` and of the parameters in ``uns``. By default they are
        ``obsm["X_tsne"]`` and ``uns["tsne"]``, as scanpy's, and also ``uns["X_tsne"]``.
    copy : bool
        Whether to write into a copy, and return it.
    **parameters
        Any of `TSNE`. `random_state` is 0 by default, as in scanpy.

    Returns
    -------
    TSNE or AnnData
        The fitted estimator, whose `transform` places new cells by the same representation; the
        copy if `copy`.

    Raises
    ------
    KeyError
        If `adata` has no such representation, layer or neighbours.
    ValueError
        If a representation has fewer columns than `n_pcs`, or as `TSNE.fit`.

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
    given = {name: getattr(model, name) for name in _KEPT} | given
    told = {"params": _storable(given), "kl_divergence": float(model.kl_divergence_)}
    adata.obsm[key_added or "X_tsne"] = model.embedding_
    for key in [key_added] if key_added else ["tsne", "X_tsne"]:
        adata.uns[key] = told
    return adata if copy else model


def _check_n_pcs(n_pcs: Any) -> None:
    """Raise ValueError for a number of components that is none."""
    whole = isinstance(n_pcs, int | np.integer) and not isinstance(n_pcs, bool)
    if n_pcs is not None and (not whole or n_pcs < 0):
        raise ValueError(f"n_pcs must be a whole number of 0 or more, or None, got {n_pcs!r}.")


def _representation(
    adata: Any, name: str | None, layer: str | None, n_pcs: int | None, is_reduced: bool, seed: Any
) -> Any:
    """Return the coordinates of the cells as an array or CSR in memory."""
    if name is not None and layer is not None:
        raise ValueError(f"use_rep and layer exclude each other, got {name!r} and {layer!r}.")
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
        raise ValueError("adata must have X, got none; name a representation by use_rep.")
    X = _in_memory(X)
    if n_pcs is None and name is None and is_reduced and min(X.shape) > _N_PCS:
        n_pcs = _N_PCS
        text = (
            f"adata has no X_pca, so {n_pcs} principal components of its {X.shape[1]:,} variables "
            "are used; run scanpy.pp.pca before, or pass use_rep='X' for all variables."
        )
        user_warnings.warn(text)
    if not n_pcs or n_pcs >= min(X.shape):
        return X
    return initial.principal_components(X, n_pcs, random_state=seed)


def _first(points: Any, name: str, n_pcs: int | None) -> Any:
    """Return the first columns of a representation."""
    if not n_pcs:
        return points
    if n_pcs > points.shape[1]:
        raise ValueError(f"n_pcs must be at most {points.shape[1]}, as {name} has, got {n_pcs}.")
    return points[:, :n_pcs]


def _in_memory(values: Any) -> Any:
    """Return an array of AnnData, which may be in a file, a table or sparse, as array or CSR."""
    for method in ("to_memory", "compute"):  # of a sparse matrix in a file, and of Dask
        if hasattr(values, method):
            values = getattr(values, method)()
    return sparse.csr_matrix(values) if sparse.issparse(values) else np.asarray(values)


def _graph(adata: Any, key: str) -> Any:
    name = adata.uns.get(key, {}).get("distances_key", "distances")
    if name not in adata.obsp:
        raise KeyError(
            f"neighbors_key must name neighbours that scanpy.pp.neighbors has found, got {key!r}, "
            f"and obsp has {sorted(adata.obsp)}."
        )
    return _in_memory(adata.obsp[name])


def _storable(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what an .h5ad file can hold of parameters: numbers, text, and arrays of these."""
    kept: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, dict):
            kept[name] = _storable(value)
        elif isinstance(value, list | tuple | np.ndarray):
            array = np.asarray(value)
            kept |= {name: array} if array.dtype.kind in "biuf" and array.size else {}
        elif isinstance(value, bool | int | float | str | np.generic):
            kept[name] = value
    return kept
