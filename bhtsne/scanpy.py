"""AnnData → the same with a map in its `obsm`: for those who work with scanpy.

AnnData itself is not imported: what is used of it are its dictionaries `obsm`, `obsp` and `uns`.
"""

from typing import Any

import numpy as np

from bhtsne import neighbors
from bhtsne.tsne import TSNE

__all__ = ["tsne"]


def tsne(
    adata: Any,
    *,
    use_rep: str | None = None,
    neighbors_key: str | None = None,
    key_added: str = "X_tsne",
    **parameters: Any,
) -> TSNE:
    """Make a map of the cells of an AnnData, and write it into ``adata.obsm``.

    Parameters
    ----------
    adata : AnnData
        N cells. Written are ``obsm[key_added]``, of shape (N, n_components), and
        ``uns[key_added]``, a dict of the parameters and the KL divergence; nothing if it fails.
    use_rep : str, optional
        The array of `obsm` that holds the cells' coordinates, or "X" for `adata.X`; "X_pca" by
        default, and `X` where there is none.
    neighbors_key : str, optional
        Take the neighbours from ``obsp`` that ``scanpy.pp.neighbors`` found under this key, by
        default "neighbors", instead of searching. The perplexity is then a third of their number,
        or 30 if that is less, unless it is given.
    key_added : str
        Name of the map.
    **parameters
        Any of `TSNE`.

    Returns
    -------
    TSNE
        The fitted estimator, whose `transform` places new cells.

    Raises
    ------
    KeyError
        If `adata` has no such representation or neighbours.
    ValueError
        As `TSNE.fit`.

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
    points = _representation(adata, use_rep)
    if neighbors_key is not None:
        found = neighbors.given(_graph(adata, neighbors_key), points.shape[0])
        parameters = {"perplexity": min(30.0, found.indices.shape[1] / 3)} | parameters
        parameters["neighbors"] = found
    model = TSNE(**parameters).fit(points)
    told = {name: value for name, value in parameters.items() if _is_plain(value)}
    adata.obsm[key_added] = model.embedding_
    adata.uns[key_added] = {"params": told, "kl_divergence": model.kl_divergence_}
    return model


def _representation(adata: Any, name: str | None) -> Any:
    if name is None:
        name = "X_pca" if "X_pca" in adata.obsm else "X"
    if name == "X":
        return adata.X
    if name not in adata.obsm:
        raise KeyError(f"use_rep must be X or one of {sorted(adata.obsm)}, got {name!r}.")
    return np.asarray(adata.obsm[name])


def _graph(adata: Any, key: str) -> Any:
    name = adata.uns.get(key, {}).get("distances_key", "distances")
    if name not in adata.obsp:
        raise KeyError(
            f"neighbors_key must name neighbours that scanpy.pp.neighbors has found, got {key!r}, "
            f"and obsp has {sorted(adata.obsp)}."
        )
    return adata.obsp[name]


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | int | float | str)
