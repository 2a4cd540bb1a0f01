"""Labels → categories or quantities, and one colour for each point, the same in all maps."""

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

# A legend of more categories than `_MANY` is unreadable; it names the `_NAMED` most frequent.
_MANY, _NAMED = 80, 20

# The first quarter of viridis is too dark for a dark background.
_RAMPS = {
    "light": colormaps["viridis"],
    "dark": ListedColormap(colormaps["viridis"](np.linspace(0.25, 1, 256)), "viridis on dark"),
}


class Coloured(NamedTuple):
    """Values and colours of labelled points; lists hold one array for each map."""

    names: list[str] | None  # of the categories in the legend; None if labels are quantities
    values: list[np.ndarray]  # category of each point, or -1; quantity of each point, or NaN
    known: list[np.ndarray]  # whether each point has a label
    colours: list[np.ndarray]  # RGBA
    scale: ScalarMappable | None  # of the quantities
    is_date: bool  # whether the quantities are dates, in days of matplotlib
    swatches: list[str]  # the colour of each category, named categories first
    rest: tuple[str, str] | None  # legend entry of the unnamed categories, and their colour
    unlabelled: int  # number of points without a label, 0 if no labels were given
    missing: str  # the colour of points without a label
    title: str | None  # of the legend

    def of(self, i: int) -> "Coloured":
        """Return the values and colours of one map."""
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
    """Return the colours of the points of each map, from labels or None for each map."""
    for some, n in zip(labels, sizes, strict=True):
        if some is not None and _shape(some) != (n,):
            raise ValueError(f"labels must have the shape ({n},), got {_shape(some)}.")
    given = [some for some in labels if some is not None]
    flat, known = _concatenated(labels, sizes)
    present, missing = flat[known].tolist(), MISSING[theme]
    is_float = flat.dtype.kind == "f" and bool(present)
    distinct = set() if is_float else set(present)
    dates = as_dates(distinct)
    levels, seen = (None, []) if dates or is_float else categories(given, distinct)
    scale, names, rest = None, None, None
    swatches: list[str] = []
    if levels is None:
        values = np.full(len(flat), np.nan)
        values[known] = [dates[x] for x in present] if dates else present
        values += date2num(np.datetime64(0, "D")) if dates else 0
        scale = _colour_scale(values, palette, theme)
        colours = scale.to_rgba(np.ma.masked_where(~known, values))
    else:
        seen, swatches, named, rest = _category_colours(
            levels, seen, present, len(given), palette, theme
        )
        names, number = [str(x) for x in seen[:named]], {x: i for i, x in enumerate(seen)}
        values = np.full(len(flat), -1)
        values[known] = [number[x] for x in present]
        colours = to_rgba_array([*swatches, missing if given else PLAIN[theme]])[values]
    cuts = np.cumsum(sizes)[:-1]
    arrays = (values, known, np.asarray(colours))
    values_by_map, known_by_map, colours_by_map = (np.split(x, cuts) for x in arrays)
    # Maps that share one sequence of labels have the same points, which are counted once.
    lacking = {
        i if some is None else id(some): int((~ok).sum())
        for i, (some, ok) in enumerate(zip(labels, known_by_map, strict=True))
    }
    unlabelled = sum(lacking.values()) if given else 0
    own = {str(name) for some in given if (name := getattr(some, "name", None))}
    title = own.pop() if title is None and len(own) == 1 else title
    return Coloured(
        names, values_by_map, known_by_map, colours_by_map, scale, bool(dates),
        swatches, rest, unlabelled, missing, title,
    )  # fmt: skip


def _shape(labels: Any) -> tuple[int, ...]:
    """Return the shape of labels without converting them to an array of fixed-width strings."""
    if hasattr(labels, "shape"):
        return tuple(labels.shape)
    if isinstance(labels, str | bytes | Mapping | set) or not hasattr(labels, "__len__"):
        return ()
    first = labels[0] if len(labels) else None
    inner = (len(first),) if isinstance(first, list | tuple | np.ndarray) else ()
    return (len(labels), *inner)


def _concatenated(labels: Sequence[Any], sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels of all maps in one array of numbers or objects, and which are present."""
    arrays: list[Any] = [x for x in labels if type(x) is np.ndarray and x.dtype.kind in "biuf"]
    if len(arrays) == len(labels) and len({x.dtype for x in arrays}) == 1:
        flat = np.concatenate(arrays)
        known = ~np.isnan(flat)
        # Integral floats with NaN may be integers with missing entries; `plain_values` decides.
        if known.all() or (flat[known] % 1 != 0).any():
            return flat, known
    listed: list = []
    for some, n in zip(labels, sizes, strict=True):
        listed += [None] * n if some is None else plain_values(some)
    flat = np.empty(len(listed), object)
    flat[:] = listed
    return flat, np.array([x is not None for x in listed])


def _category_colours(
    levels: list, seen: list, labels: list, n_maps: int, palette: Any, theme: str
) -> tuple[list, list[str], int, tuple[str, str] | None]:
    """Return the categories present, their colours, the number to name, and `Coloured.rest`.

    Of more categories than `_MANY`, the most frequent come first and are named. The others are
    grey, unless the palette has a colour for each category.
    """
    own = _category_palette(levels, palette, theme)
    if len(seen) <= _MANY:
        if len(levels) > len(own):
            user_warnings.warn(
                f"{len(levels)} categories share {len(own)} colours; group some of them."
            )
        places = {x: own[i % len(own)] for i, x in enumerate(levels)}
        return seen, [places[x] for x in seen], len(seen), None
    count = Counter(labels)
    seen = sorted(seen, key=lambda x: -count[x])
    # A category with at most one point in each map names a single point, and has no colour.
    named = min(_NAMED, len(own)) if count[seen[0]] > n_maps else 0
    others = f"{len(seen) - named:,} others" if named else f"{len(seen):,} different labels"
    if len(own) >= len(levels):
        places = dict(zip(levels, own, strict=False))
        return seen, [places[x] for x in seen], named, (others, "none")
    if named:
        shown = f"; the {named} most frequent have colours, and the others are grey"
    else:
        shown = " of one point each; all points have one colour"
    user_warnings.warn(f"labels hold {len(seen):,} categories{shown}; group some of them.")
    grey = OTHERS[theme] if named else PLAIN[theme]
    return seen, own[:named] + [grey] * (len(seen) - named), named, (others, grey)


def _colour_scale(values: np.ndarray, palette: Any, theme: str) -> ScalarMappable:
    """Return the colour scale of quantities, from their 1st to their 99th percentile."""
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


def _category_palette(levels: list, palette: Any, theme: str) -> list[str]:
    """Return the colours for categories, fewer than categories if the palette has fewer."""
    if isinstance(palette, Mapping):
        lacking = [x for x in levels if x not in palette]
        if lacking:
            raise ValueError(
                f"palette must give each category a colour, got none for {lacking[0]!r}."
            )
        return [_hex(palette[x]) for x in levels]
    if palette is None:
        return list(DARK_PALETTE if theme == "dark" else PALETTE)
    if isinstance(palette, str | Colormap) or not np.iterable(palette):
        raise ValueError(
            f"palette must be a dict or a list of colours for categories, got {palette!r}."
        )
    colours = [_hex(x) for x in palette]
    if not colours:
        raise ValueError("palette must hold at least one colour, got none.")
    return colours


def _hex(colour: Any) -> str:
    """Return a colour of matplotlib as a hexadecimal string, or raise ValueError."""
    if not is_color_like(colour):
        raise ValueError(f"palette must hold colours of matplotlib, got {colour!r}.")
    return to_hex(colour)


def for_each_map(labels: Any, count: int) -> list:
    """Return one sequence or None for each map; a single sequence is repeated for all maps."""
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
            f"maps, got a list of length {len(labels)}."
        )
    return list(labels)
