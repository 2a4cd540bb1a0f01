"""Perplexity, number of neighbours → the perplexity that is used, which tells neighbours apart.

A row of k neighbours has perplexity k at most, where all weigh the same and a map would be one
spot. A third of the neighbours is the usual largest value (openTSNE's multiscale affinities, and
FIt-SNE), which at perplexity p are the nearest 3p.
"""

from typing import Any

import numpy as np

from bhtsne import user_warnings
from bhtsne.tsne.known import wanted

__all__ = ["effective", "kind_of", "warn_if_lowered"]


def kind_of(affinities: Any, perplexity: Any) -> str:
    """Return the kind of affinities; several perplexities make "perplexity" "multiscale"."""
    kind = affinities if isinstance(affinities, str) else "perplexity"
    return "multiscale" if kind == "perplexity" and np.size(perplexity) > 1 else kind


def effective(perplexity: Any, kind: str, k: int, others: int) -> Any:
    """Return the perplexity, or list of them, for points of k neighbours among so many others.

    One that asks for more neighbours than there are is a third of their number, at least 1; of
    "uniform", whose perplexity is a number of neighbours, all k unless k is everybody.
    """
    everybody = kind == "uniform" and k >= others
    most = k if kind == "uniform" and not everybody else max(k / 3, 1.0)

    def lowered(one: float) -> float:
        too_large = wanted(kind, one) > k or (everybody and one >= k)
        return min(one, most) if too_large else one

    if kind == "fixed_sigma" or np.ndim(perplexity) == 0:
        return perplexity if kind == "fixed_sigma" else lowered(perplexity)
    values = list(dict.fromkeys(map(lowered, np.ravel(perplexity).tolist())))
    return values if len(values) > 1 or kind in ("multiscale", "mixture") else values[0]


def warn_if_lowered(perplexity: Any, kind: str, k: int, others: int) -> None:
    """Warn if the effective perplexity is not the one that was given."""
    taken = np.ravel(effective(perplexity, kind, k, others)).tolist()
    if set(taken) == set(np.ravel(perplexity).tolist()):
        return
    most = max(taken)
    user_warnings.warn(
        f"perplexity {_shown(perplexity)} is too large for points with {k} neighbours: "
        f"{_shown(taken)} is used; set perplexity to {int(100 * most) / 100:.10g} or less."
    )


def _shown(perplexity: Any) -> str:
    return ", ".join(f"{one:.4g}" for one in np.ravel(perplexity).tolist())
