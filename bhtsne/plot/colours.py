"""Labels → the names of categories or quantities, and one colour a point, alike in all maps."""

from collections import Counter
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
from matplotlib.dates import date2num

from bhtsne import user_warnings
from bhtsne.palette import (
    DARK_PALETTE,
    MISSING,
    OTHERS,
    PALETTE,
    PLAIN,
    as_dates,
    categories,
    plain_values,
)

# From more categories than these, nobody reads a legend: only the most frequent are named.
_MANY, _NAMED = 80, 20

# The first quarter of viridis is darker than what can be seen on a dark background.
_RAMPS = {
    "light": colormaps["viridis"],
    "dark": ListedColormap(colormaps["viridis"](np.linspace(0.25, 1, 256)), "viridis on dark"),
}


class Coloured(NamedTuple):
    """What labels say, with a list of one array for each map."""

    names: list[str] | None  # of the categories in the legend; None: the labels are quantities
    values: list[np.ndarray]  # a point's category, or -1; its quantity, or NaN
    known: list[np.ndarray]  # whether a point has a label
    colours: list[np.ndarray]  # RGBA
    scale: ScalarMappable | None  # of the quantities
    is_date: bool  # whether the quantities are dates, in matplotlib's days
    swatches: list[str]  # the colour of each category, those with a name first
    rest: tuple[str, str] | None  # what the legend says of the other categories, and their colour
    unlabelled: int  # points without a label, if others could have one
    missing: str  # the colour of points without a label
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
        if some is not None and _shape(some) != (n,):
            raise ValueError(f"labels must have the shape ({n},), got {_shape(some)}.")
    given = [some for some in labels if some is not None]
    flat, known = _joined(labels, sizes)
    kept, missing = flat[known].tolist(), MISSING[theme]
    is_float = flat.dtype.kind == "f" and bool(kept)
    distinct = set() if is_float else set(kept)
    dates = as_dates(distinct)
    levels, seen = (None, []) if dates or is_float else categories(given, distinct)
    scale, names, rest = None, None, None
    swatches: list[str] = []
    if levels is None:
        values = np.full(len(flat), np.nan)
        values[known] = [dates[x] for x in kept] if dates else kept
        values += date2num(np.datetime64(0, "D")) if dates else 0
        scale = _scale(values, palette, theme)
        colours = scale.to_rgba(np.ma.masked_where(~known, values))
    else:
        seen, swatches, named, rest = _chosen(levels, seen, kept, len(given), palette, theme)
        names, number = [str(x) for x in seen[:named]], {x: i for i, x in enumerate(seen)}
        values = np.full(len(flat), -1)
        values[known] = [number[x] for x in kept]
        colours = to_rgba_array([*swatches, missing if given else PLAIN[theme]])[values]
    cuts = np.cumsum(sizes)[:-1]
    each, there, rgba = (np.split(x, cuts) for x in (values, known, np.asarray(colours)))
    # labels that several maps share are of the same points, which count once
    lacking = {
        i if some is None else id(some): int((~ok).sum())
        for i, (some, ok) in enumerate(zip(labels, there, strict=True))
    }
    unlabelled = sum(lacking.values()) if given else 0
    own = {str(name) for some in given if (name := getattr(some, "name", None))}
    title = own.pop() if title is None and len(own) == 1 else title
    return Coloured(
        names, each, there, rgba, scale, bool(dates), swatches, rest, unlabelled, missing, title
    )


def _shape(labels: Any) -> tuple[int, ...]:
    """Return the shape of labels, without an array as wide as the longest text."""
    if hasattr(labels, "shape"):
        return tuple(labels.shape)
    if isinstance(labels, str | bytes | Mapping | set) or not hasattr(labels, "__len__"):
        return ()
    first = labels[0] if len(labels) else None
    inner = (len(first),) if isinstance(first, list | tuple | np.ndarray) else ()
    return (len(labels), *inner)


def _joined(labels: Sequence[Any], sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return all labels in one array, of objects unless all are plain numbers, and which exist."""
    arrays: list[Any] = [x for x in labels if type(x) is np.ndarray and x.dtype.kind in "biuf"]
    if len(arrays) == len(labels) and len({x.dtype for x in arrays}) == 1:
        flat = np.concatenate(arrays)
        known = ~np.isnan(flat)
        if known.all() or (flat[known] % 1 != 0).any():  # else they may be integers with gaps
            return flat, known
    listed: list = []
    for some, n in zip(labels, sizes, strict=True):
        listed += [None] * n if some is None else plain_values(some)
    flat = np.empty(len(listed), object)
    flat[:] = listed
    return flat, np.array([x is not None for x in listed])


def _chosen(
    levels: list, seen: list, labels: list, n_maps: int, palette: Any, theme: str
) -> tuple[list, list[str], int, tuple[str, str] | None]:
    """Return the categories seen, a colour for each, how many to name, and what the others are.

    Of too many, the most frequent come first and are named. The others are grey, unless the
    palette has a colour for each.
    """
    own = _palette(levels, palette, theme)
    if len(seen) <= _MANY:
        if len(levels) > len(own):
            user_warnings.warn(
                f"{len(levels)} categories share {len(own)} colours; group some of them."
            )
        places = {x: own[i % len(own)] for i, x in enumerate(levels)}
        return seen, [places[x] for x in seen], len(seen), None
    count = Counter(labels)
    seen = sorted(seen, key=lambda x: -count[x])
    named = min(_NAMED, len(own)) if count[seen[0]] > n_maps else 0  # else each names one point
    others = f"{len(seen) - named:,} others" if named else f"{len(seen):,} different labels"
    if len(own) >= len(levels):
        places = dict(zip(levels, own, strict=False))
        return seen, [places[x] for x in seen], named, (others, "none")
    if named:
        shown = f", the {named} most frequent of which have colours and the others are grey"
    else:
        shown = " of one point each, so that all points have one colour"
    user_warnings.warn(f"labels hold {len(seen):,} categories{shown}; group some of them.")
    grey = OTHERS[theme] if named else PLAIN[theme]
    return seen, own[:named] + [grey] * (len(seen) - named), named, (others, grey)


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


def _palette(levels: list, palette: Any, theme: str) -> list[str]:
    """Return the colours of categories: one for each, or fewer where a list has fewer."""
    if isinstance(palette, Mapping):
        lacking = [x for x in levels if x not in palette]
        if lacking:
            raise ValueError(
                f"palette must give each category a colour, and gives none to {lacking[0]!r}."
            )
        return [_hex(palette[x]) for x in levels]
    if palette is None:
        return list(DARK_PALETTE if theme == "dark" else PALETTE)
    if isinstance(palette, str | Colormap) or not np.iterable(palette):
        raise ValueError(
            f"palette must be a dict of colours, or a list of them, for categories, "
            f"got {palette!r}."
        )
    colours = [_hex(x) for x in palette]
    if not colours:
        raise ValueError("palette must hold at least one colour, got none.")
    return colours


def _hex(colour: Any) -> str:
    """Return a colour's name for matplotlib, or raise ValueError."""
    if not is_color_like(colour):
        raise ValueError(f"palette must hold colours that matplotlib knows, got {colour!r}.")
    return to_hex(colour)


def for_each_map(labels: Any, count: int) -> list:
    """Return one sequence or None for each map, where one sequence may be meant for all."""
    if labels is None:
        return [None] * count
    first: Any = next((x for x in labels if x is not None), None)
    if isinstance(first, str) or (
        np.ndim(first) == 0 and not (first is None and len(labels) == count)
    ):
        return [labels] * count
    if len(labels) != count:
        raise ValueError(
            f"labels must be one sequence for all maps or a list of one for each of the {count} "
            f"maps, got a list of {len(labels)}."
        )
    return list(labels)
