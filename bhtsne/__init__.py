"""Barnes-Hut t-SNE compiled with Numba.

`TSNE` is the main estimator. Its stages are public modules, in the order of the data: `neighbors`,
`affinities`, `initial`, `forces`, `optimizer`. `SNE` holds the ancestors of t-SNE, `DynamicTSNE`
maps a sequence of snapshots, `LandmarkTSNE` maps more than memory holds, and a `Recorder` records
the maps of a run. Modules are imported on first use.
"""

from importlib import import_module
from typing import Any

__version__ = "0.2.0"

_MEMBERS = {
    "DynamicTSNE": "dynamic",
    "LandmarkTSNE": "landmarks",
    "Recorder": "recorder",
    "SNE": "sne.estimator",
    "TSNE": "tsne.estimator",
    "scan": "scanning",
}
_MODULES = (
    "affinities",
    "browser",
    "checkpoint",
    "crowding",
    "dask",
    "datasets",
    "dynamic",
    "forces",
    "initial",
    "landmarks",
    "layers",
    "live",
    "metrics",
    "neighbors",
    "optimizer",
    "plot",
    "reporting",
    "scanning",
    "scanpy",
    "schedules",
    "sne",
    "transform",
    "tree",
)
__all__ = ["__version__", *_MEMBERS, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MEMBERS:
        return getattr(import_module(f"bhtsne.{_MEMBERS[name]}"), name)
    if name in _MODULES:
        return import_module(f"bhtsne.{name}")
    raise AttributeError(f"module 'bhtsne' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
