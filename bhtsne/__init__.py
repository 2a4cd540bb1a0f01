"""Barnes-Hut t-SNE compiled with Numba.

`bhtsne.TSNE` is what most people want. The stages that it composes are public too, one module
each, in the order in which the data passes through them: `neighbors`, `affinities`, `initial`,
`forces`, `optimizer`. Nothing heavy is loaded before it is used.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_MODULES = (
    "affinities",
    "datasets",
    "forces",
    "initial",
    "metrics",
    "neighbors",
    "optimizer",
    "plot",
    "scanpy",
    "schedules",
    "transform",
    "tree",
)
__all__ = ["TSNE", "__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name == "TSNE":
        return import_module("bhtsne.tsne").TSNE
    if name in _MODULES:
        return import_module(f"bhtsne.{name}")
    raise AttributeError(f"module 'bhtsne' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
