"""A map → points in matplotlib axes, or an image of their density if there are too many."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bhtsne.plot.colours import Coloured, colour
from bhtsne.plot.naming import check_legend, colour_bar, count_below, name_beside, name_in_place
from bhtsne.plot.raster import SCALES, bin_edges, columns, grid, reach, shaded, stacked
from bhtsne.plot.theme import THEMES, check_theme, matching_theme, themed_axes

FIGSIZE = {1: (7, 3), 2: (7, 7), 3: (7, 7)}
PROJECTION = {1: None, 2: None, 3: "3d"}
KINDS = ("auto", "dots", "density")
# With 200,000 points, dots and density look alike on 7 inches. With a million, dots are so pale
# that single points are invisible, and drawing takes three times as long (bench/drawing.py).
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

    Labels are a quantity or categories. Floats, dates, and integers of more than 40 distinct
    values are quantities; the ends of their colour bar are the 1st and 99th percentiles. Strings,
    booleans, fewer distinct integers, and a categorical Series are categories. Numbers within
    strings sort by value. More than 40 categories share colours, with a warning. Of more than 80,
    the 20 most frequent are named and coloured, and the others are grey, with a warning; if all
    labels differ, all points have one colour.

    Points without a label (None, NaN, NaT, a blank string, masked) are drawn below the others in
    grey, and the legend shows their number. The others are drawn in a fixed random order, so that
    no category covers another.

    Parameters
    ----------
    Y : array-like of shape (N, d)
        The map; d is 1 (the points are stacked, as in a histogram), 2 or 3.
    labels : array-like of shape (N,) or None
        Labels of the points: a list, an array, or a column of pandas, polars or pyarrow.
    ax : Axes or None
        Axes to draw in, 3-D axes if d is 3. None creates a new pyplot figure.
    kind : {"auto", "dots", "density"}
        A dot for each point, or an image as in `density`. "auto" is "density" for 200,000 or more
        points, unless d is 3 or `size` or `alpha` is given.
    size, alpha : float or None
        Area of a dot in square typographic points, and its opacity. None chooses them by N, the
        area of the axes, and the fraction of the area that the dots cover.
    legend : {"auto", "in place", "beside", None}
        Names of categories at the densest place of each, or beside the axes. "auto" is "in place"
        for a 2-D map if each category has a place of its own and there is space, otherwise
        "beside". None also omits the colour bar.
    legend_title : str or None
        Title of the legend, or label of the colour bar. None is the name of the Series, if labels
        are one.
    title : str or None
        Title of the axes.
    palette : dict, list of colours, colormap, str or None
        For categories, a dict from category to colour, or a list of colours in the order of the
        categories; for quantities, a colormap of matplotlib or its name. None is `PALETTE`, or
        `DARK_PALETTE` on a dark background, and viridis for quantities. The colours of a
        categorical Series do not depend on which categories have points.
    theme : {"light", "dark", None}
        Background of axes and figure, with text in a matching colour. None does not change the
        background, and adapts text and colours to it; styles of matplotlib apply.

    Returns
    -------
    Axes
        The axes; the dots are the last of their ``collections``, the image of a density is the
        last of their ``images``.

    Raises
    ------
    ValueError
        If Y is not a finite map, labels do not have one entry for each point, or an option is
        invalid.

    Examples
    --------
    >>> Y = np.random.default_rng(0).normal(size=(100, 2))
    >>> ax = scatter(Y, Y[:, 0] > 0, title="Left and right")
    >>> [text.get_text() for text in ax.texts]
    ['False', 'True']

    Colours that do not depend on which categories are present:

    >>> from bhtsne.plot import PALETTE
    >>> colours = dict(zip("abc", PALETTE))
    >>> ax = scatter(Y[:50], ["a", "c"] * 25, palette=colours, theme="dark")
    """
    Y = coordinates(Y)
    dense = is_dense(kind, Y, size, alpha)
    captions: dict = {"legend": legend, "legend_title": legend_title, "title": title}
    axes, coloured = axes_and_colours(Y, labels, ax, palette=palette, theme=theme, **captions)
    if dense:
        set_limits(axes, Y)
        name_categories(axes, Y, coloured, legend)
        draw_density(axes, Y, coloured)
    else:
        drawn = draw_points(axes, Y, coloured.colours[0], coloured.known[0])
        if Y.shape[1] == 3:
            _equal_limits(axes)
        apply_layout(axes)
        drawn.set(**dot_style(axes, len(Y), size, alpha, plain=labels is None))
        name_categories(axes, Y, coloured, legend)
    return axes


def is_dense(kind: Any, Y: np.ndarray, size: Any = None, alpha: Any = None) -> bool:
    """Return whether `kind` draws a map as a density, or raise ValueError if it is not possible."""
    if kind not in KINDS:
        raise ValueError(f"kind must be 'auto', 'dots' or 'density', got {kind!r}.")
    n, dims = Y.shape
    plain = size is None and alpha is None
    if kind == "density" and not plain:
        raise ValueError("size and alpha are of dots, got kind='density'; omit them.")
    if kind == "density" and dims == 3:
        raise ValueError("kind='density' needs a map of 1 or 2 dimensions, got 3; use 'dots'.")
    return kind == "density" or (kind == "auto" and plain and dims < 3 and n >= _DENSE)


def axes_and_colours(
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
    """Return axes for one map, with a colour bar for quantities, and the colours of its points."""
    dims = Y.shape[1]
    check_theme(theme)
    style: dict = {"palette": palette, "title": legend_title, "theme": matching_theme(ax, theme)}
    coloured = colour([labels], [len(Y)], **style)
    check_legend(legend, coloured.names, dims)
    if ax is not None:
        check_axes(ax, dims)
    axes = themed_axes(ax, theme, FIGSIZE[dims], PROJECTION[dims])
    remove_frame(axes, dims)
    axes.set_title(title or axes.get_title())
    if coloured.scale is not None and legend is not None:
        colour_bar(axes, coloured)
    return axes, coloured


def name_categories(ax: Any, Y: np.ndarray, labels: Coloured, legend: str | None) -> None:
    """Add the names of categories to axes whose limits are set, and apply the layout."""
    if legend is None:
        apply_layout(ax)
        return
    complete = legend == "auto"
    in_place = Y.shape[1] == 2 and legend != "beside" and not (complete and labels.rest)
    note = count_below(ax, labels) if in_place or not labels.names else None
    apply_layout(ax)
    if labels.names and not (
        in_place and name_in_place(ax, Y, labels.values[0], labels.names, complete)
    ):
        if note is not None:
            note.remove()
        name_beside(ax, labels)
        apply_layout(ax)


def set_limits(ax: Any, Y: np.ndarray) -> None:
    """Set the limits that axes would have if the points were drawn."""
    points = stack(Y) if Y.shape[1] == 1 else Y
    ax.update_datalim([points.min(axis=0), points.max(axis=0)])
    ax.autoscale_view()


def draw_density(ax: Any, Y: np.ndarray, labels: Coloured, scale: str = SCALES[0]) -> Any:
    """Draw an image of the density of points in the pixels of axes whose layout is final."""
    width, height = (max(1, round(side)) for side in ax.get_window_extent().size)
    limits: Any = (*ax.get_xlim(), *ax.get_ylim())
    extent = limits
    if Y.shape[1] == 1:
        edges = bin_edges(Y[:, 0])
        image = stacked(Y[:, 0], edges, height, labels)
        extent = (edges[0], edges[-1], 0, np.bincount(columns(Y[:, 0], edges)).max())
    else:
        pixels = grid(Y, limits, (width, height))
        image = shaded(pixels, labels, scale, reach(ax.figure.dpi))
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


def remove_frame(ax: Any, dims: int) -> None:
    """Remove ticks and frame, and set an equal aspect, since coordinates of a map have no unit."""
    check_axes(ax, dims)
    ax.set(xticks=[], yticks=[], aspect="auto" if dims == 1 else "equal")
    if dims == 3:
        ax.set_zticks([])
        ax.set_box_aspect((1, 1, 1))
        theme = THEMES[matching_theme(ax)]
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.set_pane_color(theme.pane)
            axis.line.set_color(theme.line)
    else:
        ax.spines[:].set_visible(False)
        ax.margins(0.025)


def draw_points(ax: Any, Y: np.ndarray, colours: np.ndarray, known: np.ndarray) -> Any:
    """Draw points in a fixed random order, after the points without a label."""
    order = np.lexsort((np.random.default_rng(0).permutation(len(Y)), known))
    points = stack(Y[order]) if Y.shape[1] == 1 else Y[order]
    return ax.scatter(*points.T, c=colours[order], linewidths=0, rasterized=len(Y) >= 20_000)


def fit_limits(ax: Any, points: np.ndarray) -> None:
    """Set limits around points: a square or cube, or a rectangle for 1-D maps."""
    low, high = points.min(axis=0), points.max(axis=0)
    if ax.get_aspect() != "auto":
        middle, half = (low + high) / 2, (high - low).max() / 2
        low, high = middle - half, middle + half
    margin = np.where(high > low, 0.025 * (high - low), 0.5)
    limits = zip("xyz", low - margin, high + margin, strict=False)
    ax.set(**{f"{axis}lim": ends for axis, *ends in limits})


def _equal_limits(ax: Any) -> None:
    """Set limits of equal length in 3-D axes; matplotlib sets the aspect only once, when called."""
    low, high = np.array([ax.get_xlim(), ax.get_ylim(), ax.get_zlim()]).T
    fit_limits(ax, np.array([low, high]))


def apply_layout(*axes: Any) -> None:
    """Apply the layout of the figure, since sizes of text and axes are measured in it."""
    figure = axes[0].figure
    if engine := figure.get_layout_engine():
        engine.execute(figure.canvas.figure)
    for ax in axes:
        ax.apply_aspect()


def dot_style(ax: Any, n: int, size: float | None, alpha: float | None, plain: bool) -> dict:
    """Return the sizes and alpha of n dots, by default from the area of the axes."""
    area = np.prod(ax.get_window_extent().size) * (72 / ax.figure.dpi) ** 2
    size = 0.0135 * area / (n + 500) ** 0.7 if size is None else size
    opacity = (0.6 if plain else 0.9) / (1 + 2 * n * size / area)
    return {"sizes": [size], "alpha": opacity if alpha is None else alpha}


def stack(x: np.ndarray) -> np.ndarray:
    """Return a 1-D map with heights: each point is stacked on the earlier points of its bin."""
    column = columns(x[:, 0], bin_edges(x))
    order = np.argsort(column, kind="stable")
    height = np.empty(len(x))
    height[order] = np.arange(len(x)) - np.searchsorted(column[order], column[order])
    return np.column_stack([x, height])
