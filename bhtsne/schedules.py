"""Parameters → phases: how long, how strongly exaggerated, with how much momentum.

Measured on MNIST (70,000 × 50, exact KL divergence, `bench/rivals.py`): "opentsne" ends at 2.808
after its 750 iterations, "fast" at 2.612 after 250. `bench/schedules.py` compares them, and
openTSNE, on nine kinds of data.
"""

from typing import Any, NamedTuple

from bhtsne.optimizer import Phase
from bhtsne.optimizer.phases import RULES
from bhtsne.validation.numbers import check_choice, checked_number

__all__ = ["SCHEDULES", "as_phases", "phases"]


class Schedule(NamedTuple):
    """What "auto" stands for.

    Attributes
    ----------
    early, early_longer : int
        Iterations of early exaggeration; from a random start, whose order is yet to be found, or a
        spectral one, from which 50 leave MNIST's 5s in two pieces and 100 do not.
    early_momentum : float
        Momentum of these iterations.
    late : tuple of pairs of int and float
        Iterations after it and their momentum, step by step.
    rule : str
        As in `Phase`.
    """

    early: int
    early_longer: int
    early_momentum: float
    late: tuple[tuple[int, float], ...]
    rule: str = "default"


SCHEDULES = {
    # Momentum 0.95 all through the late phase leaves strays between the branches of a tree
    # (affinity on edges longer than a tenth of the map .017); from its iteration 50, none (.006).
    # It also leaves every point trembling, which the last 30 iterations calm: sparse text ends at a
    # divergence of 1.118, not 1.316, and MNIST keeps 40.2 % of 10 neighbours, not 39.1.
    # From a random start, 50 iterations of early exaggeration tear that tree (.025), 100 do not.
    "fast": Schedule(50, 100, 0.9, ((50, 0.9), (120, 0.95), (30, 0.8))),
    # openTSNE 1.0's defaults: map by map the same as its own from the same start and P.
    "opentsne": Schedule(250, 250, 0.8, ((500, 0.8),), "opentsne"),
}
# What "fast" stands for below 50,000 points, where an iteration takes a few milliseconds and 50 of
# early exaggeration are few: 300 digits come to .517 by the above, .486 by 250 and 500 iterations
# at momentum 0.8, .478 by this; a rolled sheet of 5,000 to .665, .628, .612; sparse text to 1.118,
# 1.195, 1.086; 30,000 of MNIST to 2.213, 2.284, 2.161, their ten classes in 11 or 12 pieces by the
# above, else in 10.
_FEW = 50_000
_FOR_FEW = Schedule(250, 250, 0.8, ((100, 0.8), (100, 0.9), (250, 0.95), (50, 0.8)))
# From 200,000 points: in each of five samples of 300,000 deformed digits, 50 iterations of early
# exaggeration tear a piece off the 5s, as do 100 at momentum 0.9, and 250 at 0.8 do not (3.822,
# 3.942 and 3.797).
_MANY = 200_000
_FOR_MANY = SCHEDULES["fast"]._replace(early=250, early_longer=250, early_momentum=0.8)
# The most iterations of early exaggeration and after it, where the divergence's rate ends them.
_MOST_EARLY, _MOST = 500, 10_000


def phases(
    schedule: str,
    n: int,
    *,
    init: Any = "pca",
    early_exaggeration: Any = "auto",
    early_exaggeration_iter: Any = "auto",
    exaggeration: float = 1.0,
    n_iter: Any = "auto",
    learning_rate: Any = "auto",
    momentum: Any = "auto",
    min_kl_rate: float = 0.0,
    min_gradient_norm: float = 0.0,
) -> list[Phase]:
    """Return the phases of a fit of n points.

    Parameters
    ----------
    schedule : {"fast", "opentsne"}
        What "auto" stands for in the rest.
    n : int
        Number of points.
    init : str or array
        As in `TSNE`, like the rest; asked only whether it is "random" or "spectral".
    early_exaggeration : float or "auto"
        Factor of the attraction at first; "auto" is 12.
    early_exaggeration_iter : int or "auto"
        Iterations of that phase.
    exaggeration : float
        Factor of the attraction afterwards.
    n_iter : int or "auto"
        Iterations after early exaggeration. If they are not the schedule's, up to a fifth of them
        are its last step, and the step before is cut or prolonged.
    learning_rate : float or "auto"
        The same in all phases, or N / exaggeration in each; N / (4 · exaggeration) for "opentsne".
    momentum : float or "auto"
        The same in all phases, or the schedule's.
    min_kl_rate : float
        As in `Phase`, of early exaggeration and of the longest step after it. Above 0, the
        iterations that "auto" stands for are at most 500 and 10,000.
    min_gradient_norm : float
        As in `Phase`, after early exaggeration.

    Returns
    -------
    list of Phase
        In order; none of them empty unless it was asked for.

    Examples
    --------
    >>> from bhtsne import schedules
    >>> [phase.n_iter for phase in schedules.phases("fast", 70_000)]
    [50, 50, 120, 30]
    >>> [phase.n_iter for phase in schedules.phases("fast", 70_000, n_iter=120)]
    [50, 50, 46, 24]
    """
    early_iter, longer, early_momentum, late, rule = _of_size(schedule, n)

    def phase(iterations, factor, default, rate=0.0, norm=0.0):
        kept = default if momentum == "auto" else momentum
        step = Phase(iterations, factor, learning_rate, kept, None, rate, norm, rule)
        return step._replace(learning_rate=step.rate(n))

    early = 12.0 if early_exaggeration == "auto" else early_exaggeration
    if early_exaggeration_iter != "auto":
        early_iter = early_exaggeration_iter
    elif min_kl_rate:
        early_iter = _MOST_EARLY
    elif isinstance(init, str) and init != "pca":
        early_iter = longer
    counts, momenta = (list(part) for part in zip(*late, strict=True))
    if n_iter != "auto" or min_kl_rate:
        counts = _fitted(counts, _MOST if n_iter == "auto" else n_iter)
    rates = [min_kl_rate if count == max(counts) else 0.0 for count in counts]
    steps = [phase(early_iter, early, early_momentum, min_kl_rate)]
    for count, kept, rate in zip(counts, momenta, rates, strict=True):
        steps.append(phase(count, exaggeration, kept, rate, min_gradient_norm))
    return [step for step in steps if step.n_iter]


def _of_size(schedule: str, n: int) -> Schedule:
    if schedule != "fast" or _FEW <= n < _MANY:
        return SCHEDULES[schedule]
    return _FOR_FEW if n < _FEW else _FOR_MANY


def _fitted(counts: list[int], n_iter: int) -> list[int]:
    """Return the iterations of the steps of a late phase so that they add up to n_iter."""
    if len(counts) == 1:
        return [n_iter]
    last = min(counts[-1], n_iter // 5)
    left, fitted = n_iter - last, []
    for k, count in enumerate(counts[:-1]):
        fitted.append(left if k == len(counts) - 2 else min(left, count))
        left -= fitted[-1]
    return [*fitted, last]


def as_phases(schedule: Any) -> list[Phase] | None:
    """Return checked phases, or None for the name of a schedule.

    Parameters
    ----------
    schedule : str or sequence of Phase or dict
        As in `TSNE`.

    Raises
    ------
    ValueError
        If the name is unknown, or a value is out of range.
    TypeError
        If it is neither a name nor a list of phases.
    """
    if isinstance(schedule, str):
        check_choice("schedule", schedule, tuple(SCHEDULES), " or a list of phases")
        return None
    alone = isinstance(schedule, Phase) or not isinstance(schedule, list | tuple)
    for phase in [schedule] if alone else schedule:
        given = phase._asdict() if isinstance(phase, Phase) else phase
        known = isinstance(given, dict) and {"n_iter"} <= given.keys() <= set(Phase._fields)
        if alone or not known:
            raise TypeError(
                "schedule must be a name or a list of optimizer.Phase, or of dicts with n_iter and "
                f"any of {Phase._fields[1:]}, got {phase!r}."
            )
    try:
        return [checked_phase(p if isinstance(p, Phase) else Phase(**p)) for p in schedule]
    except (TypeError, ValueError) as error:
        raise type(error)(f"schedule: {error}") from None


def checked_phase(phase: Phase) -> Phase:
    """Return a phase of Python numbers; ValueError or TypeError if one is out of range."""
    checked: dict[str, Any] = {}
    for name, value in phase._asdict().items():
        if name == "rule":
            check_choice(name, value, RULES)
        elif not (name == "theta" and value is None):
            value = checked_number(name, value, automatic=name == "learning_rate")
        checked[name] = value
    return Phase(**checked)
