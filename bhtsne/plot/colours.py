"""Labels → the names of categories or quantities, and one colour a point, alike in all maps."""

import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import (
    Colormap,
    ListedColormap,
    Normalize,
    is_color_like,
    to_hex,
    to_rgba_array,
)

from bhtsne.palette import DARK_PALETTE, MISSING, PALETTE, PLAIN, categories, is_missing

# The first quarter of viridis is darker than what can be seen on a dark background.
_RAMPS = {
    "light": colormaps["viridis"],
    "dark": ListedColormap(colormaps["viridis"](np.linspace(0.25, 1, 256)), "viridis on dark"),
}


class Coloured(NamedTuple):
    """What labels say, with a list of one array for each map."""

    names: list[str] | None  # of the categories; None: the labels are quantities
    values: list[np.ndarray]  # a point's category, or -1; its quantity, or NaN
    known: list[np.ndarray]  # whether a point has a label
    colours: list[np.ndarray]  # RGBA
    scale: ScalarMappable | None  # of the quantities
    swatches: list[str]  # the colour of each category
    missing: str  # that of points without a label
    title: str | None  # what the labels are

    def of(self, i: int) -> "Coloured":
        """Return what the labels of one map say."""
        one: dict = {name: [getattr(self, name)[i]] for name in ("values", "known", "colours")}
        return self._replace(**one)


def colour(
    labels: Sequence[Any],
    sizes: Sequence[int],
    *,
    palette: Any = None,
    title: str | None = None,
    theme: str = "light",
) -> Coloured:
    """Give the points of each map colours, by a sequence of labels or None for each map."""
    for some, n in zip(labels, sizes, strict=True):
        if some is not None and np.shape(some) != (n,):
            raise ValueError(f"labels must have the shape ({n},), got {np.shape(some)}.")
    given = [some for some in labels if some is not None]
    flat, known = _joined(labels, sizes)
    missing = MISSING[theme]
    levels, seen = categories(given, flat[known].tolist())
    scale, swatches = None, []
    if levels is None:
        values = np.full(len(flat), np.nan)
        values[known] = flat[known].astype(float)
        scale = _scale(values, palette, theme)
        colours = scale.to_rgba(np.ma.masked_where(~known, values))
    else:
        every = _swatches(levels, palette, theme)
        number, places = {x: i for i, x in enumerate(seen)}, dict(zip(levels, every, strict=True))
        swatches = [places[x] for x in seen]
        values = np.full(len(flat), -1)
        if flat.dtype == object:
            values[known] = [number[x] for x in flat[known]]
        else:
            values[known] = np.searchsorted(seen, flat[known])
        colours = to_rgba_array([*swatches, missing if given else PLAIN[theme]])[values]
    cuts = np.cumsum(sizes)[:-1]
    names = None if levels is None else [str(x) for x in seen]
    each, there, rgba = (np.split(x, cuts) for x in (values, known, np.asarray(colours)))
    own = {str(name) for some in given if (name := getattr(some, "name", None))}
    title = own.pop() if title is None and len(own) == 1 else title
    return Coloured(names, each, there, rgba, scale, swatches, missing, title)


def _joined(labels: Sequence[Any], sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return all labels in one array, of objects unless all are plain numbers, and which exist."""
    arrays: list[Any] = [x for x in labels if isinstance(x, np.ndarray) and x.dtype.kind in "biuf"]
    if len(arrays) == len(labels) and len({x.dtype for x in arrays}) == 1:
        flat = np.concatenate(arrays)
        return flat, ~np.isnan(flat) if flat.dtype.kind == "f" else np.ones(len(flat), bool)
    listed: list = []
    for some, n in zip(labels, sizes, strict=True):
        listed += [None] * n if some is None else list(some)
    known = [not is_missing(x) for x in listed]
    flat = np.empty(len(listed), object)
    flat[:] = listed
    return flat, np.array(known)


def _scale(values: np.ndarray, palette: Any, theme: str) -> ScalarMappable:
    """Return the scale of quantities, whose ends a few extremes do not move."""
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, [1, 99]) if finite.size else (0.0, 1.0)
    if palette is None:
        ramp = _RAMPS[theme]
    elif isinstance(palette, str) and palette in colormaps:
        ramp = colormaps[palette]
    elif isinstance(palette, Colormap):
        ramp = palette
    else:
        raise ValueError(
            f"palette must be a colormap of matplotlib or its name for quantities, got {palette!r}."
        )
    return ScalarMappable(Normalize(low, high), ramp.with_extremes(bad=MISSING[theme]))


def _swatches(levels: list, palette: Any, theme: str) -> list[str]:
    """Return a colour for each category."""
    if isinstance(palette, Mapping):
        lacking = [x for x in levels if x not in palette]
        if lacking:
            raise ValueError(
                f"palette must give each category a colour, and gives none to {lacking[0]!r}."
            )
        return [_hex(palette[x]) for x in levels]
    if palette is None:
        colours = list(DARK_PALETTE if theme == "dark" else PALETTE)
    elif isinstance(palette, str | Colormap) or not np.iterable(palette):
        raise ValueError(
            f"palette must be a dict of colours, or a list of them, for categories, "
            f"got {palette!r}."
        )
    else:
        colours = [_hex(x) for x in palette]
    if not colours:
        raise ValueError("palette must hold at least one colour, got none.")
    if len(levels) > len(colours):
        text = f"{len(levels)} categories share {len(colours)} colours; group some of them."
        warnings.warn(text, stacklevel=_to_caller())
    return [colours[i % len(colours)] for i in range(len(levels))]


def _hex(colour: Any) -> str:
    """Return a colour's name for matplotlib, or raise ValueError."""
    if not is_color_like(colour):
        raise ValueError(f"palette must hold colours that matplotlib knows, got {colour!r}.")
    return to_hex(colour)


def _to_caller() -> int:
    """Return the level of the first frame outside of this package, for a warning of its caller."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith("bhtsne."):
        frame, level = frame.f_back, level + 1
    return level


def for_each_map(labels: Any, count: int) -> list:
    """Return one sequence or None for each map, where one sequence may be meant for all."""
    if labels is None:
        return [None] * count
    first: Any = next((x for x in labels if x is not None), None)
    if np.ndim(first) == 0 and not (first is None and len(labels) == count):
        return [labels] * count
    if len(labels) != count:
        raise ValueError(
            f"labels must be one sequence for all maps or a list of one for each of the {count} "
            f"maps, got a list of {len(labels)}."
        )
    return list(labels)
