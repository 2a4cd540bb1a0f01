"""X → `TSNE`, the estimator that users call."""

from bhtsne.tsne.estimator import TSNE

__all__ = ["TSNE"]
