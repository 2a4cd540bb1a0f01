"""Records of fits → the KL divergence over iterations, and the time of each stage."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bhtsne.optimizer import Phase, Record
from bhtsne.plot.theme import add_legend, ink, palette_colours, themed_axes

_QUANTITIES = {
    "kl": "KL divergence (nats)",
    "gradient_norm": "norm of the gradient",
    "force_error": "relative error of the repulsion",
}


def kl_history(
    runs: Any,
    *,
    quantity: str = "kl",
    phases: Sequence[Phase] | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    theme: str | None = None,
) -> Axes:
    """Draw the KL divergence, or another recorded quantity, over the iterations.

    The divergence is that of the unexaggerated P; the gradient includes the exaggeration of its
    phase. Vertical lines mark the ends of phases. A run has few records unless `callback_every`
    is small.

    Parameters
    ----------
    runs : fitted estimator, list of Record, or dict of these
        One run, or a dict of runs by name.
    quantity : {"kl", "gradient_norm", "force_error"}
        Quantity of the records; the axis of the latter two is logarithmic.
    phases : sequence of Phase or None
        Phases whose ends are marked. None is the schedule of the first `TSNE` without stopping
        criteria.
    ax : Axes or None
        Axes to draw in; None creates a new pyplot figure.
    title : str or None
        Title of the axes.
    theme : {"light", "dark", None}
        As in `scatter`.

    Returns
    -------
    Axes
        The axes; their ``lines`` are one for each run, then one for each mark.

    Raises
    ------
    ValueError
        If there is no run, a run has no records, or quantity is unknown.

    Examples
    --------
    >>> from bhtsne import TSNE, datasets
    >>> X = datasets.digits().X[:300]
    >>> fits = {f"perplexity {p}": TSNE(perplexity=p, random_state=0).fit(X) for p in (5, 50)}
    >>> ax = kl_history(fits)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['perplexity 5', 'perplexity 50']
    """
    if quantity not in _QUANTITIES:
        raise ValueError(f"quantity must be one of {', '.join(_QUANTITIES)}, got {quantity!r}.")
    by_name = runs if isinstance(runs, Mapping) else {"": runs}
    lines = {str(name): _records(run, name) for name, run in by_name.items()}
    if not lines:
        raise ValueError("runs must hold at least one run, got none.")
    if phases is None:
        phases = next(filter(None, map(_phases, by_name.values())), [])
    last = max(record.iteration for records in lines.values() for record in records)
    axes = themed_axes(ax, theme, (7, 4))
    axes.spines[["top", "right"]].set_visible(False)
    handles = []
    for records, colour in zip(lines.values(), palette_colours(axes, len(lines)), strict=True):
        iterations = [record.iteration for record in records]
        values = [getattr(record, quantity) for record in records]
        style: dict = {"marker": "o", "markersize": 3.5, "color": colour, "linewidth": 1.8}
        handles += axes.plot(iterations, values, **style)
    if quantity != "kl" and any(np.greater(line.get_ydata(), 0).any() for line in handles):
        axes.set_yscale("log")
    axes.set(xlabel="iteration", ylabel=_QUANTITIES[quantity], xlim=(0, last * 1.02))
    axes.set_title(title or axes.get_title(), pad=16 if len(phases) else None)
    _mark_phases(axes, phases, last)
    if list(lines) != [""]:
        add_legend(axes, axes, handles, list(lines), loc="best")
    return axes


def stage_times(
    runs: Any, *, ax: Axes | None = None, title: str | None = None, theme: str | None = None
) -> Axes:
    """Draw a bar chart of the seconds of each stage, with grouped bars for several runs.

    Parameters
    ----------
    runs : fitted estimator, dict of str to float, or dict of these
        One run or its ``timings_``, or a dict of these by name.
    ax : Axes or None
        Axes to draw in; None creates a new pyplot figure.
    title : str or None
        Title of the axes.
    theme : {"light", "dark", None}
        As in `scatter`.

    Returns
    -------
    Axes
        The axes, with the first stage at the top; each run is one of its ``containers``.

    Raises
    ------
    ValueError
        If there is no run, or a time is not a finite number of at least 0.

    Examples
    --------
    >>> ax = stage_times({"neighbors": 2.5, "affinities": 0.5, "optimization": 6.0})
    >>> [text.get_text() for text in ax.texts]
    ['2.5 s', '500 ms', '6 s']
    """
    several = isinstance(runs, Mapping) and not any(isinstance(x, Real) for x in runs.values())
    by_name = runs if several else {"": runs}
    times = {str(name): _timings(run, name) for name, run in by_name.items()}
    stages = list(dict.fromkeys(stage for some in times.values() for stage in some))
    if not stages:
        raise ValueError("runs must hold the times of at least one stage, got none.")
    axes = themed_axes(ax, theme, (7, 0.8 + len(stages) * (0.2 + 0.22 * len(times))))
    axes.spines[["top", "right", "left"]].set_visible(False)
    thickness = 0.8 / len(times)
    bars = []
    for i, (some, colour) in enumerate(
        zip(times.values(), palette_colours(axes, len(times)), strict=True)
    ):
        present = [k for k, stage in enumerate(stages) if stage in some]
        seconds = [some[stages[k]] for k in present]
        place = np.array(present) + (i - (len(times) - 1) / 2) * thickness
        bars.append(axes.barh(place, seconds, thickness * 0.9, color=colour))
        axes.bar_label(bars[-1], map(_duration, seconds), padding=4, color=ink(axes), size=9)
    axes.set_yticks(range(len(stages)), stages)
    axes.tick_params(axis="y", length=0)
    axes.set(ylim=(len(stages) - 0.5, -0.5), xlabel="seconds")
    axes.margins(x=0.12)
    axes.set_title(title or axes.get_title())
    if several:
        names = [f"{name} ({_duration(sum(some.values()))})" for name, some in times.items()]
        beside: dict = {"loc": "upper left", "bbox_to_anchor": (1.01, 1)}
        add_legend(axes, axes, bars, names, **beside)
    return axes


def _duration(seconds: float) -> str:
    """Return a duration as text, rounded to three significant digits."""
    if seconds >= 99.5:
        return f"{seconds:,.0f} s"
    return f"{seconds:.3g} s" if seconds >= 0.995 else f"{1e3 * seconds:.3g} ms"


def _records(run: Any, name: Any) -> list[Record]:
    """Return the records of a run, or raise ValueError."""
    records = getattr(run, "history_", run)
    fine = isinstance(records, Sequence) and all(hasattr(one, "iteration") for one in records)
    if not fine or not len(records):
        argument = f"runs[{name!r}]" if name != "" else "runs"
        got = "none" if fine else type(run).__name__
        raise ValueError(f"{argument} must be a fitted estimator or records of checks, got {got}.")
    return list(records)


def _phases(run: Any) -> list[Phase]:
    """Return the phases of a model; none if a stopping criterion may have ended one."""
    from bhtsne.sne import estimator as sne
    from bhtsne.tsne import mapping
    from bhtsne.tsne.estimator import TSNE

    if not isinstance(run, TSNE | sne.SNE):
        return []
    planned = mapping.planned_phases if isinstance(run, TSNE) else sne.planned_phases
    phases = planned(run, len(run.embedding_))
    may_stop = any(phase.min_kl_rate or phase.min_gradient_norm for phase in phases)
    return [] if may_stop else phases


def _mark_phases(ax: Any, phases: Sequence[Phase], last: int) -> None:
    """Mark the ends of phases, and write their parameters above the axes."""
    ends = np.cumsum([0] + [phase.n_iter for phase in phases])
    for end in ends[1:-1]:
        if end < last:
            ax.axvline(end, color=ink(ax), linewidth=0.8, linestyle=":", zorder=0, alpha=0.7)
    above = ax.get_xaxis_transform()
    style: dict = {
        "ha": "center",
        "va": "bottom",
        "size": 7.5,
        "color": ink(ax),
        "transform": above,
    }
    for (start, end), phase in zip(pairwise(ends), phases, strict=True):
        middle, part = (start + min(end, last)) / 2, (min(end, last) - start) / last
        if start < last and part > 0.07:
            text = f"momentum {phase.momentum:g}" if part > 0.16 else f"{phase.momentum:g}"
            if phase.exaggeration != 1:
                text = f"exaggeration {phase.exaggeration:g}" + (f", {text}" if part > 0.3 else "")
            ax.text(middle, 1.0, text, **style)


def _timings(run: Any, name: Any) -> dict[str, float]:
    """Return the seconds of a run's stages, or raise ValueError."""
    times = getattr(run, "timings_", run)
    argument = f"runs[{name!r}]" if name != "" else "runs"
    if not isinstance(times, Mapping):
        got = type(run).__name__
        raise ValueError(f"{argument} must be a fitted estimator or seconds by stage, got {got}.")
    for stage, seconds in times.items():
        if not isinstance(seconds, Real) or not 0 <= float(seconds) < np.inf:
            raise ValueError(
                f"{argument} must hold seconds of 0 or more, got {stage}: {seconds!r}."
            )
    return {str(stage): float(seconds) for stage, seconds in times.items()}
