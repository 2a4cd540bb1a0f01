"""Features → a sentence if few of them decide which points are near: `dominance`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from bhtsne.tables.report import listed

__all__ = ["dominance"]

_SHARE = 0.95  # of the variance
_FEW = 5  # a sentence if that share belongs to one feature in 5, or fewer
_NUMBERS = 1 << 21  # of evenly spaced rows, of which the variances are computed


def dominance(X: Any, names: Sequence[str] | None = None) -> str | None:
    """Return a sentence if few features hold nearly all of the variance, or None.

    Tables whose columns have different units do: in scikit-learn's wine data one column of 13 holds
    nearly all. The pixels of its digits do not.

    Parameters
    ----------
    X : ndarray or sparse array of shape (N, D)
        Points; NaN are left out. There is no sentence for sparse points.
    names : sequence of str, optional
        Names of the features.

    Returns
    -------
    str or None
        The sentence, without a full stop.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> dominance(X) is None
    True
    >>> dominance(X * [1, 1, 9], ["a", "b", "c"])[:47]
    'c holds 97% of the variance of the 3 features, '
    """
    n, d = X.shape
    if d < 2 or sparse.issparse(X):
        return None
    sample = np.asarray(X[:: -(-n * d // _NUMBERS)], np.float64)
    with np.errstate(all="ignore"):
        known = ~np.isnan(sample)
        counts = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, sample, 0).sum(axis=0) / counts
        variance = np.where(known, (sample - mean) ** 2, 0).sum(axis=0) / counts
    total = variance.sum()
    if not 0 < total < np.inf:
        return None
    order = np.argsort(-variance, kind="stable")
    shares = np.cumsum(variance[order]) / total
    count = int(np.searchsorted(shares, _SHARE)) + 1
    if count > max(d // _FEW, 1):
        return None
    held = listed([names[j] if names is not None else f"feature {j + 1}" for j in order[:count]])
    verb, alone = ("holds", "it alone decides") if count == 1 else ("hold", "they alone decide")
    return (
        f"{held} {verb} {shares[count - 1]:.0%} of the variance of the {d:,} features, so that "
        f"{alone} which points are near"
    )
