"""A map → points in matplotlib axes, or an image of their density where they are too many."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bhtsne.plot.colours import Coloured, colour
from bhtsne.plot.naming import check_legend, colour_bar, count_below, name_beside, name_in_place
from bhtsne.plot.raster import SCALES, bin_edges, columns, grid, reach, shaded, stacked
from bhtsne.plot.theme import THEMES, check_theme, opened, suited

FIGSIZE = {1: (7, 3), 2: (7, 7), 3: (7, 7)}
PROJECTION = {1: None, 2: None, 3: "3d"}
KINDS = ("auto", "dots", "density")
# At 200,000 dots and density look alike on a page of 7 inches. Of a million, dots pale, strays
# among them can no longer be seen, and drawing takes three times as long (`bench/drawing.py`).
_DENSE = 200_000


def scatter(
    Y: Any,
    labels: Any = None,
    *,
    ax: Axes | None = None,
    kind: str = "auto",
    size: float | None = None,
    alpha: float | None = None,
    legend: str | None = "auto",
    legend_title: str | None = None,
    title: str | None = None,
    palette: Any = None,
    theme: str | None = None,
) -> Axes:
    """Draw a map, coloured by labels.

    Floats are a continuous quantity, as are integers of more than 40 distinct values; the ends of
    their colour bar are the 1st and 99th percentiles. Dates are one, too, with dates along the bar.
    All else names categories: strings, booleans, fewer distinct integers, a categorical Series.
    Numbers in strings have the order of their values. Beyond 40 categories share colours, with a
    warning. Of more than 80, the 20 most frequent are named and coloured and the others are grey,
    with a warning; all points have one colour if no two share a label.

    Points without a label (None, NaN, NaT, a blank string, masked) are grey, underneath and
    counted; the others are drawn in a random but fixed order, so that no category covers another.

    Parameters
    ----------
    Y : array-like of shape (N, d)
        The map; d is 1 (the points are stacked, as in a histogram), 2 or 3.
    labels : array-like of shape (N,) or None
        One label a point; a list, an array, or a column of pandas, polars or pyarrow.
    ax : Axes or None
        Where to draw, 3-D axes if d is 3. None makes a new pyplot figure.
    kind : {"auto", "dots", "density"}
        A dot for each point, or an image as `density` makes it. "auto" is "density" from 200,000
        points on, unless d is 3 or `size` or `alpha` is given.
    size, alpha : float or None
        Area of a dot in square typographic points, and opacity. None lets N, the axes' area and
        the part of it that the points cover decide.
    legend : {"auto", "in place", "beside", None}
        Whether categories are named where each is densest, or beside the axes. "auto" names
        categories of a 2-D map in place if each has a place of its own and there is room. None
        also leaves out the bar of quantities.
    legend_title : str or None
        What the labels are, over the legend or along the bar. None is the name of the Series, if
        labels are one.
    title : str or None
        Title of the axes.
    palette : dict, list of colours, colormap, str or None
        Colours. For categories, a dict gives each its own, whichever others there are; a list
        gives them in order. For quantities, a colormap of matplotlib or its name. None is
        `PALETTE`, on a dark background `DARK_PALETTE`; for quantities viridis. The categories of a
        categorical Series keep their colours where some have no point.
    theme : {"light", "dark", None}
        Background of axes and figure, and text that shows on it. None leaves the background as it
        is, and what is drawn is suited to it: styles of matplotlib are followed.

    Returns
    -------
    Axes
        The axes drawn into; dots are the last of its ``collections``, the image of a density is
        the last of its ``images``.

    Raises
    ------
    ValueError
        If Y is not a finite map, labels do not fit it, or an option is not one of those named.

    Examples
    --------
    >>> Y = np.random.default_rng(0).normal(size=(100, 2))
    >>> ax = scatter(Y, Y[:, 0] > 0, title="Left and right")
    >>> [text.get_text() for text in ax.texts]
    ['False', 'True']

    Colours that stay, whatever is shown:

    >>> from bhtsne.plot import PALETTE
    >>> colours = dict(zip("abc", PALETTE))
    >>> ax = scatter(Y[:50], ["a", "c"] * 25, palette=colours, theme="dark")
    """
    Y = coordinates(Y)
    dense = is_dense(kind, Y, size, alpha)
    told: dict = {"legend": legend, "legend_title": legend_title, "title": title}
    axes, coloured = begun(Y, labels, ax, palette=palette, theme=theme, **told)
    if dense:
        bound(axes, Y)
        named(axes, Y, coloured, legend)
        shade(axes, Y, coloured)
    else:
        drawn = put(axes, Y, coloured.colours[0], coloured.known[0])
        if Y.shape[1] == 3:
            _cube(axes)
        settle(axes)
        drawn.set(**dots(axes, len(Y), size, alpha, plain=labels is None))
        named(axes, Y, coloured, legend)
    return axes


def is_dense(kind: Any, Y: np.ndarray, size: Any = None, alpha: Any = None) -> bool:
    """Return whether the points of a map are to be drawn as a density, or raise ValueError."""
    if kind not in KINDS:
        raise ValueError(f"kind must be 'auto', 'dots' or 'density', got {kind!r}.")
    n, dims = Y.shape
    plain = size is None and alpha is None
    if kind == "density" and not plain:
        raise ValueError("size and alpha are of dots, and kind='density' draws none; leave them.")
    if kind == "density" and dims == 3:
        raise ValueError("kind='density' needs a map of 1 or 2 dimensions, got 3; use 'dots'.")
    return kind == "density" or (kind == "auto" and plain and dims < 3 and n >= _DENSE)


def begun(
    Y: np.ndarray,
    labels: Any,
    ax: Any,
    *,
    legend: str | None,
    legend_title: str | None,
    title: str | None,
    palette: Any,
    theme: str | None,
) -> tuple[Any, Coloured]:
    """Return axes for one map, with a bar if there are quantities, and what colours its points."""
    dims = Y.shape[1]
    check_theme(theme)
    theirs: dict = {"palette": palette, "title": legend_title, "theme": suited(ax, theme)}
    coloured = colour([labels], [len(Y)], **theirs)
    check_legend(legend, coloured.names, dims)
    if ax is not None:
        check_axes(ax, dims)
    axes = opened(ax, theme, FIGSIZE[dims], PROJECTION[dims])
    undress(axes, dims)
    axes.set_title(title or axes.get_title())
    if coloured.scale is not None and legend is not None:
        colour_bar(axes, coloured)
    return axes, coloured


def named(ax: Any, Y: np.ndarray, labels: Coloured, legend: str | None) -> None:
    """Name the categories on axes that have their limits, and lay the axes out."""
    if legend is None:
        settle(ax)
        return
    picky = legend == "auto"
    in_place = Y.shape[1] == 2 and legend != "beside" and not (picky and labels.rest)
    note = count_below(ax, labels) if in_place or not labels.names else None
    settle(ax)
    if labels.names and not (
        in_place and name_in_place(ax, Y, labels.values[0], labels.names, picky)
    ):
        if note is not None:
            note.remove()
        name_beside(ax, labels)
        settle(ax)


def bound(ax: Any, Y: np.ndarray) -> None:
    """Give axes the limits that they would have with points in them."""
    points = stack(Y) if Y.shape[1] == 1 else Y
    ax.update_datalim([points.min(axis=0), points.max(axis=0)])
    ax.autoscale_view()


def shade(ax: Any, Y: np.ndarray, labels: Coloured, scale: str = SCALES[0]) -> Any:
    """Draw an image of the points' density in the pixels of axes, whose layout is final."""
    width, height = (max(1, round(side)) for side in ax.get_window_extent().size)
    limits: Any = (*ax.get_xlim(), *ax.get_ylim())
    extent = limits
    if Y.shape[1] == 1:
        edges = bin_edges(Y[:, 0])
        image = stacked(Y[:, 0], edges, height, labels)
        extent = (edges[0], edges[-1], 0, np.bincount(columns(Y[:, 0], edges)).max())
    else:
        on = grid(Y, limits, (width, height))
        image = shaded(on, labels, scale, reach(ax.figure.dpi))
    place: dict = {"extent": extent, "aspect": ax.get_aspect(), "zorder": 1}
    drawn = ax.imshow(image, origin="lower", interpolation="nearest", **place)
    ax.set(xlim=limits[:2], ylim=limits[2:])
    return drawn


def coordinates(Y: Any, name: str = "Y") -> np.ndarray:
    """Return a map as float64, or raise ValueError."""
    Y = np.asarray(Y, dtype=np.float64)
    if Y.ndim != 2 or Y.shape[1] not in (1, 2, 3) or len(Y) == 0:
        raise ValueError(f"{name} must have the shape (N, 1), (N, 2) or (N, 3), got {Y.shape}.")
    if bad := int((~np.isfinite(Y)).any(axis=1).sum()):
        raise ValueError(f"{name} must be finite, but {bad} of its {len(Y)} points are not.")
    return Y


def check_axes(ax: Any, dims: int) -> None:
    """Raise ValueError for axes in which a map cannot be drawn."""
    if (ax.name == "3d") != (dims == 3):
        raise ValueError(f"a map of {dims} dimensions cannot be drawn in {ax.name!r} axes.")


def undress(ax: Any, dims: int) -> None:
    """Take away what means nothing in a map: ticks, frame and unequal axes."""
    check_axes(ax, dims)
    ax.set(xticks=[], yticks=[], aspect="auto" if dims == 1 else "equal")
    if dims == 3:
        ax.set_zticks([])
        ax.set_box_aspect((1, 1, 1))
        theme = THEMES[suited(ax)]
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.set_pane_color(theme.pane)
            axis.line.set_color(theme.line)
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


def _cube(ax: Any) -> None:
    """Give 3-D axes limits of one length: matplotlib takes their ratio when it is asked, once."""
    low, high = np.array([ax.get_xlim(), ax.get_ylim(), ax.get_zlim()]).T
    frame(ax, np.array([low, high]))


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
    column = columns(x[:, 0], bin_edges(x))
    order = np.argsort(column, kind="stable")
    height = np.empty(len(x))
    height[order] = np.arange(len(x)) - np.searchsorted(column[order], column[order])
    return np.column_stack([x, height])
