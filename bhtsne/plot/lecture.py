"""Gradients and distances → figures for a lecture on the crowding problem and t-SNE."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm, LinearSegmentedColormap

from bhtsne import crowding
from bhtsne.plot.colours import PALETTE
from bhtsne.plot.theme import apply_theme, check_theme, ink, palette_colours, themed_axes
from bhtsne.tables.frames import as_points
from bhtsne.validation.numbers import checked_random_state

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
    """Draw the gradient between two points against their distances in the data and on the map.

    Figure 1 of van der Maaten & Hinton 2008. Warm colours are attraction and cold colours
    repulsion, on a separate scale for each panel; the gradient is zero on the black line.

    Parameters
    ----------
    background : float
        Uniform background ρ of UNI-SNE, as in `crowding.pair_gradient`.
    axes : sequence of 4 Axes or None
        Axes to draw in; None creates a new pyplot figure.
    theme : {"light", "dark", None}
        As in `scatter`.

    Returns
    -------
    ndarray of Axes, shape (4,)
        SNE, UNI-SNE with the published gradient, UNI-SNE and t-SNE.

    Raises
    ------
    ValueError
        If there are not 4 axes, or background is out of range.

    Examples
    --------
    >>> [ax.get_title() for ax in pair_gradients()]
    ['SNE', 'UNI-SNE, as published', 'UNI-SNE', 't-SNE']
    """
    check_theme(theme)
    if axes is None:
        from matplotlib import pyplot as plt  # slow to import, and unused when files are written

        shape: dict = {"figsize": (9, 7.5), "layout": "constrained"}
        axes = plt.subplots(2, 2, sharex=True, sharey=True, **shape)[1].ravel()
    panels = np.array(axes, object).ravel()
    if len(panels) != 4:
        raise ValueError(f"axes must be 4 axes, one for each variant, got {len(panels)}.")
    distance = 0.015 * (np.arange(200) + 0.5)  # above 0, where all gradients vanish
    grid: dict = {"data_distance": distance, "map_distance": distance[:, None]}
    for ax, (name, options) in zip(panels, _VARIANTS.items(), strict=True):
        apply_theme(ax, theme)
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
    """Draw the densities of the distances from the centre of uniform balls of several dimensions.

    The density is ``n r^(n−1)``: with many dimensions, nearly all of the ball lies close to its
    surface, and a map has no area for so many points at one distance.

    Parameters
    ----------
    dims : sequence of int
        Numbers of dimensions n, one line each.
    ax : Axes or None
        Axes to draw in; None creates a new pyplot figure.
    theme : {"light", "dark", None}
        As in `scatter`.

    Returns
    -------
    Axes
        The axes with the figure.

    Raises
    ------
    ValueError
        If a number of dimensions is below 1.

    Examples
    --------
    >>> ax = distance_densities([2, 100])
    >>> [line.get_label() for line in ax.lines]
    ['2', '100']
    """
    axes = themed_axes(ax, theme, (7, 4))
    axes.spines[["top", "right"]].set_visible(False)
    r = np.linspace(0, 1, 1001)[1:]
    for n, colour in zip(dims, palette_colours(axes, len(dims)), strict=True):
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
    """Draw the distributions of the distances between points, in the data and on the map.

    Distances of random pairs are divided by their mean. They are similar in data of many
    dimensions, but spread widely on a map.

    Parameters
    ----------
    X : array-like or CSR of shape (N, D)
        Points with Euclidean distances.
    Y : array-like of shape (N, d)
        The map.
    ax : Axes or None
        Axes to draw in; None creates a new pyplot figure.
    n_pairs : int
        Number of pairs, sampled with replacement.
    random_state : int, RandomState or None
        Seed of the sample.
    theme : {"light", "dark", None}
        As in `scatter`.

    Returns
    -------
    Axes
        The axes with the figure.

    Raises
    ------
    ValueError
        If X and Y differ in length, all points of X or of Y coincide, or n_pairs is not an integer
        of at least 1.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(500, 50))
    >>> ax = distances(X, X[:, :2])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['data (50-D): ± 10%', 'map (2-D): ± 52%']
    """
    X, Y = as_points(X), as_points(Y)
    n = X.shape[0]
    if n != Y.shape[0]:
        raise ValueError(f"X and Y must hold the same points, got {n} and {Y.shape[0]}.")
    if not isinstance(n_pairs, Integral) or n_pairs < 1:
        raise ValueError(f"n_pairs must be a whole number of 1 or more, got {n_pairs!r}.")
    random = checked_random_state(random_state)
    i = random.randint(n, size=n_pairs)
    j = (i + random.randint(1, n, size=n_pairs)) % n
    relative = {
        "data": _relative_distances("X", X, i, j),
        "map": _relative_distances("Y", Y, i, j),
    }
    edges = np.linspace(0, max(d.max() for d in relative.values()), 101)
    axes = themed_axes(ax, theme, (7, 4))
    axes.spines[["top", "right"]].set_visible(False)
    blue, *_, red = palette_colours(axes, 4)
    for (name, d), Z, colour in zip(relative.items(), (X, Y), (blue, red), strict=True):
        density, _ = np.histogram(d, edges, density=True)
        label = f"{name} ({Z.shape[1]}-D): ± {d.std():.0%}"
        axes.stairs(density, edges, fill=True, color=colour, alpha=0.3)
        axes.stairs(density, edges, color=colour, linewidth=1.5, label=label)
    axes.set(xlim=(0, edges[-1]), ylim=(0, None))
    axes.set(xlabel="distance / mean distance", ylabel="density")
    axes.legend(frameon=False, labelcolor=ink(axes))
    return axes


def _relative_distances(name: str, X: Any, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Return the distances of pairs, divided by their mean."""
    from sklearn.metrics.pairwise import paired_euclidean_distances

    # In blocks of pairs, since the rows of all pairs at once may exceed the memory.
    blocks = zip(*(np.array_split(some, -(-len(i) // 5_000)) for some in (i, j)), strict=True)
    distance = np.concatenate([paired_euclidean_distances(X[a], X[b]) for a, b in blocks])
    if not distance.any():
        raise ValueError(f"{name} must not have all its points on one spot, got only distances 0.")
    return distance / distance.mean()
