"""A fit or a map → its errors: the KL divergence of each point, the repulsion error against θ."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bhtsne import forces
from bhtsne.forces import exact
from bhtsne.plot.scatter import coordinates, scatter
from bhtsne.plot.theme import add_legend, ink, palette_colours, themed_axes
from bhtsne.validation.maps import checked_options
from bhtsne.validation.numbers import checked_random_state

_STATISTICS: dict[str, Callable] = {
    "99 % of the points are below": lambda e: np.quantile(e, 0.99),
    "RMS": lambda e: np.sqrt((e**2).mean()),
    "median": np.median,
}


def kl_per_point(model: Any, *, legend_title: str | None = None, **options: Any) -> Axes:
    """Draw a map coloured by the KL divergence of each point, which shows where the map is wrong.

    The terms of the divergence are divided by their mean. The ends of the colour scale are the
    1st and 99th percentiles, so that a few extreme points do not determine it.

    Parameters
    ----------
    model : TSNE
        A fitted estimator, whose ``embedding_`` and ``kl_per_point_`` are drawn.
    legend_title : str or None
        Label of the colour bar. None is "KL divergence of the point / mean".
    **options
        The other options of `scatter`.

    Returns
    -------
    Axes
        The axes drawn into.

    Raises
    ------
    ValueError
        If the model is not fitted or has no ``kl_per_point_``, or an option is invalid.

    Examples
    --------
    >>> from bhtsne import TSNE, datasets
    >>> model = TSNE(random_state=0).fit(datasets.digits().X[:300])
    >>> ax = kl_per_point(model)
    >>> ax.figure.axes[1].get_ylabel()
    'KL divergence of the point / mean'
    """
    Y, shares = (getattr(model, name, None) for name in ("embedding_", "kl_per_point_"))
    if Y is None or shares is None:
        raise ValueError(
            f"model must be a fitted TSNE with embedding_ and kl_per_point_, got {model!r}."
        )
    mean = float(np.mean(shares)) or 1.0
    title = "KL divergence of the point / mean" if legend_title is None else legend_title
    return scatter(Y, np.asarray(shares) / mean, legend_title=title, **options)


def force_errors(
    Y: Any,
    thetas: Sequence[float] = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2),
    *,
    n_sample: int = 1000,
    dof: float = 1.0,
    ax: Axes | None = None,
    title: str | None = None,
    theme: str | None = None,
    random_state: Any = 0,
) -> Axes:
    """Draw the error of the Barnes-Hut repulsion against θ.

    The error of a point is ``e_i = ‖F_i − F'_i‖ / √(mean_j ‖F_j‖²)`` over a sample of the points,
    where F is the repulsion before the division by Z, summed over all pairs in float64, and F' is
    the repulsion by the tree. The RMS of ``e`` is the force error in ``TSNE.history_``.

    Parameters
    ----------
    Y : array-like of shape (N, d), or dict of float to array-like
        A map, d is 1, 2 or 3; or a dict from θ to relative errors computed before.
    thetas : sequence of float
        Values of θ; ignored if Y is a dict.
    n_sample : int
        Number of sampled points, in time O(N · n_sample).
    dof : float
        Degrees of freedom of the kernel, as in `forces.repulsion`.
    ax : Axes or None
        Axes to draw in; None creates a new pyplot figure.
    title : str or None
        Title of the axes.
    theme : {"light", "dark", None}
        As in `scatter`.
    random_state : int, RandomState or None
        Seed of the sample.

    Returns
    -------
    Axes
        The axes; their first ``lines`` are the 99th percentile, the RMS and the median.

    Raises
    ------
    ValueError
        If Y is neither a finite map of at least two points nor a dict of errors, or a number is
        out of range.

    Examples
    --------
    >>> Y = np.random.default_rng(0).normal(size=(1000, 2)) * 20
    >>> ax = force_errors(Y, [0.3, 0.6, 0.9])
    >>> _, rms, _ = (line.get_ydata() for line in ax.lines[:3])
    >>> bool(rms[0] < rms[1] < rms[2] < 0.1)
    True
    """
    if isinstance(Y, Mapping):
        errors = {_angle(theta): np.abs(np.ravel(some)) for theta, some in Y.items()}
        if not errors or not all(e.size and np.isfinite(e).all() for e in errors.values()):
            raise ValueError(
                "Y must hold finite errors for each θ, got an empty, infinite or NaN entry."
            )
    else:
        errors = _computed(Y, thetas, n_sample, dof, random_state)
    axes = themed_axes(ax, theme, (7, 4))
    axes.spines[["top", "right"]].set_visible(False)
    angles, handles = sorted(errors), []
    order: Any = palette_colours(axes, 2)
    colours = (order[1], order[0], order[0])
    for (name, statistic), colour in zip(_STATISTICS.items(), colours, strict=True):
        style: dict = {"color": colour, "linestyle": "--" if name == "median" else "-"}
        values = [statistic(errors[theta]) for theta in angles]
        handles += axes.plot(angles, values, marker="o", markersize=4, linewidth=1.8, **style)
    if any(np.greater(line.get_ydata(), 0).any() for line in handles):
        axes.set_yscale("log")
    axes.axvline(0.5, color=ink(axes), linestyle=":", linewidth=1, zorder=0)
    above = axes.get_xaxis_transform()
    axes.text(
        0.5, 1.0, "default", transform=above, ha="center", va="bottom", size=8, color=ink(axes)
    )
    axes.set(xlabel="θ", ylabel="relative error of the repulsion")
    axes.set_title(title or axes.get_title(), pad=16)
    add_legend(axes, axes, handles, list(_STATISTICS), loc="lower right")
    return axes


def _angle(theta: Any) -> float:
    """Return θ as a float, or raise ValueError."""
    if not isinstance(theta, Real) or isinstance(theta, bool) or not 0 <= float(theta) < np.inf:
        raise ValueError(f"thetas must be numbers of 0 or more, got {theta!r}.")
    return float(theta)


def _computed(
    Y: Any, thetas: Sequence[float], n_sample: int, dof: float, random_state: Any
) -> dict[float, np.ndarray]:
    """Return the relative errors of a sample of points, by θ."""
    Y = coordinates(Y)
    if len(Y) < 2:
        raise ValueError("Y must hold at least 2 points, got 1.")
    if isinstance(n_sample, bool) or not isinstance(n_sample, Integral) or n_sample < 1:
        raise ValueError(f"n_sample must be a whole number of 1 or more, got {n_sample!r}.")
    angles = [_angle(theta) for theta in thetas]
    if not angles:
        raise ValueError("thetas must hold at least one number, got none.")
    dof = checked_options("barnes_hut", max(angles), dof)[1]
    sample = np.sort(checked_random_state(random_state).permutation(len(Y))[:n_sample])
    # Both sums take float32, the dtype of the tree: the error excludes the rounding of the map.
    Y = Y.astype(np.float32)
    truth, _ = exact.repulsion(Y, dof, sample.astype(np.int64))
    size = np.sqrt((truth**2).sum(axis=1).mean()) or 1.0
    errors = {}
    for theta in angles:
        force = forces.repulsion(Y, theta=theta, dof=dof).force[sample]
        errors[theta] = np.linalg.norm(force - truth, axis=1) / size
    return errors
