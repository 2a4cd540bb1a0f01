"""A map and the data of its points → one HTML file, which opens in any browser, offline."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bhtsne.browser.encoding import Column, encode
from bhtsne.browser.markup import Content, page
from bhtsne.browser.neighborhoods import measures, neighborhoods
from bhtsne.browser.thumbnails import Pictures
from bhtsne.files import atomic_write, check_target

__all__ = ["content", "quantised", "write"]

LEVELS = 65_535  # of 16 bits, well below a pixel on any screen


def write(
    path: str | os.PathLike,
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
) -> None:
    """Write a map as one HTML file for exploration with mouse, touch screen or keyboard.

    The file is self-contained and opens offline, without a server. The page has pan and zoom, a
    card with the values and the image of the point under the mouse, search, colours by any column,
    a lasso, and export of the selected points as a CSV file. With neighbours it also draws lines
    from a point to its nearest neighbours in the data, lists them, colours the points by the number
    of neighbours that the map keeps, and describes a selected group: the share of its neighbours
    within it, the columns in which it differs, and the group nearest to it in the data. The same
    arguments give the same bytes.

    Parameters
    ----------
    path : str or path
        An .html file; an existing file is replaced.
    Y : array-like of shape (N, 2), or a list of them
        The map; or several maps of the same points in the same order, which a slider shows in
        turn, such as the frames of a run or the epochs of a training. Coordinates of all maps are
        quantised to 1/65,535 of their common width.
    labels : array-like of shape (N,), str or None
        Labels of the points, in the column ``label``; or the name of one of the `columns`. They
        are the initial colours. As in `bhtsne.plot.scatter`, text and up to 40 distinct integers
        are categories, other numbers and dates are quantities, and None, NaN, NaT, blank text and
        masked entries are missing. Of more than 40 categories, the 40 most frequent have colours;
        if all labels differ, all points have one colour.
    columns : mapping of str to array-like of shape (N,), DataFrame or None
        Further data of the points (a dict, or a table of pandas or polars). Fractions are stored
        as float32, dates as milliseconds, and integers up to 2⁵³ and text exactly.
    ids : array-like of shape (N,) or None
        Identifiers of the points in the CSV file; None is the row number from 0.
    images : array-like of shape (N, h, w), (N, h, w, 1) or (N, h, w, 3), or None
        An image of each point, shown with its values: uint8, or floats from 0 to 1. Other numbers
        are scaled from the minimum to the maximum of all images. Images of more than 64 pixels are
        reduced.
    titles : sequence of str or None
        One title for each of several maps; None is their number from 1.
    title : str
        The title of the page.
    neighbors : Neighbors, tuple of two arrays of shape (N, k), or None
        Indices and distances of the nearest neighbours of each point in the data, nearest first,
        such as ``TSNE.neighbors_``. The page stores the first 15, in less than 30 bytes a point.
    kl_per_point : ndarray of float, shape (N,), or None
        Contribution of each point to the KL divergence, such as ``TSNE.kl_per_point_``: a further
        column.

    Raises
    ------
    OSError
        If the folder does not exist or is not writable.
    ValueError
        If the suffix is not .html, the map is not finite or not 2-D, or an argument does not have
        one entry for each point.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "map.html")
    ...     write(path, [[0, 0], [1, 2], [3, 1]], ["a", "b", "b"], columns={"weight": [1.5, 2, 9]})
    ...     print(*os.listdir(folder))
    map.html
    """
    check_target(path, (".html",))
    text = page(
        content(
            Y, labels, columns=columns, ids=ids, images=images, titles=titles, title=title,
            neighbors=neighbors, kl_per_point=kl_per_point,
        )
    )  # fmt: skip
    with atomic_write(path) as file:
        file.write(text.encode(errors="replace"))  # lone surrogates in the title


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
    low = np.min([Y.min(axis=0) for Y in maps], axis=0)
    high = np.max([Y.max(axis=0) for Y in maps], axis=0)
    side = (high - low).max() or 1.0
    start = low + (high - low - side) / 2
    return [np.rint((Y - start) * (LEVELS / side)).astype(np.uint16).T for Y in maps]


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
