"""Names of categories → where each is densest on the map, or a legend beside it."""

from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from bhtsne.palette import MISSING, PALETTE
from bhtsne.plot.colours import Coloured


def check_legend(legend: Any, names: list[str] | None, dims: int) -> None:
    """Raise ValueError if a map cannot be explained as asked."""
    if legend not in ("auto", "in place", "beside", None):
        raise ValueError(f"legend must be 'auto', 'in place', 'beside' or None, got {legend!r}.")
    if legend == "in place" and (names is None or dims != 2):
        raise ValueError("legend='in place' needs categories and a 2-D map; use 'auto'.")


def name_beside(ax: Any, labels: Coloured) -> None:
    """Add a legend to the right of the axes."""
    dots, names = _entries(labels)
    columns = -(-len(names) // 25)
    _add_legend(ax, dots, names, loc="upper left", bbox_to_anchor=(1.01, 1), ncols=columns)


def explain_beside(figure: Any, axes: Any, labels: Coloured) -> None:
    """Add one legend or colour bar to the right of several axes, and the width that it takes."""
    before = figure.get_figwidth()
    if labels.scale is not None:
        colour_bar(axes, labels.scale, shrink=min(0.5, 3.5 / figure.get_figheight()))
        figure.set_figwidth(before + 0.7)
    elif labels.names:
        dots, names = _entries(labels)
        columns = -(-len(names) // max(1, int(figure.get_figheight() / 0.23)))
        legend = _add_legend(figure, dots, names, loc="outside right upper", ncols=columns)
        figure.set_figwidth(before + legend.get_window_extent().width / figure.dpi)


def colour_bar(axes: Any, scale: Any, shrink: float = 0.5) -> None:
    """Add the scale of the quantities to the right of axes."""
    figure = np.ravel(axes)[0].figure
    beside = figure.colorbar(scale, ax=axes, shrink=shrink, aspect=25, pad=0.02, extend="both")
    beside.outline.set_visible(False)


def name_in_place(ax: Any, points: np.ndarray, codes: np.ndarray, names: list, picky: bool) -> bool:
    """Write each name where its category is densest; if picky, only where that explains all.

    Names of categories that have no point are left out. Returns whether names were written.
    """
    here = np.unique(codes[codes >= 0])
    names, points, codes = [names[i] for i in here], points[codes >= 0], codes[codes >= 0]
    if not names:
        return True
    codes = np.searchsorted(here, codes)
    box = ax.get_window_extent()
    halo = [withStroke(linewidth=3, foreground="white")]
    style: dict = {"ha": "center", "va": "center", "weight": "bold", "path_effects": halo}
    style["size"] = np.clip(box.width / ax.figure.dpi * 2.4, 6, 13)
    texts = [ax.text(0, 0, name, parse_math=False, **style) for name in names]
    halves = np.array([text.get_window_extent().size for text in texts]) / 2 + 2
    places, apart = _places(points, codes, len(names))
    start = ax.transData.transform(places)
    centres, room = _spread(start, halves, box)
    near = np.abs(centres - start).max() < 0.1 * box.width
    fine = not picky or (apart and room and near)
    for text, place in zip(texts, ax.transData.inverted().transform(centres), strict=True):
        text.set_position(place) if fine else text.remove()
    return fine


def _entries(labels: Coloured) -> tuple[list[Line2D], list[str]]:
    """Return a dot and a name for each category, and for points without one if there are any."""
    names = list(labels.names or [])
    colours = [PALETTE[i % len(PALETTE)] for i in range(len(names))]
    if not all(known.all() for known in labels.known):
        names, colours = [*names, "no label"], [*colours, MISSING]
    return [Line2D([], [], color=c, ls="", marker="o", mew=0) for c in colours], names


def _add_legend(owner: Any, dots: list, names: list[str], **place: Any) -> Any:
    legend = owner.legend(dots, [" "] * len(names), frameon=False, handletextpad=0.1, **place)
    # given here, since matplotlib would drop a name that starts with an underscore
    for entry, name in zip(legend.get_texts(), names, strict=True):
        entry.set(text=name, parse_math=False)
    return legend


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
