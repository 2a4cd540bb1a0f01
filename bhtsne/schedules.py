"""Parameters → phases of a fit: iterations, exaggeration, learning rate, momentum.

Measured on MNIST (70,000 × 50, exact KL divergence, `bench/rivals.py`): "opentsne" ends at 2.809
after its 750 iterations, "fast" at 2.615 after 250. `bench/schedules.py` compares them, and
openTSNE, on nine kinds of data.
"""

from typing import Any, NamedTuple

from bhtsne.optimizer import Phase
from bhtsne.optimizer.phases import RULES
from bhtsne.validation.numbers import check_choice, checked_number

__all__ = ["SCHEDULES", "as_phases", "phases"]


class Schedule(NamedTuple):
    """Values of "auto".

    Attributes
    ----------
    early, early_longer : int
        Iterations of early exaggeration from a start by PCA or a given map, and from a random or a
        spectral start, which needs more.
    early_momentum : float
        Momentum during early exaggeration.
    late : tuple of pairs of int and float
        Iterations and momentum of each step after early exaggeration.
    rule : str
        As in `Phase`.
    """

    early: int
    early_longer: int
    early_momentum: float
    late: tuple[tuple[int, float], ...]
    rule: str = "default"


# Schedules by name, and the number of points from which each holds. Each stands in full, so that a
# change of one changes no other. `bench/schedules.py` measures all of them.
SCHEDULES = {
    "fast": {
        # An iteration takes a few milliseconds here, so that there may be many. Digits, a rolled
        # sheet, sparse text and 30,000 points of MNIST end at a lower divergence than by the next
        # schedule or by "opentsne", and by the next one the classes of MNIST come in more pieces.
        0: Schedule(250, 250, 0.8, ((100, 0.8), (100, 0.9), (250, 0.95), (50, 0.8))),
        # Momentum 0.95 from the start of the late phase leaves single points between the branches
        # of a tree, and none if it begins 50 iterations later. It makes all points oscillate; the
        # last 30 iterations damp that, which lowers the divergence of sparse text and raises the
        # recall of neighbours on MNIST. 50 iterations of early exaggeration tear the tree from a
        # random start, and MNIST's 5s from a spectral one; 100 do not.
        50_000: Schedule(50, 100, 0.9, ((50, 0.9), (120, 0.95), (30, 0.8))),
        # In samples of 300,000 digits of `bench/deformed.py`, 50 iterations of early exaggeration
        # tear a piece off the 5s, as do 100 at momentum 0.9; 250 at 0.8 do not.
        200_000: Schedule(250, 250, 0.8, ((50, 0.9), (120, 0.95), (30, 0.8))),
    },
    # The defaults of openTSNE 1.0: from equal starts and P, equal maps (`tests/test_peers.py`).
    "opentsne": {0: Schedule(250, 250, 0.8, ((500, 0.8),), "opentsne")},
}
# Limits of the iterations of early exaggeration and after it, where min_kl_rate ends them.
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
        Schedule that gives the values of "auto".
    n : int
        Number of points.
    init : str or array
        As in `TSNE`; "random" and "spectral" have a longer early exaggeration.
    early_exaggeration : float or "auto"
        Factor of the attraction in the first phase; "auto" is 12.
    early_exaggeration_iter : int or "auto"
        Iterations of the first phase.
    exaggeration : float
        Factor of the attraction afterwards.
    n_iter : int or "auto"
        Iterations after early exaggeration. A number takes the place of the schedule's: up to a
        fifth of it are the last step, and the steps before are shortened, or the last of them
        lengthened.
    learning_rate : float or "auto"
        Learning rate of all phases; "auto" is N / exaggeration of each, at least 1, and
        N / (4 · exaggeration) for "opentsne".
    momentum : float or "auto"
        Momentum of all phases, or the schedule's.
    min_kl_rate : float
        As in `Phase`, for early exaggeration and the longest step after it. Above 0, "auto" stands
        for at most 500 and 10,000 iterations.
    min_gradient_norm : float
        As in `Phase`, for the phases after early exaggeration.

    Returns
    -------
    list of Phase
        Phases in their order, without empty ones.

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
        chosen = default if momentum == "auto" else momentum
        step = Phase(iterations, factor, learning_rate, chosen, None, rate, norm, rule)
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
    for count, late_momentum, rate in zip(counts, momenta, rates, strict=True):
        steps.append(phase(count, exaggeration, late_momentum, rate, min_gradient_norm))
    return [step for step in steps if step.n_iter]


def _of_size(schedule: str, n: int) -> Schedule:
    """Return the schedule of a name for n points."""
    by_size = SCHEDULES[schedule]
    return by_size[max(least for least in by_size if least <= n)]


def _fitted(counts: list[int], n_iter: int) -> list[int]:
    """Return the iterations of the late steps, changed so that their sum is n_iter."""
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

    Returns
    -------
    list of Phase or None
        Phases of Python numbers.

    Raises
    ------
    ValueError
        If the name is unknown, or a value is out of range.
    TypeError
        If it is neither a name nor a list of phases.

    Examples
    --------
    >>> from bhtsne import schedules
    >>> schedules.as_phases([{"n_iter": 100, "exaggeration": 12}, {"n_iter": 200}])[0].n_iter
    100
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
