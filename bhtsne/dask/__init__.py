"""Dask arrays and data frames → principal components, neighbours, positions on a map.

No other package of the library imports dask. A task uses all threads of its worker, and a process
runs the kernels of one task at a time, so that threads are not oversubscribed.
"""

from bhtsne.dask.components import principal_components
from bhtsne.dask.merging import neighbors

__all__ = ["neighbors", "principal_components"]
