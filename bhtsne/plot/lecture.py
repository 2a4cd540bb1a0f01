"""Why t-SNE → the figures of a lecture: the force between two points, and room for distances."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm, LinearSegmentedColormap

from bhtsne import crowding
from bhtsne.plot.colours import PALETTE
from bhtsne.plot.theme import check_theme, ink, opened, paint, swatches
from bhtsne.tables.frames import as_points

_BLUE, _ORANGE, _RED, _NAVY = (PALETTE[i] for i in (0, 1, 3, 11))
_DIVERGING = LinearSegmentedColormap.from_list("", [_NAVY, _BLUE, "#ffffff", _ORANGE, _RED])
_VARIANTS: dict[str, dict] = {
    "SNE": {"variant": "sne"},
    "UNI-SNE, as published": {"variant": "uni-sne", "published": True},
    "UNI-SNE": {"variant": "uni-sne"},
    "t-SNE": {"variant": "t-sne"},
}


def pair_gradients(
    *, background: float = 0.2, axes: Any = None, theme: str | None = None
) -> np.ndarray:
    """Draw the gradient between two points, by their distance in the data and on the map.

    Figure 1 of van der Maaten & Hinton 2008. Warm colours are attraction, cold ones repulsion,
    each panel on its own scale; on the black line there is neither.

    Parameters
    ----------
    background : float
        The part of UNI-SNE's similarities that is the same for all pairs.
    axes : sequence of 4 Axes or None
        Where to draw. None makes a new pyplot figure.
    theme : {"light", "dark", None}
        As in `scatter`.

    Returns
    -------
    ndarray of Axes, shape (4,)
        SNE, UNI-SNE with the gradient that was published, UNI-SNE and t-SNE.

    Raises
    ------
    ValueError
        If there are not 4 axes, or background is out of its range.

    Examples
    --------
    >>> [ax.get_title() for ax in pair_gradients()]
    ['SNE', 'UNI-SNE, as published', 'UNI-SNE', 't-SNE']
    """
    check_theme(theme)
    if axes is None:
        from matplotlib import pyplot as plt  # slow to load, and no file needs it

        shape: dict = {"figsize": (9, 7.5), "layout": "constrained"}
        axes = plt.subplots(2, 2, sharex=True, sharey=True, **shape)[1].ravel()
    panels = np.array(axes, object).ravel()
    if len(panels) != 4:
        raise ValueError(f"axes must be 4 axes, one for each variant, got {len(panels)}.")
    distance = 0.015 * (np.arange(200) + 0.5)  # not 0, where no pair has a gradient
    grid: dict = {"data_distance": distance, "map_distance": distance[:, None]}
    for ax, (name, options) in zip(panels, _VARIANTS.items(), strict=True):
        paint(ax, theme)
        gradient = crowding.pair_gradient(**grid, background=background, **options)
        heat: dict = {"cmap": _DIVERGING, "norm": CenteredNorm(), "rasterized": True}
        drawn = ax.pcolormesh(distance, distance, gradient, **heat)
        ax.contour(distance, distance, gradient, levels=[0], colors="black", linewidths=1.2)
        ax.set(title=name, xlabel="distance in the data / √2 σ", ylabel="distance on the map")
        ax.set_aspect("equal")
        ax.label_outer()
        bar = ax.figure.colorbar(drawn, ax=ax, pad=0.02)
        bar.set_label("repulsion  ←  →  attraction", color=ink(ax))
        bar.ax.tick_params(colors=ink(ax))
        bar.outline.set_visible(False)
    return panels


def distance_densities(
    dims: Sequence[int] = (2, 3, 10, 50), *, ax: Axes | None = None, theme: str | None = None
) -> Axes:
    """Draw how likely each distance is to points that fill a ball evenly, by its dimensions.

    The density of the distance from the middle is ``n r^(n−1)``: of many dimensions, nearly all of
    the ball is near its surface, and a map has no room for so many points at one distance.

    Parameters
    ----------
    dims : sequence of int
        Numbers of dimensions n, one line each.
    ax : Axes or None
        Where to draw. None makes a new pyplot figure.
    theme : {"light", "dark", None}
        As in `scatter`.

    Returns
    -------
    Axes
        The axes drawn into.

    Raises
    ------
    ValueError
        If a number of dimensions is not a whole number of 1 or more.

    Examples
    --------
    >>> ax = distance_densities([2, 100])
    >>> [line.get_label() for line in ax.lines]
    ['2', '100']
    """
    axes = opened(ax, theme, (7, 4))
    axes.spines[["top", "right"]].set_visible(False)
    r = np.linspace(0, 1, 1001)[1:]
    for n, colour in zip(dims, swatches(axes, len(dims)), strict=True):
        axes.plot(r, crowding.distance_density(r, n), color=colour, linewidth=2, label=str(n))
    axes.set(xlabel="distance / radius of the ball", ylabel="density (logarithmic)")
    axes.set(xlim=(0, 1), yscale="log", ylim=(0.01, 2 * max(dims)))
    axes.yaxis.set_major_formatter("{x:g}")
    beside: dict = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "frameon": False}
    legend = axes.legend(title="dimensions", reverse=True, labelcolor=ink(axes), **beside)
    legend.get_title().set_color(ink(axes))
    return axes


def distances(
    X: Any,
    Y: Any,
    *,
    ax: Axes | None = None,
    n_pairs: int = 100_000,
    random_state: Any = 0,
    theme: str | None = None,
) -> Axes:
    """Draw how the distances between points spread, in the data and on the map.

    Those of random pairs, each divided by the mean of its kind: in data of many dimensions they
    are much alike, on a map they cannot be.

    Parameters
    ----------
    X : array-like or CSR of shape (N, D)
        Points; their distance is Euclidean.
    Y : array-like of shape (N, d)
        The map.
    ax : Axes or None
        Where to draw. None makes a new pyplot figure.
    n_pairs : int
        Pairs to draw, with replacement.
    random_state : int, RandomState or None
        Seed.
    theme : {"light", "dark", None}
        As in `scatter`.

    Returns
    -------
    Axes
        The axes drawn into.

    Raises
    ------
    ValueError
        If X and Y differ in length, either has all its points on one spot, or n_pairs is not a
        whole number of 1 or more.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(500, 50))
    >>> ax = distances(X, X[:, :2])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['data (50-D): ± 10%', 'map (2-D): ± 52%']
    """
    from sklearn.utils import check_random_state

    X, Y = as_points(X), as_points(Y)
    n = X.shape[0]
    if n != Y.shape[0]:
        raise ValueError(f"X and Y must hold the same points, got {n} and {Y.shape[0]}.")
    if not isinstance(n_pairs, Integral) or n_pairs < 1:
        raise ValueError(f"n_pairs must be a whole number of 1 or more, got {n_pairs!r}.")
    random = check_random_state(random_state)
    i = random.randint(n, size=n_pairs)
    j = (i + random.randint(1, n, size=n_pairs)) % n
    spread = {"data": _by_mean("X", X, i, j), "map": _by_mean("Y", Y, i, j)}
    edges = np.linspace(0, max(d.max() for d in spread.values()), 101)
    axes = opened(ax, theme, (7, 4))
    axes.spines[["top", "right"]].set_visible(False)
    blue, *_, red = swatches(axes, 4)
    for (name, d), Z, colour in zip(spread.items(), (X, Y), (blue, red), strict=True):
        density, _ = np.histogram(d, edges, density=True)
        label = f"{name} ({Z.shape[1]}-D): ± {d.std():.0%}"
        axes.stairs(density, edges, fill=True, color=colour, alpha=0.3)
        axes.stairs(density, edges, color=colour, linewidth=1.5, label=label)
    axes.set(xlim=(0, edges[-1]), ylim=(0, None))
    axes.set(xlabel="distance / mean distance", ylabel="density")
    axes.legend(frameon=False, labelcolor=ink(axes))
    return axes


def _by_mean(name: str, X: Any, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Return the distances of pairs, divided by their mean."""
    from sklearn.metrics.pairwise import paired_euclidean_distances

    # in parts, so that wide data are not copied n_pairs times at once
    parts = zip(*(np.array_split(some, -(-len(i) // 5_000)) for some in (i, j)), strict=True)
    found = np.concatenate([paired_euclidean_distances(X[a], X[b]) for a, b in parts])
    if not found.any():
        raise ValueError(f"{name} must not have all its points on one spot; distances are all 0.")
    return found / found.mean()
