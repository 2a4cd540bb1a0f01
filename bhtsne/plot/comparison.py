"""Two maps of the same points → axes side by side, the maps aligned, with lines between points."""

from numbers import Integral
from typing import Any

import numpy as np
from matplotlib.patches import ConnectionPatch

from bhtsne import metrics
from bhtsne.plot.colours import colour
from bhtsne.plot.naming import check_legend
from bhtsne.plot.scatter import check_axes, coordinates, is_dense, remove_frame
from bhtsne.plot.several import draw_panels
from bhtsne.plot.theme import apply_theme, background, check_theme, matching_theme
from bhtsne.validation.numbers import checked_random_state


def compare(
    A: Any,
    B: Any,
    labels: Any = None,
    *,
    axes: Any = None,
    n_lines: int = 100,
    lines: str = "sample",
    titles: Any = ("", ""),
    kind: str = "auto",
    size: float | None = None,
    alpha: float | None = None,
    legend: str | None = "auto",
    legend_title: str | None = None,
    palette: Any = None,
    theme: str | None = None,
    random_state: Any = 0,
) -> np.ndarray:
    """Draw two maps of the same points side by side, with lines between corresponding points.

    The second map is aligned with the first by translation and rotation or reflection, as in
    `metrics.align`, and scaled to the same root mean square radius. These transformations do not
    change the meaning of a map; the remaining differences do.

    Parameters
    ----------
    A, B : array-like of shape (N, 2)
        The maps.
    labels : array-like of shape (N,) or None
        As in `scatter`.
    axes : sequence of 2 Axes or None
        Axes to draw in; None creates a new pyplot figure.
    n_lines : int
        Maximum number of lines; 0 draws none.
    lines : {"sample", "moved"}
        Points with lines: a random sample, or those with the largest distance between their
        positions in A and in the aligned B.
    titles : sequence of str
        One title for each map.
    kind : {"auto", "dots", "density"}
        As in `scatter`.
    size, alpha : float or None
        As in `scatter`.
    legend : {"auto", "in place", "beside", None}
        As in `small_multiples`.
    legend_title : str or None
        As in `scatter`.
    palette : dict, list of colours, colormap, str or None
        As in `scatter`.
    theme : {"light", "dark", None}
        As in `scatter`.
    random_state : int, RandomState or None
        Seed of the sample.

    Returns
    -------
    ndarray of Axes, shape (2,)
        The axes of A and of B.

    Raises
    ------
    ValueError
        If the maps are not finite, 2-D and of one shape, all points of a map coincide, labels do
        not have one entry for each point, or an option is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> Y = np.random.default_rng(0).normal(size=(100, 2))
    >>> left, right = compare(Y, 3 - Y[:, ::-1], Y[:, 0] > 0, titles=["A map", "Mirrored"])
    >>> left.get_xlim() == right.get_xlim()  # B is aligned with A
    True
    """
    A, B = coordinates(A, "A"), coordinates(B, "B")
    for name, Y in (("A", A), ("B", B)):
        if Y.shape[1] != 2:
            raise ValueError(f"{name} must be a map of 2 dimensions, got {Y.shape[1]}.")
    _check_options(n_lines, lines, titles)
    check_theme(theme)
    panels = None if axes is None else _given_axes(axes)
    B = _aligned(A, B)
    first = None if panels is None else panels[0]
    style: dict = {
        "palette": palette,
        "title": legend_title,
        "theme": matching_theme(first, theme),
    }
    coloured = colour([labels] * 2, [len(A)] * 2, **style)
    check_legend(legend, coloured.names, 2)
    dense = [is_dense(kind, A, size, alpha)] * 2
    joined = _points_to_join(A, B, n_lines, lines, random_state)
    panels = _new_axes() if panels is None else panels
    for ax, title in zip(panels, titles, strict=True):
        apply_theme(ax, theme)
        remove_frame(ax, 2)
        ax.set_title(title or ax.get_title())
    draw_panels(panels, [A, B], coloured, dense, legend, same_scale=True, size=size, alpha=alpha)
    _join(panels, A[joined], B[joined], coloured.colours[0][joined])
    return panels


def _check_options(n_lines: Any, lines: Any, titles: Any) -> None:
    """Raise ValueError for an invalid option."""
    if isinstance(n_lines, bool) or not isinstance(n_lines, Integral) or n_lines < 0:
        raise ValueError(f"n_lines must be a whole number of 0 or more, got {n_lines!r}.")
    if lines not in ("sample", "moved"):
        raise ValueError(f"lines must be 'sample' or 'moved', got {lines!r}.")
    if isinstance(titles, str) or len(titles) != 2:
        raise ValueError(f"titles must be 2 titles, one for each map, got {titles!r}.")


def _given_axes(axes: Any) -> np.ndarray:
    """Return the given axes as an array, or raise ValueError if they are not two 2-D axes."""
    panels = np.array(axes, object).ravel()
    if len(panels) != 2:
        raise ValueError(f"axes must be 2 axes, one for each map, got {len(panels)}.")
    for ax in panels:
        check_axes(ax, 2)
    return panels


def _aligned(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return B aligned with A by translation and rotation or reflection, with the same radius."""
    B = metrics.align(B, A).Y
    # The least-squares scale shrinks a map with another arrangement until nothing is visible.
    middle = A.mean(axis=0)
    return middle + (B - middle) * np.sqrt(((A - middle) ** 2).sum() / ((B - middle) ** 2).sum())


def _new_axes() -> np.ndarray:
    """Return two axes of a new pyplot figure."""
    from matplotlib import pyplot as plt  # slow to import, and unused when files are written

    return plt.figure(figsize=(10, 5), layout="constrained").subplots(1, 2)


def _points_to_join(
    A: np.ndarray, B: np.ndarray, count: int, lines: str, random_state: Any
) -> np.ndarray:
    """Return the indices of at most `count` points to join."""
    if lines == "moved":
        return np.argsort(-np.linalg.norm(A - B, axis=1), kind="stable")[:count]
    return checked_random_state(random_state).permutation(len(A))[:count]


def _join(panels: np.ndarray, A: np.ndarray, B: np.ndarray, colours: np.ndarray) -> None:
    """Draw lines between points of two axes, with a circle at each end."""
    if not len(A):
        return
    left, right = panels
    # The lines lie below both axes, so that they cover neither points nor names.
    for ax in panels:
        ax.patch.set_visible(False)
    for a, b, tint in zip(A, B, colours, strict=True):
        ends: dict = {"xyA": a, "xyB": b, "coordsA": left.transData, "coordsB": right.transData}
        line = ConnectionPatch(**ends, color=tint, alpha=0.5, linewidth=0.7, zorder=-1)
        line.set_in_layout(False)
        left.figure.add_artist(line)
    for ax, points in zip(panels, (A, B), strict=True):
        edge: dict = {"edgecolors": background(ax), "linewidths": 0.6, "zorder": 2.5}
        ax.scatter(*points.T, s=16, c=colours, **edge)
