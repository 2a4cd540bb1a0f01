"""Labels → the names of categories or quantities, and one colour a point, alike in all maps."""

import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba_array

# Searched for the largest least distance between two colours, as seen by full colour vision, with
# deuteranopia and with protanopia. In CIELAB: 36, 25 and 27 for the first 10; 13, 6 and 7 for all.
_HEX = """
5973a6 f9a653 269f66 bf400d 664dbf 33ccff f9cc0d 6c3320 ffb3bf 33736c
a385ff 293366 f570b8 f56629 1ff5f5 520a8f 5c4770 c23d7a 1f5247 5ca3a3
990047 47d6a3 d67a85 cce0a3 99298f 1f5c99 995ccc 660052 c2a37a 7a5c47
3333ad 527af5 c270cc 7a9900 ccadd6 707a47 99eb66 99a3eb 993300 1499e0
"""
PALETTE = tuple(f"#{digits}" for digits in _HEX.split())
PLAIN, MISSING = "#2f5f94", "#c8c8c8"


class Coloured(NamedTuple):
    """What labels say, with a list of one array for each map."""

    names: list[str] | None  # of the categories; None: the labels are quantities
    values: list[np.ndarray]  # a point's category, or -1; its quantity, or NaN
    known: list[np.ndarray]  # whether a point has a label
    colours: list[np.ndarray]  # RGBA
    scale: ScalarMappable | None  # of the quantities


def colour(labels: Sequence[Any], sizes: Sequence[int]) -> Coloured:
    """Give the points of each map colours, by a sequence of labels or None for each map."""
    for some, n in zip(labels, sizes, strict=True):
        if some is not None and np.shape(some) != (n,):
            raise ValueError(f"labels must have the shape ({n},), got {np.shape(some)}.")
    given = [some for some in labels if some is not None]
    flat = []
    for some, n in zip(labels, sizes, strict=True):
        flat += [None] * n if some is None else list(some)
    known = np.array([not (x is None or type(x).__name__ == "NAType" or x != x) for x in flat])
    kept = [x for x, there in zip(flat, known, strict=True) if there]
    distinct = _categories(given, set(kept))
    scale = None
    if distinct is None:
        values = np.full(len(flat), np.nan)
        values[known] = kept
        low, high = np.percentile(values[np.isfinite(values)], [1, 99])
        ramp = colormaps["viridis"].with_extremes(bad=MISSING)
        scale = ScalarMappable(Normalize(low, high), ramp)
        colours = scale.to_rgba(np.ma.masked_where(~known, values))
    else:
        if len(distinct) > len(PALETTE):
            text = f"{len(distinct)} categories share {len(PALETTE)} colours; group some of them."
            warnings.warn(text, stacklevel=3)
        number = {x: i for i, x in enumerate(distinct)}
        values = np.full(len(flat), -1)
        values[known] = [number[x] for x in kept]
        colours = to_rgba_array(PALETTE)[values % len(PALETTE)]
        colours[~known] = to_rgba_array(MISSING if given else PLAIN)
    cuts = np.cumsum(sizes)[:-1]
    names = None if distinct is None else [str(x) for x in distinct]
    each, there, rgba = (np.split(x, cuts) for x in (values, known, np.asarray(colours)))
    return Coloured(names, each, there, rgba, scale)


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


def _categories(given: list, seen: set) -> list | None:
    """Return the categories among the labels seen, in order, or None if these are quantities."""
    dtypes: list[Any] = [getattr(some, "dtype", None) for some in given]
    if dtypes and all(getattr(dtype, "name", None) == "category" for dtype in dtypes):
        # of pandas, where categories have an order
        return [x for x in dict.fromkeys(x for d in dtypes for x in d.categories) if x in seen]
    if all(isinstance(x, Integral) for x in seen) and len(seen) <= len(PALETTE):
        return sorted(seen)
    return None if all(isinstance(x, Real) for x in seen) else sorted(seen, key=str)
