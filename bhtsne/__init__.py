"""Barnes-Hut t-SNE compiled with Numba.

`bhtsne.TSNE` is what most people want. The stages that it composes are public too, one module
each, in the order in which the data passes through them: `neighbors`, `affinities`, `initial`,
`forces`, `optimizer`. `SNE` is where it comes from, `DynamicTSNE` makes maps of a sequence. A
`Recorder` keeps the maps of a run. Nothing heavy is loaded before it is used.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_CLASSES = {
    "DynamicTSNE": "dynamic",
    "LandmarkTSNE": "landmarks",
    "Recorder": "recorder",
    "SNE": "sne",
    "TSNE": "tsne",
}
_MODULES = (
    "affinities",
    "browser",
    "crowding",
    "dask",
    "datasets",
    "dynamic",
    "forces",
    "initial",
    "landmarks",
    "layers",
    "metrics",
    "neighbors",
    "optimizer",
    "plot",
    "scanpy",
    "schedules",
    "sne",
    "transform",
    "tree",
)
__all__ = ["__version__", *_CLASSES, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _CLASSES:
        return getattr(import_module(f"bhtsne.{_CLASSES[name]}"), name)
    if name in _MODULES:
        return import_module(f"bhtsne.{name}")
    raise AttributeError(f"module 'bhtsne' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
