"""A map and the data of its points → one HTML file, which opens in any browser, offline."""

import os
from collections.abc import Sequence
from typing import Any

from bhtsne.browser.content import content
from bhtsne.browser.markup import page
from bhtsne.files import atomic_write, check_target

__all__ = ["write"]


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
        such as ``TSNE.neighbors_``. The page stores the first 15.
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
