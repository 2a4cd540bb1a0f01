"""A map → points in matplotlib axes (`scatter`) or a picture in a file (`save`)."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bhtsne.files import check_target, replacing
from bhtsne.plot.colours import colour
from bhtsne.plot.naming import check_legend, colour_bar, name_beside, name_in_place

_FIGSIZE = {1: (7, 3), 2: (7, 7), 3: (7, 7)}
PROJECTION = {1: None, 2: None, 3: "3d"}

_UNDATED: dict = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
SUFFIXES = tuple(_UNDATED)  # of the files that `save` writes


def scatter(
    Y: Any,
    labels: Any = None,
    *,
    ax: Axes | None = None,
    size: float | None = None,
    alpha: float | None = None,
    legend: str | None = "auto",
    title: str | None = None,
) -> Axes:
    """Draw a map, coloured by labels.

    Floats are a continuous quantity, as are integers of more than 40 distinct values; the ends of
    their colour bar are the 1st and 99th percentiles. All else names categories: strings, booleans,
    fewer distinct integers, a categorical Series. Beyond 40 they share colours, with a warning.
    Points without a label (None, NaN) are grey and underneath; the others are drawn in a random
    but fixed order, so that no category covers another.

    Parameters
    ----------
    Y : array-like of shape (N, d)
        The map; d is 1 (the points are stacked, as in a histogram), 2 or 3.
    labels : array-like of shape (N,) or None
        One label a point, also a pandas or polars Series.
    ax : Axes or None
        Where to draw, 3-D axes if d is 3. None makes a new pyplot figure.
    size, alpha : float or None
        Area of a point in square typographic points, and opacity. None lets N, the axes' area and
        the part of it that the points cover decide.
    legend : {"auto", "in place", "beside", None}
        Whether categories are named where each is densest, or beside the axes. "auto" names at
        most 20 categories of a 2-D map in place if each has a place of its own.
    title : str or None
        Title of the axes.

    Returns
    -------
    Axes
        The axes drawn into; the points are the last of its ``collections``.

    Examples
    --------
    >>> Y = np.random.default_rng(0).normal(size=(100, 2))
    >>> ax = scatter(Y, Y[:, 0] > 0, title="Left and right")
    >>> [text.get_text() for text in ax.texts]
    ['False', 'True']
    """
    Y = coordinates(Y)
    dims = Y.shape[1]
    coloured = colour([labels], [len(Y)])
    names = coloured.names
    check_legend(legend, names, dims)
    axes: Any = ax
    if axes is None:
        from matplotlib import pyplot as plt  # slow to load, and no file needs it

        figure = plt.figure(figsize=_FIGSIZE[dims], layout="constrained")
        axes = figure.add_subplot(projection=PROJECTION[dims])
    undress(axes, dims)
    axes.set_title(title or axes.get_title())
    if coloured.scale is not None and legend is not None:
        colour_bar(axes, coloured.scale)
    drawn = put(axes, Y, coloured.colours[0], coloured.known[0])
    settle(axes)
    drawn.set(**dots(axes, len(Y), size, alpha, plain=labels is None))
    if names and legend:
        picky = legend == "auto"
        placed = len(names) <= 20 and dims == 2 if picky else legend == "in place"
        if not (placed and name_in_place(axes, Y, coloured.values[0], names, picky)):
            name_beside(axes, coloured)
    return axes


def save(path: str | os.PathLike, Y: Any, labels: Any = None, **options: Any) -> None:
    """Draw a map as `scatter` does and write it to a file, whole or not at all.

    The same arguments make the same bytes. No display is needed and no pyplot figure is made.

    Parameters
    ----------
    path : str or path
        A file .png, .pdf or .svg; replaced if it exists. From 20,000 points on, a .pdf or .svg
        holds the points as an image.
    Y, labels : array-like
        As in `scatter`.
    **options
        The options `size`, `alpha`, `legend` and `title` of `scatter`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder, "map.svg"), [[0, 0], [1, 2], [3, 1]], ["a", "b", "b"])
    ...     print(*os.listdir(folder))
    map.svg
    """
    check_target(path, SUFFIXES)
    suffix = Path(path).suffix.lower()
    Y = coordinates(Y)
    figure = Figure(figsize=_FIGSIZE[Y.shape[1]], dpi=200)
    # the map fills the figure, and the title and legend outside it are added to the picture
    ax = figure.add_axes((0, 0, 1, 1), projection=PROJECTION[Y.shape[1]])
    scatter(Y, labels, ax=ax, **options)
    # type 42 is what journals ask for; the salt makes the identifiers in an SVG the same each time
    with rc_context({"pdf.fonttype": 42, "svg.hashsalt": "map"}), replacing(path) as file:
        figure.savefig(file, format=suffix[1:], bbox_inches="tight", metadata=_UNDATED[suffix])


def coordinates(Y: Any, name: str = "Y") -> np.ndarray:
    """Return a map as float64, or raise ValueError."""
    Y = np.asarray(Y, dtype=np.float64)
    if Y.ndim != 2 or Y.shape[1] not in (1, 2, 3) or len(Y) == 0:
        raise ValueError(f"{name} must have the shape (N, 1), (N, 2) or (N, 3), got {Y.shape}.")
    if bad := int((~np.isfinite(Y)).any(axis=1).sum()):
        raise ValueError(f"{name} must be finite, but {bad} of its {len(Y)} points are not.")
    return Y


def undress(ax: Any, dims: int) -> None:
    """Take away what means nothing in a map: ticks, frame and unequal axes."""
    if (ax.name == "3d") != (dims == 3):
        raise ValueError(f"a map of {dims} dimensions cannot be drawn in {ax.name!r} axes.")
    ax.set(xticks=[], yticks=[], aspect="auto" if dims == 1 else "equal")
    if dims == 3:
        ax.set_zticks([])
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.set_pane_color("#f6f6f6")
            axis.line.set_color("#dddddd")
    else:
        ax.spines[:].set_visible(False)
        ax.margins(0.025)


def put(ax: Any, Y: np.ndarray, colours: np.ndarray, known: np.ndarray) -> Any:
    """Draw points in a random but fixed order, those without a label underneath."""
    order = np.lexsort((np.random.default_rng(0).permutation(len(Y)), known))
    points = stack(Y[order]) if Y.shape[1] == 1 else Y[order]
    return ax.scatter(*points.T, c=colours[order], linewidths=0, rasterized=len(Y) >= 20_000)


def frame(ax: Any, points: np.ndarray) -> None:
    """Set the limits to a square or cube around points, or a rectangle around those of 1-D maps."""
    low, high = points.min(axis=0), points.max(axis=0)
    if ax.get_aspect() != "auto":
        middle, half = (low + high) / 2, (high - low).max() / 2
        low, high = middle - half, middle + half
    margin = np.where(high > low, 0.025 * (high - low), 0.5)
    limits = zip("xyz", low - margin, high + margin, strict=False)
    ax.set(**{f"{axis}lim": ends for axis, *ends in limits})


def settle(*axes: Any) -> None:
    """Lay the axes' figure out as it will be drawn: sizes are measured in the final layout."""
    figure = axes[0].figure
    if engine := figure.get_layout_engine():
        engine.execute(figure.canvas.figure)
    for ax in axes:
        ax.apply_aspect()


def dots(ax: Any, n: int, size: float | None, alpha: float | None, plain: bool) -> dict:
    """Return the sizes and alpha of n points that the axes have room for."""
    area = np.prod(ax.get_window_extent().size) * (72 / ax.figure.dpi) ** 2
    size = 0.0135 * area / (n + 500) ** 0.7 if size is None else size
    opacity = (0.6 if plain else 0.9) / (1 + 2 * n * size / area)
    return {"sizes": [size], "alpha": opacity if alpha is None else alpha}


def stack(x: np.ndarray) -> np.ndarray:
    """Give a 1-D map a height: each point stands on those before it in the same narrow bin."""
    edges = np.histogram_bin_edges(x, bins=int(np.clip(2 * len(x) ** 0.5, 20, 300)))
    column = np.searchsorted(edges[1:-1], x[:, 0])
    order = np.argsort(column, kind="stable")
    height = np.empty(len(x))
    height[order] = np.arange(len(x)) - np.searchsorted(column[order], column[order])
    return np.column_stack([x, height])
