"""Points and their colours → an image of the number and the mean colour of points in each pixel."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import to_rgb, to_rgba_array

from bhtsne.plot.colours import Coloured
from bhtsne.plot.theme import linear_light

SCALES = ("eq_hist", "log", "linear")
_LEAST = 0.25  # opacity of a pixel with the fewest points
_DOT = 0.6  # diameter of the smallest visible dot in typographic points


class Grid(NamedTuple):
    """The pixels of the points within the limits of an image."""

    shape: tuple[int, int]  # rows and columns
    pixel: np.ndarray  # of each point within the limits
    inside: np.ndarray  # indices of the points within the limits


def grid(points: np.ndarray, limits: tuple, size: tuple[int, int]) -> Grid:
    """Return the pixels of points for an image of limits (x0, x1, y0, y1) and (columns, rows)."""
    columns, rows = size
    ends = np.array(limits, float).reshape(2, 2)
    place = (points - ends[:, 0]) / (ends[:, 1] - ends[:, 0]) * (columns, rows)
    inside = np.flatnonzero(((place >= 0) & (place <= (columns, rows))).all(axis=1))
    column, row = np.minimum(place[inside].astype(np.int64), (columns - 1, rows - 1)).T
    return Grid((rows, columns), row * columns + column, inside)


def shaded(pixels: Grid, labels: Coloured, scale: str, reach: int) -> np.ndarray:
    """Return an RGBA image of shape (rows, columns, 4), its first row the lowest.

    The colour of a pixel is the mean colour of its labelled points in linear light, or the colour
    of their mean quantity. Its opacity increases with their number. Pixels without labelled points
    show the others.
    """
    count = pixels.shape[0] * pixels.shape[1]
    known = labels.known[0][pixels.inside]
    here = known if known.any() else np.ones(len(known), bool)
    chosen, pixel = pixels.inside[here], pixels.pixel[here]
    sums = [np.bincount(pixel, minlength=count)]
    if labels.scale is None:
        # one more colour, at index -1, for maps without any label
        table = to_rgba_array([*labels.swatches, labels.colours[0][0]])[:, :3]
        light = linear_light(table)[labels.values[0][chosen]]
    else:
        ends = labels.scale.get_clim()
        light = np.clip(labels.values[0][chosen], *ends)[:, None]
    sums += [np.bincount(pixel, one, minlength=count) for one in light.T]
    others = np.bincount(pixels.pixel[~here], minlength=count)
    total, *sums, rest = (_box_sum(x.reshape(pixels.shape), reach) for x in (*sums, others))
    image = np.zeros((*pixels.shape, 4))
    some = total > 0
    mean = np.stack(sums, axis=-1)[some] / total[some][:, None]
    scaled: Any = labels.scale
    image[some, :3] = _gamma(mean) if scaled is None else scaled.to_rgba(mean[:, 0])[:, :3]
    image[some, 3] = _opacity(total[some], scale)
    image[~some & (rest > 0), :3] = to_rgb(labels.missing)
    image[~some & (rest > 0), 3] = _opacity(rest[~some & (rest > 0)], scale)
    return image


def stacked(x: np.ndarray, edges: np.ndarray, rows: int, labels: Coloured) -> np.ndarray:
    """Return an RGBA image of a histogram, with the points of each bin stacked by label.

    The first row is the lowest and starts with points without a label. The height of the image is
    that of the fullest bin.
    """
    order = np.lexsort((labels.values[0], labels.known[0], column := columns(x, edges)))
    count = np.bincount(column, minlength=len(edges) - 1)
    height = ((np.arange(rows) + 0.5) * (count.max() / rows)).astype(int)[:, None]
    filled = height < count
    point = order[np.where(filled, np.cumsum(count) - count + height, 0)]
    return labels.colours[0][point] * filled[..., None]


def columns(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the index of the bin of each value."""
    return np.searchsorted(edges[1:-1], x)


def bin_edges(x: np.ndarray) -> np.ndarray:
    """Return the edges of the narrow bins in which a 1-D map is stacked."""
    return np.histogram_bin_edges(x, bins=int(np.clip(2 * len(x) ** 0.5, 20, 300)))


def reach(dpi: float) -> int:
    """Return the radius in pixels at which a single point is visible, 0 for its own pixel."""
    return round((_DOT * dpi / 72 - 1) / 2)


def _box_sum(image: np.ndarray, reach: int) -> np.ndarray:
    """Return the sum over the square of pixels up to `reach` around each pixel."""
    for axis in (0, 1) if reach > 0 else ():
        whole = image.cumsum(axis=axis)
        ahead = np.take(
            whole,
            np.minimum(np.arange(image.shape[axis]) + reach, image.shape[axis] - 1),
            axis=axis,
        )
        behind = np.take(whole, np.maximum(np.arange(image.shape[axis]) - reach - 1, 0), axis=axis)
        first = [slice(None)] * 2
        first[axis] = slice(0, reach + 1)
        behind[tuple(first)] = 0
        image = ahead - behind
    return image


def _opacity(count: np.ndarray, scale: str) -> np.ndarray:
    """Return the opacity of pixels from their counts, which are positive."""
    if not count.size:
        return count
    if scale == "eq_hist":
        _, which, pixels = np.unique(count, return_inverse=True, return_counts=True)
        rank = np.cumsum(pixels) - pixels / 2  # the mean rank of equal counts
        part = (rank / rank[-1])[which]
    elif scale == "log":
        part = np.log(count) / max(np.log(count.max()), 1e-9) if count.max() > 1 else 1.0
    else:
        part = count / count.max()
    return _LEAST + (1 - _LEAST) * part


def _gamma(light: np.ndarray) -> np.ndarray:
    """Return linear light as colours in sRGB (IEC 61966-2-1)."""
    low = np.clip(light, 0, 1)
    return np.where(low <= 0.0031308, 12.92 * low, 1.055 * low ** (1 / 2.4) - 0.055)
