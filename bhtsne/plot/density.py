"""A map → an image of the number of points in each pixel, for more points than dots can show."""

from typing import Any

from matplotlib.axes import Axes

from bhtsne.plot.raster import SCALES
from bhtsne.plot.scatter import (
    axes_and_colours,
    coordinates,
    draw_density,
    is_dense,
    name_categories,
    set_limits,
)


def density(
    Y: Any,
    labels: Any = None,
    *,
    ax: Axes | None = None,
    scale: str = "eq_hist",
    legend: str | None = "auto",
    legend_title: str | None = None,
    title: str | None = None,
    palette: Any = None,
    theme: str | None = None,
) -> Axes:
    """Draw the density of a map: the number and the classes of the points in each pixel.

    The colour of a pixel is the mean of the colours of its points in linear light, or the colour
    of the mean of a quantity; its opacity increases with the number of points. No point covers
    another.

    Parameters
    ----------
    Y : array-like of shape (N, d)
        The map; d is 2, or 1 for a histogram, stacked in the order of the labels.
    labels : array-like of shape (N,) or None
        As in `scatter`. Points without a label are drawn in grey in pixels without labelled points.
    ax : Axes or None
        Axes to draw in; None creates a new pyplot figure. The image has the current size of the
        axes in pixels: set the size and dpi of the figure before.
    scale : {"eq_hist", "log", "linear"}
        Function from counts to opacity. "eq_hist" is histogram equalisation: opacities are
        uniformly distributed over the pixels, which shows sparse and dense regions alike.
    legend : {"auto", "in place", "beside", None}
        As in `scatter`.
    legend_title : str or None
        As in `scatter`.
    title : str or None
        Title of the axes.
    palette : dict, list of colours, colormap, str or None
        As in `scatter`.
    theme : {"light", "dark", None}
        As in `scatter`.

    Returns
    -------
    Axes
        The axes drawn into; the image is the last of its ``images``.

    Raises
    ------
    ValueError
        If Y is not a finite map of one or two dimensions, labels do not have one entry for each
        point, or an option is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> Y = np.random.default_rng(0).normal(size=(100_000, 2))
    >>> ax = density(Y, Y[:, 0] > 0)
    >>> rows, columns, _ = ax.images[-1].get_array().shape
    >>> bool(rows > 400 and columns > 400)
    True
    """
    if scale not in SCALES:
        raise ValueError(f"scale must be 'eq_hist', 'log' or 'linear', got {scale!r}.")
    Y = coordinates(Y)
    is_dense("density", Y)
    captions: dict = {"legend": legend, "legend_title": legend_title, "title": title}
    axes, coloured = axes_and_colours(Y, labels, ax, palette=palette, theme=theme, **captions)
    set_limits(axes, Y)
    name_categories(axes, Y, coloured, legend)
    draw_density(axes, Y, coloured, scale)
    return axes
