"""Names of categories → text at the densest place of each category, or a legend beside the axes."""

from typing import Any
from unicodedata import east_asian_width

import numpy as np
from matplotlib.dates import AutoDateFormatter, AutoDateLocator, DateFormatter
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from bhtsne.plot.colours import Coloured
from bhtsne.plot.theme import add_legend, background, ink

_CELLS = 64  # per side of the grid on which densities are compared
# Up to `_FEW` names all must have a place of their own, for more names a fraction of `_MOST`.
_FEW, _MOST = 20, 0.8
_LONGEST = 40  # characters of a name
_FAR = 1.5  # heights of a name from its place beyond which a line connects the two


def check_legend(legend: Any, names: list[str] | None, dims: int) -> None:
    """Raise ValueError if `legend` is invalid or not possible for the labels and the map."""
    if legend not in ("auto", "in place", "beside", None):
        raise ValueError(f"legend must be 'auto', 'in place', 'beside' or None, got {legend!r}.")
    if legend == "in place" and (names is None or dims != 2):
        raise ValueError("legend='in place' needs categories and a 2-D map; use 'auto'.")


def name_beside(ax: Any, labels: Coloured) -> None:
    """Add a legend to the right of the axes."""
    height = ax.get_window_extent().height / ax.figure.dpi
    columns = -(-_entry_count(labels) // int(np.clip(height / 0.23 - bool(labels.title), 5, 25)))
    dots, names = _entries(labels, columns)
    place: dict = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "ncols": columns}
    add_legend(ax, ax, dots, names, _title(labels), handletextpad=0.1, **place)


def count_below(ax: Any, labels: Coloured) -> Any:
    """Add a legend below axes for points without a colour of their own; return it, or None."""
    dots, names = _dots(_greys(labels))
    if not names:
        return None
    corner: dict = {"loc": "upper right", "bbox_to_anchor": (1, 0), "borderaxespad": 0.2}
    note = add_legend(ax, ax, dots, names, make=Legend, handletextpad=0.1, **corner)
    ax.add_artist(note).set_clip_on(False)
    return note


def explain_beside(figure: Any, axes: Any, labels: Coloured) -> None:
    """Add one legend or colour bar to the right of several axes, and widen the figure for it."""
    before = figure.get_figwidth()
    if labels.scale is not None:
        colour_bar(axes, labels, shrink=min(0.5, 3.5 / figure.get_figheight()))
        figure.set_figwidth(before + 0.7 + 0.3 * bool(labels.title) + 0.5 * labels.is_date)
    if labels.names:
        rows = max(1, int(figure.get_figheight() / 0.23) - bool(labels.title))
        columns = -(-_entry_count(labels) // rows)
        dots, names = _entries(labels, columns)
        place: dict = {"loc": "outside right upper", "ncols": columns}
        first = np.ravel(axes)[0]
        legend = add_legend(figure, first, dots, names, _title(labels), handletextpad=0.1, **place)
        figure.set_figwidth(before + legend.get_window_extent().width / figure.dpi)
    else:
        count_all_below(axes, labels)


def count_all_below(axes: Any, labels: Coloured) -> Any:
    """Add one legend as of `count_below` below all axes of a figure; return it, or None."""
    dots, names = _dots(_greys(labels))
    if not names:
        return None
    first = np.ravel(axes)[0]
    place: dict = {"loc": "outside lower right", "ncols": len(names)}
    return add_legend(first.figure, first, dots, names, handletextpad=0.1, **place)


def colour_bar(axes: Any, labels: Coloured, shrink: float = 0.5) -> None:
    """Add a colour bar to the right of axes, with arrows at ends that values exceed."""
    first = np.ravel(axes)[0]
    scale: Any = labels.scale
    known = np.concatenate(labels.values)[np.concatenate(labels.known)]
    below, above = (known < scale.norm.vmin).any(), (known > scale.norm.vmax).any()
    ends = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[(below, above)]
    place: dict = {"shrink": shrink, "aspect": 25, "pad": 0.02, "extend": ends}
    if labels.is_date:
        place |= _date_ticks(*scale.get_clim())
    bar = first.figure.colorbar(scale, ax=axes, **place)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=ink(first))
    if labels.title:
        bar.set_label(_title(labels), color=ink(first), parse_math=False)


def _date_ticks(first: float, last: float) -> dict:
    """Return the ticks of dates; each label includes the year."""
    if first == last:
        return {"ticks": [first], "format": DateFormatter("%Y-%m-%d")}
    locator = AutoDateLocator(minticks=3, maxticks=7)
    formatter = AutoDateFormatter(locator, defaultfmt="%Y-%m-%d")
    formatter.scaled |= dict.fromkeys((1 / 24, 1 / 1440), "%Y-%m-%d %H:%M")
    formatter.scaled[1 / 86_400] = "%Y-%m-%d %H:%M:%S"
    return {"ticks": locator, "format": formatter}


def name_in_place(
    ax: Any, points: np.ndarray, codes: np.ndarray, names: list, complete: bool
) -> bool:
    """Write each name at the densest place of its category; return whether names were written.

    If `complete`, names are written only if each category has a place of its own and there is
    space. Categories beyond the last name are not named, nor are categories without points.
    """
    named = (codes >= 0) & (codes < len(names))
    points, codes = points[named], codes[named]
    here = np.unique(codes)
    names = [shortened(names[i]) for i in here]
    if not names:
        return True
    codes = np.searchsorted(here, codes)
    places, apart = _places(points, codes, len(names))
    # A legend of 40 similar colours is hard to read: then some names may lack their own place.
    if complete and apart.mean() < (1 if len(names) <= _FEW else _MOST):
        return False
    texts = _texts(ax, names)
    halves = np.array([text.get_window_extent().size for text in texts]) / 2 + 2
    box, start = ax.get_window_extent(), ax.transData.transform(places)
    centres, disjoint = _spread(start, halves, box)
    gap = np.maximum(np.abs(centres - start) - halves, 0)  # between a name and its place
    near = gap.max() < 0.04 * box.width
    fine = not complete or (disjoint and near)
    for text, place in zip(texts, ax.transData.inverted().transform(centres), strict=True):
        text.set_position(place) if fine else text.remove()
    if fine:
        _draw_lines(ax, places, start, centres, halves)
    return fine


def _texts(ax: Any, names: list[str]) -> list:
    """Return texts with the names in their final size, at the origin of the axes."""
    halo = [withStroke(linewidth=3, foreground=background(ax))]
    style: dict = {"ha": "center", "va": "center", "weight": "bold", "path_effects": halo}
    width = ax.get_window_extent().width / ax.figure.dpi
    # the font size decreases with the number of names
    size = np.clip(width * 2.4 * min(1.0, (14 / len(names)) ** 0.25), 6, 13)
    return [ax.text(0, 0, x, size=size, color=ink(ax), parse_math=False, **style) for x in names]


def _draw_lines(
    ax: Any, places: np.ndarray, start: np.ndarray, centres: np.ndarray, halves: np.ndarray
) -> None:
    """Draw a line from each name to its place if the two are far apart."""
    to_data = ax.transData.inverted()
    for place, begin, centre, half in zip(places, start, centres, halves, strict=True):
        way = begin - centre
        if (np.abs(way) - half)[1] > _FAR * half[1] or (np.abs(way) - half)[0] > half[1]:
            edge = centre + way * np.min(half / np.maximum(np.abs(way), 1e-9))
            ends = np.array([place, to_data.transform(edge)])
            ax.plot(*ends.T, color=ink(ax), linewidth=0.8, scalex=False, scaley=False)


def shortened(name: str, longest: int = _LONGEST) -> str:
    """Return a name in one line; the middle of a long name is replaced by an ellipsis."""
    line = " ".join(name.split())
    ends = line[:longest] + line[-longest:]
    wide = sum(east_asian_width(letter) in "WF" for letter in ends)
    longest = round(longest * len(ends) / (len(ends) + wide)) if wide else longest
    half = longest // 2
    return line if len(line) <= longest else f"{line[:half]}…{line[1 - half :]}"


def _title(labels: Coloured) -> str | None:
    return None if labels.title is None else shortened(str(labels.title))


def _greys(labels: Coloured) -> list[tuple[str, str]]:
    """Return the legend entries and colours of points without a colour of their own."""
    greys = [labels.rest] if labels.rest else []
    if labels.unlabelled:
        greys.append((f"no label ({labels.unlabelled:,})", labels.missing))
    return greys


def _entry_count(labels: Coloured) -> int:
    return len(labels.names or []) + len(_greys(labels))


def _entries(labels: Coloured, columns: int) -> tuple[list[Line2D], list[str]]:
    """Return handles and names for all categories and for points without a colour of their own."""
    longest = max(12, _LONGEST * 2 // (columns + 1))
    names = [shortened(name, longest) for name in labels.names or []]
    return _dots([*zip(names, labels.swatches, strict=False), *_greys(labels)])


def _dots(entries: list[tuple[str, str]]) -> tuple[list[Line2D], list[str]]:
    dots = [Line2D([], [], color=c, ls="", marker="o", mew=0) for _, c in entries]
    return dots, [name for name, _ in entries]


def _places(points: np.ndarray, codes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the densest place of each category, and which categories have a place of their own.

    The mean of a category may lie between its clusters, where it has no points. A category has a
    place of its own if it is the densest at half of its points, and at 5 or more of them.
    """
    low, step = points.min(axis=0), np.ptp(points, axis=0).max() / (_CELLS - 1) or 1.0
    x, y = ((points - low) / step).astype(int).T
    cell = (codes * _CELLS + x) * _CELLS + y
    grid = np.bincount(cell, minlength=count * _CELLS**2).reshape(count, _CELLS, _CELLS)
    away = np.arange(_CELLS)[:, None] - np.arange(_CELLS)
    blur = np.exp(-0.5 * (away / 2.5) ** 2)
    dense = blur @ grid @ blur
    own = np.bincount(codes, dense.argmax(axis=0)[x, y] == codes, minlength=count)
    apart = own >= np.maximum(5, 0.5 * np.bincount(codes, minlength=count))
    mode = np.unravel_index(dense.reshape(count, -1).argmax(axis=1), (_CELLS, _CELLS))
    return low + step * (np.column_stack(mode) + 0.5), apart


def _spread(centres: np.ndarray, halves: np.ndarray, box: Any) -> tuple[np.ndarray, bool]:
    """Move rectangles apart within a box; return their centres, and whether none overlap."""
    low, high = box.min + halves, np.maximum(box.max - halves, box.min + halves)
    fits = bool((2 * halves <= box.size).all())
    rank = np.sign(np.subtract.outer(np.arange(len(centres)), np.arange(len(centres))))
    centres = np.clip(centres, low, high)
    for _ in range(300):
        delta = centres[:, None] - centres
        overlap = halves[:, None] + halves - np.abs(delta)
        hit = (overlap > 0).all(axis=-1) & (rank != 0)
        if not hit.any():
            return centres, fits
        # Move horizontally only if that is much shorter: names on separate lines are readable.
        sideways = overlap[..., 0] < 0.5 * overlap[..., 1]
        for axis, moved in ((0, hit & sideways), (1, hit & ~sideways)):
            way = np.where(delta[..., axis] == 0, rank, np.sign(delta[..., axis]))
            step = moved * way * (overlap[..., axis] / 2 + 0.5)
            centres[:, axis] += step.sum(axis=1) / np.maximum(1, moved.sum(axis=1)) ** 0.5
        centres = np.clip(centres, low, high)
    return centres, False
