"""A map and what is known of its points → one HTML file that any browser opens, offline."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bhtsne.browser.encoding import Column, encode
from bhtsne.browser.markup import page
from bhtsne.browser.thumbnails import sheets
from bhtsne.files import atomic_write, check_target

__all__ = ["write"]

LEVELS = 65_535  # of 16 bits: a thirtieth of a pixel on a screen 2,000 pixels wide


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
) -> None:
    """Write a map as one HTML file to look around in, with a mouse, a finger or the keyboard.

    The file holds everything it needs and opens offline, without a server. In it: pan and zoom,
    the point under the mouse with its values (and its image), search, colours by any column, a
    lasso, and the selected points as a CSV file. The same arguments make the same bytes.

    Parameters
    ----------
    path : str or path
        A file .html; replaced if it exists.
    Y : array-like of shape (N, 2), or a list of them
        The map; or several maps of the same points, row by row, which a slider shows one after
        another: the frames of a run, the epochs of a training. All are drawn to one scale, in
        steps of 1/65,535 of its width.
    labels : array-like of shape (N,), str or None
        One label a point; in the column ``label``. Or the name of one of the `columns`. The points
        are first coloured by it. As in `bhtsne.plot.scatter`, text and up to 40 different integers
        are categories, other numbers and dates are quantities, and None, NaN, NaT, blank text and
        masked entries are missing. Of more than 40 categories, the 40 most frequent have colours;
        all points have one colour if no two share a label.
    columns : mapping of str to array-like of shape (N,), DataFrame or None
        What else is known of each point (a dict, or a table of pandas or polars). Fractions are
        kept as float32, dates as milliseconds; integers up to 2⁵³ and text are kept as they are.
    ids : array-like of shape (N,) or None
        What the points are called in the CSV file; None counts them from 0.
    images : array-like of shape (N, h, w), (N, h, w, 1) or (N, h, w, 3), or None
        A picture of each point, shown beside its values: uint8, or floats from 0 to 1. Other
        numbers are stretched from the least to the greatest of all. Larger ones than 64 pixels
        are made smaller.
    titles : sequence of str or None
        One title for each of several maps; None counts them from 1.
    title : str
        The title of the page.

    Raises
    ------
    OSError
        If the folder does not exist or must not be written to.
    ValueError
        If the suffix is another one, the map is not finite or not 2-D, or something does not have
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
    maps = _maps(Y)
    n = len(maps[0])
    known, first = _known(labels, columns, n)
    head = {"title": str(title), "n": n, "titles": _titles(titles, len(maps)), "labels": first}
    named = None if ids is None else encode("ids", ids, n)
    pictures = None if images is None else sheets(images, n)
    text = page(head, _quantised(maps), known, named, pictures)
    with atomic_write(path) as file:
        file.write(text.encode(errors="replace"))  # halves of characters in the title


def _maps(Y: Any) -> list[np.ndarray]:
    """Return one or more maps of the same points, checked."""
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
                f"the maps must be of the same points, row by row, got {len(maps[0])} points in "
                f"Y[0] and {len(one)} in {name}."
            )
        if bad := int((~np.isfinite(one)).any(axis=1).sum()):
            raise ValueError(f"{name} must be finite, but {bad} of its {len(one)} points are not.")
    if not maps:
        raise ValueError("Y must hold one or more maps, got none.")
    return maps


def _quantised(maps: list[np.ndarray]) -> list[np.ndarray]:
    """Return each map's x and y as steps of the square around all maps."""
    low = np.min([Y.min(axis=0) for Y in maps], axis=0)
    high = np.max([Y.max(axis=0) for Y in maps], axis=0)
    side = (high - low).max() or 1.0
    start = low + (high - low - side) / 2
    return [np.rint((Y - start) * (LEVELS / side)).astype(np.uint16).T for Y in maps]


def _known(labels: Any, columns: Any, n: int) -> tuple[list[Column], int | None]:
    """Return the columns, labels first, and which one colours the points at first."""
    table = {} if columns is None else columns
    if not isinstance(table, Mapping) and not hasattr(table, "columns"):
        raise ValueError(
            "columns must be a dict of one sequence for each name or a DataFrame, got "
            f"{type(columns).__name__}."
        )
    names = list(table if isinstance(table, Mapping) else table.columns)
    known = [encode(f"columns[{name!r}]", table[name], n, str(name)) for name in names]
    if labels is None:
        return known, None
    if isinstance(labels, str):
        if labels not in names:
            raise ValueError(
                f"labels must be one of the columns {', '.join(map(repr, names)) or '(none)'} or "
                f"one label for each of the {n} points, got {labels!r}."
            )
        return known, names.index(labels)
    if "label" in names:
        raise ValueError(
            "columns must not hold a column 'label' beside labels; name it otherwise, or pass "
            "labels='label'."
        )
    return [encode("labels", labels, n, "label"), *known], 0


def _titles(titles: Sequence[str] | None, count: int) -> list[str]:
    if titles is None:
        return [str(i) for i in range(1, count + 1)]
    if isinstance(titles, str) or len(titles) != count:
        raise ValueError(f"titles must be one for each of the {count} maps, got {titles!r}.")
    return [str(x) for x in titles]
