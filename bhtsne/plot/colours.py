"""Labels → the names of categories or quantities, and one colour a point, alike in all maps."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba_array

from bhtsne.palette import MISSING, PALETTE, PLAIN, categories, is_missing


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
    known = np.array([not is_missing(x) for x in flat])
    kept = [x for x, there in zip(flat, known, strict=True) if there]
    distinct = categories(given, set(kept))
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
