"""A map and one image for each point → images at the positions of points, without overlap."""

from numbers import Real
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from PIL import Image

from bhtsne.plot.colours import Coloured
from bhtsne.plot.naming import count_below, name_beside
from bhtsne.plot.scatter import apply_layout, axes_and_colours, coordinates, set_limits
from bhtsne.plot.theme import ink

# Candidates near the nodes of a grid come first. The pitch is in sizes of a thumbnail: at 1.2,
# thumbnails within a tenth of their size from their nodes never overlap. At 1, the thumbnails of
# neighbouring nodes nearly always do, and many nodes remain empty.
_PITCH = 1.2
_FINE = 16  # cells per pitch, each of which has one candidate
_FRAME = 0.05  # of the longer side of a thumbnail
_SHARP = 64  # maximum number of pixels of the longer side of a thumbnail


def thumbnails(
    Y: Any,
    images: Any,
    labels: Any = None,
    *,
    ax: Axes | None = None,
    size: float | None = None,
    opaque: bool | None = None,
    legend: str | None = "beside",
    legend_title: str | None = None,
    title: str | None = None,
    palette: Any = None,
    theme: str | None = None,
) -> Axes:
    """Draw images at the positions of their points on a map, as many as fit without overlap.

    Parameters
    ----------
    Y : array-like of shape (N, 2)
        The map.
    images : array-like of shape (N, h, w), (N, h, w, 3), (N, h, w, 4) or (N, h²)
        One grey or colour image for each point; flat images are square. Colours are uint8, or
        floats from 0 to 1. Grey values are scaled from the minimum to the maximum of all images;
        the maximum is the lightest.
    labels : array-like of shape (N,) or None
        As in `scatter`; they colour the strokes or frames of the images.
    ax : Axes or None
        Axes to draw in; None creates a new pyplot figure.
    size : float or None
        The longer side of an image in typographic points. None chooses it by N and the axes.
    opaque : bool or None
        Whether the images have a background. Otherwise grey values are opacity, and strokes are
        drawn on the background of the axes. None: False for grey images with most border pixels
        at the minimum, such as handwritten digits, True for all others.
    legend : {"beside", None}
        A legend or colour bar beside the axes, or none.
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
        The axes; the last of their ``images`` holds all thumbnails.

    Raises
    ------
    ValueError
        If Y is not a finite 2-D map, images or labels do not have one entry for each point, or an
        option is invalid.

    Examples
    --------
    >>> from bhtsne import datasets, initial
    >>> digits = datasets.digits()
    >>> Y = initial.pca(digits.X, 2, random_state=0)
    >>> ax = thumbnails(Y, digits.X, digits.y)
    >>> len(ax.images)
    1
    """
    Y = coordinates(Y)
    if Y.shape[1] != 2:
        raise ValueError(f"Y must be a map of 2 dimensions, got {Y.shape[1]}.")
    images = _as_images(images, len(Y))
    for name, value in (("size", size), ("opaque", opaque)):
        kind: Any = Real if name == "size" else bool
        if value is not None and (not isinstance(value, kind) or (name == "size" and value <= 0)):
            rule = "a number above 0" if name == "size" else "True, False"
            raise ValueError(f"{name} must be {rule} or None, got {value!r}.")
    if legend not in ("beside", None):
        raise ValueError(f"legend must be 'beside' or None, got {legend!r}.")
    captions: dict = {"legend": legend, "legend_title": legend_title, "title": title}
    axes, coloured = axes_and_colours(Y, labels, ax, palette=palette, theme=theme, **captions)
    set_limits(axes, Y)
    if legend:
        (name_beside if coloured.names else count_below)(axes, coloured)
    apply_layout(axes)
    if opaque is None:
        opaque = images.ndim == 4 or not _has_empty_borders(images)
    _draw_thumbnails(axes, Y, images, coloured, size, opaque, tinted=labels is not None)
    return axes


def _as_images(images: Any, n: int) -> np.ndarray:
    """Return images of shape (n, h, w) or (n, h, w, channels), or raise ValueError."""
    images = np.asarray(images)
    if images.ndim == 2 and (side := round(images.shape[1] ** 0.5)) ** 2 == images.shape[1]:
        images = images.reshape(len(images), side, side)
    fits = images.ndim == 3 or (images.ndim == 4 and images.shape[3] in (3, 4))
    if not fits or len(images) != n or 0 in images.shape:
        raise ValueError(
            f"images must have the shape ({n}, h, w), ({n}, h, w, 3 or 4) or ({n}, h * h), "
            f"got {images.shape}."
        )
    if images.dtype.kind not in "biuf":
        raise ValueError(f"images must be numbers, got the dtype {images.dtype}.")
    return images


def _has_empty_borders(images: np.ndarray) -> bool:
    """Return whether most border pixels of grey images have the minimum value."""
    some = images[:: max(1, len(images) // 1000)]
    sides = (some[:, 0], some[:, -1], some[:, :, 0], some[:, :, -1])
    border = np.concatenate([side.ravel() for side in sides])
    return bool(np.median(border) <= some.min() < some.max())


def _draw_thumbnails(
    ax: Any,
    Y: np.ndarray,
    images: np.ndarray,
    labels: Coloured,
    size: float | None,
    opaque: bool,
    tinted: bool,
) -> None:
    """Draw the images that do not overlap, as one image of about their own resolution."""
    box, dpi = ax.get_window_extent(), ax.figure.dpi
    height, width = images.shape[1:3]
    longer = (_side(len(Y), box.width * 72 / dpi) if size is None else size) * dpi / 72
    sides = longer * np.array([width, height]) / max(width, height)
    # Thumbnails extend beyond the points: widen the limits by half a thumbnail on each side.
    to_data = np.ptp(np.array([ax.get_xlim(), ax.get_ylim()]), axis=1) / box.size
    ax.update_datalim([Y.min(axis=0) - sides / 2 * to_data, Y.max(axis=0) + sides / 2 * to_data])
    ax.autoscale_view()
    apply_layout(ax)
    box = ax.get_window_extent()
    place = ax.transData.transform(Y) - box.min
    inside = ((place >= sides / 2) & (place <= box.size - sides / 2)).all(axis=1)
    candidates = np.flatnonzero(inside)
    chosen = candidates[apart(place[candidates], sides)]
    sharp = min(_SHARP, max(height, width, int(np.ceil(longer))))
    pixels = np.maximum(1, np.rint(sharp * sides / longer).astype(int))
    factor = pixels / sides
    columns, rows = np.maximum(pixels, np.rint(box.size * factor).astype(int))
    canvas = np.zeros((rows, columns, 4))
    low = np.rint(place[chosen] * factor - pixels / 2).astype(int)
    low = np.clip(low, 0, np.array([columns, rows]) - pixels)
    colours = labels.colours[0] if tinted else np.tile([*to_rgb(ink(ax)), 1.0], (len(Y), 1))
    ends = images.min(), images.max()
    for i, (x, y) in zip(chosen, low, strict=True):
        one = _thumbnail(images[i], pixels, ends, colours[i, :3], opaque, framed=tinted)
        canvas[y : y + pixels[1], x : x + pixels[0]] = one[::-1]
    extent = (*ax.get_xlim(), *ax.get_ylim())
    place_at: dict = {"extent": extent, "aspect": "equal", "zorder": 2}
    ax.imshow(canvas, origin="lower", interpolation="antialiased", **place_at)


def _side(n: int, width: float) -> float:
    """Return the side of one of n thumbnails on a width, all in typographic points."""
    return float(np.clip(width / (1.5 * n**0.5), 11, max(11.0, width / 12)))


def apart(place: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Return the indices of points around which rectangles of a size do not overlap.

    Points are selected greedily, in the order of their distance from the nodes of a grid, so that
    regions dense in points are filled.
    """
    if not len(place):
        return np.empty(0, int)
    at = place / (_PITCH * sides)
    cell = np.floor(at * _FINE).astype(np.int64)
    off = np.abs(at - np.floor(at) - 0.5).max(axis=1)
    order = np.lexsort((np.arange(len(place)), off))
    first = np.unique(cell[order], axis=0, return_index=True)[1]
    taken: dict[tuple[int, int], np.ndarray] = {}
    chosen = []
    for i in order[np.sort(first)]:
        x, y = (int(k) for k in place[i] // sides)
        near = (taken.get((x + a, y + b)) for a in (-1, 0, 1) for b in (-1, 0, 1))
        if all(other is None or (np.abs(other - place[i]) >= sides).any() for other in near):
            taken[x, y] = place[i]  # a cell has the size of a thumbnail, and holds at most one
            chosen.append(i)
    return np.array(chosen, int)


def _thumbnail(
    image: np.ndarray, pixels: np.ndarray, ends: tuple, colour: np.ndarray, opaque: bool, framed
) -> np.ndarray:
    """Return an image of a size as RGBA, with its strokes or frame in a colour."""
    if image.ndim == 3 and image.dtype.kind != "f":
        values = image.astype(float) / (255.0 if image.dtype == np.uint8 else max(ends[1], 1))
    elif image.ndim == 3:
        values = np.clip(image, 0, 1)
    else:
        values = (image.astype(float) - ends[0]) / ((ends[1] - ends[0]) or 1.0)
    bands = np.atleast_3d(np.nan_to_num(values, posinf=1.0))
    channels = [_resized(band, pixels) for band in np.moveaxis(bands, -1, 0)]
    rgba = np.ones((*channels[0].shape, 4))
    if opaque:
        rgba[..., : max(3, len(channels))] = np.stack(channels, axis=-1)
        if framed:
            edge = max(1, round(_FRAME * max(pixels)))
            inner = rgba[edge:-edge, edge:-edge].copy()
            rgba[...] = [*colour, 1.0]
            rgba[edge:-edge, edge:-edge] = inner
    else:
        rgba[..., :3], rgba[..., 3] = colour, np.max(channels, axis=0)
    return rgba


def _resized(band: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Return one channel resized to (columns, rows)."""
    if band.shape == (pixels[1], pixels[0]):
        return band
    smooth = Image.fromarray(band.astype(np.float32)).resize(
        (int(pixels[0]), int(pixels[1])), Image.Resampling.BOX
    )
    return np.clip(np.asarray(smooth), 0, 1)
