"""Dask arrays and data frames → components, neighbours and places, partition by partition.

The only room that imports dask. A task works on as many threads as its worker has, one task of a
process at a time: kernels share them, and nothing is oversubscribed.
"""

from bhtsne.dask.components import principal_components
from bhtsne.dask.merging import neighbors

__all__ = ["neighbors", "principal_components"]
