"""A map and the images that are its points → the images drawn where they lie, as many as fit."""

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

# Thumbnails at most a tenth of their size from the knots of a grid of this pitch never overlap:
# where there are many points, every knot has one. By a pitch of 1 half of the knots stay empty.
_PITCH = 1.2
_FINE = 16  # cells in a pitch, each of which has one candidate
_FRAME = 0.05  # of a thumbnail's longer side
_SHARP = 64  # pixels of a thumbnail's longer side, at the most


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
    """Draw images where their points lie on a map, as many as do not overlap.

    Parameters
    ----------
    Y : array-like of shape (N, 2)
        The map.
    images : array-like of shape (N, h, w), (N, h, w, 3), (N, h, w, 4) or (N, h²)
        One image a point, grey or in colours; flat ones are squares. Colours are uint8 or 0 to 1.
        Of grey images the largest value of all is the lightest.
    labels : array-like of shape (N,) or None
        As in `scatter`: they tint strokes and frames.
    ax : Axes or None
        Where to draw. None makes a new pyplot figure.
    size : float or None
        The longer side of an image in typographic points. None lets N and the axes decide.
    opaque : bool or None
        Whether images have a background of their own. If not, grey values are opacity, so that
        strokes stand on the background of the axes. None: grey images whose borders are mostly of
        the least value, as written digits have them, are not.
    legend : {"beside", None}
        Whether labels are explained.
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
        The axes drawn into; the images are the last of its ``images``, in one.

    Raises
    ------
    ValueError
        If Y is not a finite 2-D map, images or labels do not fit it, or an option is out of its
        range.

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
    images = _checked(images, len(Y))
    for name, value in (("size", size), ("opaque", opaque)):
        kind: Any = Real if name == "size" else bool
        if value is not None and (not isinstance(value, kind) or (name == "size" and value <= 0)):
            rule = "a number above 0" if name == "size" else "True, False"
            raise ValueError(f"{name} must be {rule} or None, got {value!r}.")
    if legend not in ("beside", None):
        raise ValueError(f"legend must be 'beside' or None, got {legend!r}.")
    told: dict = {"legend": legend, "legend_title": legend_title, "title": title}
    axes, coloured = axes_and_colours(Y, labels, ax, palette=palette, theme=theme, **told)
    set_limits(axes, Y)
    if legend:
        (name_beside if coloured.names else count_below)(axes, coloured)
    apply_layout(axes)
    if opaque is None:
        opaque = images.ndim == 4 or not _has_empty_borders(images)
    _paste(axes, Y, images, coloured, size, opaque, tinted=labels is not None)
    return axes


def _checked(images: Any, n: int) -> np.ndarray:
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
    """Return whether most of the borders of grey images have the least value of all."""
    some = images[:: max(1, len(images) // 1000)]
    sides = (some[:, 0], some[:, -1], some[:, :, 0], some[:, :, -1])
    border = np.concatenate([side.ravel() for side in sides])
    return bool(np.median(border) <= some.min() < some.max())


def _paste(
    ax: Any,
    Y: np.ndarray,
    images: np.ndarray,
    labels: Coloured,
    size: float | None,
    opaque: bool,
    tinted: bool,
) -> None:
    """Draw the images that do not overlap, on one canvas of about their own pixels."""
    box, dpi = ax.get_window_extent(), ax.figure.dpi
    height, width = images.shape[1:3]
    longer = (_side(len(Y), box.width * 72 / dpi) if size is None else size) * dpi / 72
    sides = longer * np.array([width, height]) / max(width, height)
    # thumbnails reach beyond the points: the limits make room for half of one on each side
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
    """Return the side of a thumbnail in typographic points, for n of them on a width."""
    return float(np.clip(width / (1.5 * n**0.5), 11, max(11.0, width / 12)))


def apart(place: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Return points around which rectangles do not overlap, as many as are easily found.

    They are taken in the order of their distance from the knots of a grid, so that they lie close
    where the points do.
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
            taken[x, y] = place[i]  # no second one fits into a cell of a thumbnail's size
            chosen.append(i)
    return np.array(chosen, int)


def _thumbnail(
    image: np.ndarray, pixels: np.ndarray, ends: tuple, colour: np.ndarray, opaque: bool, framed
) -> np.ndarray:
    """Return an image as RGBA of a size, its strokes or its frame in a colour."""
    if image.ndim == 3 and image.dtype.kind != "f":
        values = image.astype(float) / (255.0 if image.dtype == np.uint8 else max(ends[1], 1))
    elif image.ndim == 3:
        values = np.clip(image, 0, 1)
    else:
        values = (image.astype(float) - ends[0]) / ((ends[1] - ends[0]) or 1.0)
    bands = np.atleast_3d(np.nan_to_num(values, posinf=1.0))
    kept = [_resized(band, pixels) for band in np.moveaxis(bands, -1, 0)]
    rgba = np.ones((*kept[0].shape, 4))
    if opaque:
        rgba[..., : max(3, len(kept))] = np.stack(kept, axis=-1)
        if framed:
            edge = max(1, round(_FRAME * max(pixels)))
            inner = rgba[edge:-edge, edge:-edge].copy()
            rgba[...] = [*colour, 1.0]
            rgba[edge:-edge, edge:-edge] = inner
    else:
        rgba[..., :3], rgba[..., 3] = colour, np.max(kept, axis=0)
    return rgba


def _resized(band: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Return one channel in a size, unchanged if it has it."""
    if band.shape == (pixels[1], pixels[0]):
        return band
    smooth = Image.fromarray(band.astype(np.float32)).resize(
        (int(pixels[0]), int(pixels[1])), Image.Resampling.BOX
    )
    return np.clip(np.asarray(smooth), 0, 1)
