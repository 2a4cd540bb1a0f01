"""Dask arrays and data frames → components, neighbours and places, partition by partition.

The only room that imports dask. A task works on as many threads as its worker has, one task of a
process at a time: kernels share them, and nothing is oversubscribed.
"""

from bhtsne.dask.clusters import client, results
from bhtsne.dask.components import principal_components
from bhtsne.dask.mapping import map_rows
from bhtsne.dask.merging import neighbors
from bhtsne.dask.partitions import Partitions, check_columns, is_collection

__all__ = [
    "Partitions",
    "check_columns",
    "client",
    "is_collection",
    "map_rows",
    "neighbors",
    "principal_components",
    "results",
]
