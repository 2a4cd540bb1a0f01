"""Arguments of `browser.write` → the checked and encoded data of a page: `Content`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bhtsne.browser.encoding import Column, encode
from bhtsne.browser.markup import Content
from bhtsne.browser.neighborhoods import measures, neighborhoods
from bhtsne.browser.thumbnails import Pictures

__all__ = ["content", "quantised"]

LEVELS = 65_535  # of 16 bits, well below a pixel on any screen


def content(
    Y: Any,
    labels: Any = None,
    *,
    columns: Any = None,
    ids: Any = None,
    images: Any = None,
    titles: Sequence[str] | None = None,
    title: str = "t-SNE map",
    neighbors: Any = None,
    kl_per_point: Any = None,
) -> Content:
    """Return the checked and encoded data of a page; the arguments are those of `write`."""
    maps = _maps(Y)
    n, places = len(maps[0]), quantised(maps)
    encoded, first = _encoded(labels, columns, n)
    return Content(
        {"title": str(title), "n": n, "titles": _titles(titles, len(maps)), "labels": first},
        places,
        encoded + measures(neighbors, kl_per_point, n),
        None if ids is None else encode("ids", ids, n),
        None if images is None else Pictures(images, n),
        None if neighbors is None else neighborhoods(neighbors, maps, places[-1]),
    )


def _maps(Y: Any) -> list[np.ndarray]:
    """Return one or more maps of the same points as float64, or raise ValueError."""
    listed = isinstance(Y, Sequence) and len(Y) > 0
    several = np.ndim(Y[0]) == 2 if listed else getattr(Y, "ndim", 0) == 3
    maps: list[np.ndarray] = []
    for i, given in enumerate(Y if several else [Y]):
        name = f"Y[{i}]" if several else "Y"
        try:
            one = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"{name} must be numbers, got {type(given).__name__}.") from None
        maps.append(one)
        if one.ndim != 2 or one.shape[1] != 2 or len(one) == 0:
            raise ValueError(f"{name} must have the shape (N, 2), got {one.shape}.")
        if len(one) != len(maps[0]):
            raise ValueError(
                f"Y must hold maps of the same points, got {len(maps[0])} points in Y[0] and "
                f"{len(one)} in {name}."
            )
        if bad := int((~np.isfinite(one)).any(axis=1).sum()):
            raise ValueError(f"{name} must be finite, but {bad} of its {len(one)} points are not.")
    if not maps:
        raise ValueError("Y must hold one or more maps, got none.")
    return maps


def quantised(maps: list[np.ndarray]) -> list[np.ndarray]:
    """Return x and y of each map as uint16, in steps of the square around all maps."""
    axes = [np.ascontiguousarray(Y.T) for Y in maps]  # rows of two are slow
    low = np.min([xy.min(axis=1) for xy in axes], axis=0)
    high = np.max([xy.max(axis=1) for xy in axes], axis=0)
    side = (high - low).max() or 1.0
    start = (low + (high - low - side) / 2)[:, None]
    return [np.rint((xy - start) * (LEVELS / side)).astype(np.uint16) for xy in axes]


def _encoded(labels: Any, columns: Any, n: int) -> tuple[list[Column], int | None]:
    """Return the encoded labels and columns, and the index of the column of the labels."""
    table = {} if columns is None else columns
    if not isinstance(table, Mapping) and not hasattr(table, "columns"):
        raise ValueError(
            "columns must be a dict of one sequence for each name or a DataFrame, got "
            f"{type(columns).__name__}."
        )
    names = list(table if isinstance(table, Mapping) else table.columns)
    encoded = [encode(f"columns[{name!r}]", table[name], n, str(name)) for name in names]
    if labels is None:
        return encoded, None
    if isinstance(labels, str):
        if labels not in names:
            raise ValueError(
                f"labels must be one of the columns {', '.join(map(repr, names)) or '(none)'} or "
                f"one label for each of the {n} points, got {labels!r}."
            )
        return encoded, names.index(labels)
    if "label" in names:
        raise ValueError(
            "columns must not hold a column 'label' if labels are given; rename it, or pass "
            "labels='label'."
        )
    return [encode("labels", labels, n, "label"), *encoded], 0


def _titles(titles: Sequence[str] | None, count: int) -> list[str]:
    if titles is None:
        return [str(i) for i in range(1, count + 1)]
    if isinstance(titles, str) or len(titles) != count:
        raise ValueError(f"titles must be one for each of the {count} maps, got {titles!r}.")
    return [str(x) for x in titles]
