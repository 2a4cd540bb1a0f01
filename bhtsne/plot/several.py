"""Several maps → one figure with a panel for each, in the same colours."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from bhtsne.plot.colours import Coloured, colour, for_each_map
from bhtsne.plot.naming import check_legend, count_all_below, explain_beside, name_in_place
from bhtsne.plot.scatter import (
    PROJECTION,
    apply_layout,
    coordinates,
    dot_style,
    draw_density,
    draw_points,
    fit_limits,
    is_dense,
    remove_frame,
    stack,
)
from bhtsne.plot.theme import apply_theme, check_theme, matching_theme


def small_multiples(
    maps: Sequence[Any],
    labels: Any = None,
    *,
    titles: Sequence[str] | None = None,
    n_columns: int | None = None,
    same_scale: bool = False,
    kind: str = "auto",
    size: float | None = None,
    alpha: float | None = None,
    legend: str | None = "auto",
    legend_title: str | None = None,
    palette: Any = None,
    theme: str | None = None,
) -> np.ndarray:
    """Draw several maps side by side in a new pyplot figure.

    Categories and quantities have the same colours in all panels.

    Parameters
    ----------
    maps : sequence of array-like of shape (N, d)
        The maps; N and d may differ between them, d is 1, 2 or 3.
    labels : array-like of shape (N,), list of these, or None
        Labels as in `scatter`: one sequence for all maps, or a list with one sequence, or None,
        for each map.
    titles : sequence of str or None
        One title for each map.
    n_columns : int or None
        Panels in a row. None creates a nearly square grid with few empty cells.
    same_scale : bool
        Whether all panels have the same limits, for maps whose coordinates are comparable.
    kind : {"auto", "dots", "density"}
        As in `scatter`, separately for each panel.
    size, alpha : float or None
        As in `scatter`.
    legend : {"auto", "in place", "beside", None}
        As in `scatter`, but one legend beside all panels. "auto" is "in place" if that is possible
        in every panel.
    legend_title : str or None
        As in `scatter`.
    palette : dict, list of colours, colormap, str or None
        As in `scatter`.
    theme : {"light", "dark", None}
        As in `scatter`.

    Returns
    -------
    ndarray of Axes, shape (len(maps),)
        The panels, in the order of the maps.

    Raises
    ------
    ValueError
        If there is no map, labels or titles do not match the maps, or an option is invalid.

    Examples
    --------
    >>> Y = np.random.default_rng(0).normal(size=(100, 2))
    >>> axes = small_multiples([Y, -Y], Y[:, 0] > 0, titles=["A map", "Turned"], same_scale=True)
    >>> [ax.get_title() for ax in axes]
    ['A map', 'Turned']
    >>> axes[0].get_xlim() == axes[1].get_xlim()
    True
    """
    maps, titles = checked_maps(maps, titles)
    dims = {Y.shape[1] for Y in maps}
    if same_scale and len(dims) > 1:
        raise ValueError(
            f"same_scale=True needs maps of one number of dimensions, got {sorted(dims)}."
        )
    check_theme(theme)
    labels = for_each_map(labels, len(maps))
    sizes = [len(Y) for Y in maps]
    style: dict = {"palette": palette, "title": legend_title, "theme": matching_theme(None, theme)}
    coloured = colour(labels, sizes, **style)
    for d in dims:
        check_legend(legend, coloured.names, d)
    dense = [is_dense(kind, Y, size, alpha) for Y in maps]
    axes = _grid(maps, titles, n_columns, theme)
    draw_panels(axes, maps, coloured, dense, legend, same_scale=same_scale, size=size, alpha=alpha)
    return axes


def draw_panels(
    axes: np.ndarray,
    maps: list[np.ndarray],
    labels: Coloured,
    dense: list[bool],
    legend: str | None,
    *,
    same_scale: bool,
    size: float | None,
    alpha: float | None,
) -> None:
    """Draw each map in its axes, with names of categories, a legend or a colour bar for all."""
    parts = [labels.of(i) for i in range(len(maps))]
    drawn = [
        None if flat else draw_points(ax, Y, one.colours[0], one.known[0])
        for ax, Y, one, flat in zip(axes, maps, parts, dense, strict=True)
    ]
    points = [stack(Y) if Y.shape[1] == 1 else Y for Y in maps]
    for ax, own in zip(axes, points, strict=True):
        fit_limits(ax, np.concatenate(points) if same_scale else own)
    note = count_all_below(axes, labels) if legend and labels.names else None
    apply_layout(*axes)
    if legend and not _named_in_place(axes, maps, labels, legend):
        if note is not None:
            note.remove()
        explain_beside(axes[0].figure, axes, labels)
        apply_layout(*axes)
    plain = labels.scale is None and not labels.names
    for ax, dots, Y, one in zip(axes, drawn, maps, parts, strict=True):
        if dots is None:
            draw_density(ax, Y, one)
        else:
            dots.set(**dot_style(ax, len(Y), size, alpha, plain=plain))


def checked_maps(
    maps: Sequence[Any], titles: Sequence[Any] | None
) -> tuple[list[np.ndarray], list[str]]:
    """Return the maps as float64 and their titles, "" without titles, or raise ValueError."""
    maps = [coordinates(Y, f"maps[{i}]") for i, Y in enumerate(maps)]
    if not maps:
        raise ValueError("maps must hold at least one map, got none.")
    if titles is None:
        return maps, [""] * len(maps)
    if isinstance(titles, str) or len(titles) != len(maps):
        raise ValueError(
            f"titles must be a list of one for each of the {len(maps)} maps, got {titles!r}."
        )
    return maps, [str(title) for title in titles]


def _grid(
    maps: list[np.ndarray], titles: list[str], n_columns: int | None, theme: str | None
) -> np.ndarray:
    """Return the empty axes of a new figure."""
    from matplotlib import pyplot as plt  # slow to import, and unused when files are written

    count = len(maps)
    if n_columns is None:
        square = int(np.ceil(count**0.5))
        n_columns = count if count < 4 else min(square, square + 1, key=lambda n: -count % n)
    if not isinstance(n_columns, Integral) or n_columns < 1:
        raise ValueError(f"n_columns must be a whole number of 1 or more, got {n_columns!r}.")
    n_columns = min(n_columns, count)
    rows = -(-count // n_columns)
    width = float(np.clip(12 / n_columns, 2.2, 3.6))
    height = width * (3 / 7 if all(Y.shape[1] == 1 for Y in maps) else 1) + 0.3 * any(titles)
    figure = plt.figure(figsize=(n_columns * width, rows * height), layout="constrained")
    axes = np.empty(count, object)
    for i, Y in enumerate(maps):
        dims = Y.shape[1]
        axes[i] = figure.add_subplot(rows, n_columns, i + 1, projection=PROJECTION[dims])
        apply_theme(axes[i], theme)
        remove_frame(axes[i], dims)
        axes[i].set_title(titles[i], size=min(12, 4 * width))
    return axes


def _named_in_place(
    axes: np.ndarray, maps: list[np.ndarray], coloured: Coloured, legend: str
) -> bool:
    """Write names of categories into all panels or none; return whether they were written."""
    complete, names = legend == "auto", coloured.names
    possible = all(Y.shape[1] == 2 for Y in maps) and not coloured.rest
    if not names or not (possible if complete else legend == "in place"):
        return False
    parts = zip(axes, maps, coloured.values, strict=True)
    if all(name_in_place(*part, names, complete) for part in parts):
        return True
    for ax in axes:
        for text in [*ax.texts]:
            text.remove()
    return False
