"""Snapshots of points → a sequence of maps that stay comparable: `DynamicTSNE`."""

from bhtsne.dynamic.estimator import DynamicTSNE
from bhtsne.dynamic.objective import gradient, movement, objective

__all__ = ["DynamicTSNE", "gradient", "movement", "objective"]
