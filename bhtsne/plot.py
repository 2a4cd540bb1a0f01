"""Static pictures of a map: `scatter` draws into matplotlib axes, `save` writes a file.

The only file of the package that imports matplotlib.
"""

import os
import warnings
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from bhtsne.files import check_target, replacing

__all__ = ["save", "scatter"]

# Searched for the largest least distance between two colours, as seen by full colour vision, with
# deuteranopia and with protanopia. In CIELAB: 36, 25 and 27 for the first 10; 13, 6 and 7 for all.
_HEX = """
5973a6 f9a653 269f66 bf400d 664dbf 33ccff f9cc0d 6c3320 ffb3bf 33736c
a385ff 293366 f570b8 f56629 1ff5f5 520a8f 5c4770 c23d7a 1f5247 5ca3a3
990047 47d6a3 d67a85 cce0a3 99298f 1f5c99 995ccc 660052 c2a37a 7a5c47
3333ad 527af5 c270cc 7a9900 ccadd6 707a47 99eb66 99a3eb 993300 1499e0
"""
PALETTE = tuple(f"#{digits}" for digits in _HEX.split())
_FIGSIZE = {1: (7, 3), 2: (7, 7), 3: (7, 7)}
_PROJECTION = {1: None, 2: None, 3: "3d"}
_PLAIN, _MISSING = "#2f5f94", "#c8c8c8"

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
    Y = _coordinates(Y)
    names, values = ([], np.full(len(Y), -1)) if labels is None else _labels(labels, len(Y))
    if legend not in ("auto", "in place", "beside", None):
        raise ValueError(f"legend must be 'auto', 'in place', 'beside' or None, got {legend!r}.")
    if legend == "in place" and (names is None or Y.shape[1] != 2):
        raise ValueError("legend='in place' needs categories and a 2-D map; use 'auto'.")
    axes: Any = ax
    if axes is None:
        from matplotlib import pyplot as plt  # slow to load, and no file needs it

        figure = plt.figure(figsize=_FIGSIZE[Y.shape[1]], layout="constrained")
        axes = figure.add_subplot(projection=_PROJECTION[Y.shape[1]])
    _undress(axes, Y.shape[1])
    axes.set_title(title or axes.get_title())
    if names is None:
        colours = _value_colours(axes, values, bar=legend is not None)
    else:
        colours = _category_colours(names, values, _PLAIN if labels is None else _MISSING)
    labelled = ~np.isnan(values) if names is None else values >= 0
    order = np.lexsort((np.random.default_rng(0).permutation(len(Y)), labelled))
    points = _stack(Y[order]) if Y.shape[1] == 1 else Y[order]
    drawn = axes.scatter(*points.T, c=colours[order], linewidths=0, rasterized=len(Y) >= 20_000)
    if engine := axes.figure.get_layout_engine():
        engine.execute(axes.figure.canvas.figure)  # sizes are measured in the final layout
    axes.apply_aspect()
    area = np.prod(axes.get_window_extent().size) * (72 / axes.figure.dpi) ** 2
    size = 0.0135 * area / (len(Y) + 500) ** 0.7 if size is None else size
    opacity = (0.6 if labels is None else 0.9) / (1 + 2 * len(Y) * size / area)
    drawn.set(sizes=[size], alpha=opacity if alpha is None else alpha)
    if names and legend:
        placed = len(names) <= 20 and Y.shape[1] == 2 if legend == "auto" else legend == "in place"
        if not (placed and _name_in_place(axes, points, values[order], names, legend == "auto")):
            _name_beside(axes, [*names, "no label"], len(names) + (not labelled.all()))
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
    Y = _coordinates(Y)
    figure = Figure(figsize=_FIGSIZE[Y.shape[1]], dpi=200)
    # the map fills the figure, and the title and legend outside it are added to the picture
    ax = figure.add_axes((0, 0, 1, 1), projection=_PROJECTION[Y.shape[1]])
    scatter(Y, labels, ax=ax, **options)
    # type 42 is what journals ask for; the salt makes the identifiers in an SVG the same each time
    with rc_context({"pdf.fonttype": 42, "svg.hashsalt": "map"}), replacing(path) as file:
        figure.savefig(file, format=suffix[1:], bbox_inches="tight", metadata=_UNDATED[suffix])


def _coordinates(Y: Any) -> np.ndarray:
    Y = np.asarray(Y, dtype=np.float64)
    if Y.ndim != 2 or Y.shape[1] not in (1, 2, 3) or len(Y) == 0:
        raise ValueError(f"Y must have the shape (N, 1), (N, 2) or (N, 3), got {Y.shape}.")
    if bad := int((~np.isfinite(Y)).any(axis=1).sum()):
        raise ValueError(f"Y must be finite, but {bad} of its {len(Y)} points are not.")
    return Y


def _labels(labels: Any, n: int) -> tuple[list[str] | None, np.ndarray]:
    """Return names of categories and each point's number or -1, or None and its value or NaN."""
    if np.shape(labels) != (n,):
        raise ValueError(f"labels must have the shape ({n},), got {np.shape(labels)}.")
    there = np.array([not (x is None or type(x).__name__ == "NAType" or x != x) for x in labels])
    kept = [x for x, known in zip(labels, there, strict=True) if known]
    seen = set(kept)
    dtype: Any = getattr(labels, "dtype", None)
    if getattr(dtype, "name", None) == "category":  # pandas, where categories have an order
        distinct = [x for x in dtype.categories if x in seen]
    elif all(isinstance(x, Integral) for x in seen) and len(seen) <= len(PALETTE):
        distinct = sorted(seen)
    elif all(isinstance(x, Real) for x in seen):
        values = np.full(n, np.nan)
        values[there] = kept
        return None, values
    else:
        distinct = sorted(seen, key=str)
    number = {x: i for i, x in enumerate(distinct)}
    codes = np.full(n, -1)
    codes[there] = [number[x] for x in kept]
    return [str(x) for x in distinct], codes


def _category_colours(names: list[str], codes: np.ndarray, missing: str) -> np.ndarray:
    if len(names) > len(PALETTE):
        text = f"{len(names)} categories share {len(PALETTE)} colours; group some of them."
        warnings.warn(text, stacklevel=3)
    colours = to_rgba_array(PALETTE)[codes % len(PALETTE)]
    colours[codes < 0] = to_rgba_array(missing)
    return colours


def _value_colours(ax: Any, values: np.ndarray, bar: bool) -> np.ndarray:
    low, high = np.percentile(values[np.isfinite(values)], [1, 99])
    scale = ScalarMappable(Normalize(low, high), colormaps["viridis"].with_extremes(bad=_MISSING))
    if bar:
        beside = ax.figure.colorbar(scale, ax=ax, shrink=0.5, aspect=25, pad=0.02, extend="both")
        beside.outline.set_visible(False)
    return scale.to_rgba(np.ma.masked_where(np.isnan(values), values))


def _undress(ax: Any, dims: int) -> None:
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


def _stack(x: np.ndarray) -> np.ndarray:
    """Give a 1-D map a height: each point stands on those before it in the same narrow bin."""
    edges = np.histogram_bin_edges(x, bins=int(np.clip(2 * len(x) ** 0.5, 20, 300)))
    column = np.searchsorted(edges[1:-1], x[:, 0])
    order = np.argsort(column, kind="stable")
    height = np.empty(len(x))
    height[order] = np.arange(len(x)) - np.searchsorted(column[order], column[order])
    return np.column_stack([x, height])


def _name_beside(ax: Any, names: list[str], count: int) -> None:
    colours = [*(PALETTE[i % len(PALETTE)] for i in range(len(names) - 1)), _MISSING]
    dots = [Line2D([], [], color=c, ls="", marker="o", mew=0) for c in colours[:count]]
    place: dict = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "ncols": -(-count // 25)}
    legend = ax.legend(dots, [" "] * count, frameon=False, handletextpad=0.1, **place)
    # given here, since matplotlib would drop a name that starts with an underscore
    for entry, name in zip(legend.get_texts(), names, strict=False):
        entry.set(text=name, parse_math=False)


def _name_in_place(
    ax: Any, points: np.ndarray, codes: np.ndarray, names: list, picky: bool
) -> bool:
    """Write each name where its category is densest; if picky, only where that explains all."""
    box = ax.get_window_extent()
    halo = [withStroke(linewidth=3, foreground="white")]
    style: dict = {"ha": "center", "va": "center", "weight": "bold", "path_effects": halo}
    style["size"] = min(13, box.width / ax.figure.dpi * 2.4)
    texts = [ax.text(0, 0, name, parse_math=False, **style) for name in names]
    halves = np.array([text.get_window_extent().size for text in texts]) / 2 + 2
    places, apart = _places(points[codes >= 0], codes[codes >= 0], len(names))
    start = ax.transData.transform(places)
    centres, room = _spread(start, halves, box)
    near = np.abs(centres - start).max() < 0.1 * box.width
    fine = not picky or (apart and room and near)
    for text, place in zip(texts, ax.transData.inverted().transform(centres), strict=True):
        text.set_position(place) if fine else text.remove()
    return fine


def _places(points: np.ndarray, codes: np.ndarray, count: int) -> tuple[np.ndarray, bool]:
    """Return where each category is densest, and whether each one has a place of its own.

    A mean would fall between the parts of a category that the map has torn. An own place takes 5
    points at the least, and half of the category, where no other category is denser.
    """
    low, step = points.min(axis=0), np.ptp(points, axis=0).max() / 63 or 1.0
    x, y = ((points - low) / step).astype(int).T
    grid = np.zeros((count, 64, 64))
    np.add.at(grid, (codes, x, y), 1.0)
    blur = np.exp(-0.5 * ((np.arange(64)[:, None] - np.arange(64)) / 2.5) ** 2)
    grid = blur @ grid @ blur
    own = np.bincount(codes, grid.argmax(axis=0)[x, y] == codes, minlength=count)
    apart = (own >= np.maximum(5, 0.5 * np.bincount(codes, minlength=count))).all()
    mode = np.unravel_index(grid.reshape(count, -1).argmax(axis=1), (64, 64))
    return low + step * (np.column_stack(mode) + 0.5), apart


def _spread(centres: np.ndarray, halves: np.ndarray, box: Any) -> tuple[np.ndarray, bool]:
    """Push rectangles apart, up and down, inside a box; also return whether all found room."""
    low, high = box.min + halves, np.maximum(box.max - halves, box.min + halves)
    rank = np.sign(np.subtract.outer(np.arange(len(centres)), np.arange(len(centres))))
    for _ in range(200):
        centres = np.clip(centres, low, high)
        delta = centres[:, None] - centres
        overlap = halves[:, None] + halves - np.abs(delta)
        hit = (overlap > 0).all(axis=-1) & (rank != 0)
        if not hit.any():
            return centres, bool((centres + halves <= box.max).all())
        way = np.where(delta[..., 1] == 0, rank, np.sign(delta[..., 1]))
        centres[:, 1] += (hit * way * (overlap[..., 1] / 2 + 0.5)).sum(axis=1)
    return centres, False
