"""A map → an image of how many points lie in each pixel, for more of them than dots can show."""

from typing import Any

from matplotlib.axes import Axes

from bhtsne.plot.raster import SCALES
from bhtsne.plot.scatter import begun, bound, coordinates, is_dense, named, shade


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
    """Draw how many points of a map lie in each pixel of the axes, and of which class.

    The light of the classes in a pixel is mixed by their shares, and its opacity tells how many
    points there are. Of quantities the mean is shown. No point hides another, and the time is that
    of counting: a million points take about a second.

    Parameters
    ----------
    Y : array-like of shape (N, d)
        The map; d is 2, or 1: then it is a histogram, stacked in the order of the labels.
    labels : array-like of shape (N,) or None
        As in `scatter`. Points without a label are grey where no other point is.
    ax : Axes or None
        Where to draw. None makes a new pyplot figure. The image has the pixels that the axes have
        now: give the figure its size and dpi before.
    scale : {"eq_hist", "log", "linear"}
        How opacity follows from counts. "eq_hist" equalises the histogram, so that as many pixels
        have each opacity: it shows what there is at sparse places and at dense ones.
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
        If Y is not a finite map of one or two dimensions, labels do not fit it, or an option is
        not one of those named.

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
    told: dict = {"legend": legend, "legend_title": legend_title, "title": title}
    axes, coloured = begun(Y, labels, ax, palette=palette, theme=theme, **told)
    bound(axes, Y)
    named(axes, Y, coloured, legend)
    shade(axes, Y, coloured, scale)
    return axes
