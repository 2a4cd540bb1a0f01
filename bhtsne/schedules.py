"""Parameters → phases of a fit: iterations, exaggeration, learning rate, momentum.

Measured on MNIST (70,000 × 50, exact KL divergence, `bench/rivals.py`): "opentsne" ends at 2.808
after its 750 iterations, "fast" at 2.753 after 338. `bench/schedules.py` compares the schedules,
and openTSNE, on data of many kinds and sizes.
"""

from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from bhtsne.optimizer import Phase
from bhtsne.optimizer.phases import RULES
from bhtsne.validation.numbers import check_choice, checked_number

__all__ = ["SCHEDULES", "as_phases", "phases"]


class Step(NamedTuple):
    """Iterations of a schedule under one set of parameters.

    Attributes
    ----------
    n_iter, extra : int
        Iterations for very many points, and how many more up to 5,000 points take. In between,
        the second number is multiplied by 5,000 / N.
    exaggeration : float
        Factor of the attraction where early exaggeration is 12 and `exaggeration` is 1.
    momentum : float
        As in `Phase`.
    coarse : bool
        Whether θ is 2.5 times that of the fit, at most 1.
    share : float
        Smallest part of the affinities of each point that attract it, the largest ones; the part is
        5,000 / N, but not below this number.
    every : int
        Iterations for which a repulsion is used, for more than 5,000 points.
    """

    n_iter: int
    extra: int
    exaggeration: float
    momentum: float
    coarse: bool = True
    share: float = 1.0
    every: int = 1


class Schedule(NamedTuple):
    """Values of "auto".

    Attributes
    ----------
    steps : tuple of Step
        The first is early exaggeration, the last but one takes more iterations if more are asked
        for.
    from_random : int
        Iterations of early exaggeration from a random start.
    rule : str
        As in `Phase`.
    """

    steps: tuple[Step, ...]
    from_random: int
    rule: str = "default"


# `bench/schedules.py` measures both; `bench/NOTES.md` lists the alternatives that lost.
SCHEDULES = {
    # The exaggeration falls in steps. Where it ends at once, classes tear and neighbours at middle
    # range are lost, the more so the higher the momentum afterwards. Momentum 0.95 lowers the
    # divergence fast and makes points oscillate; the last step damps that. Small data need a few
    # more iterations, large data lose recall at 90 by them. Fewer affinities make iterations
    # faster, and the map no worse as long as the last step has all of them. So does a repulsion
    # used two or three times, but not at momentum 0.95 or for few points, where maps oscillate.
    "fast": Schedule(
        (
            Step(100, 20, 12, 0.8, share=1 / 6, every=3),
            Step(20, 5, 8, 0.8, share=1 / 6, every=3),
            Step(20, 5, 4, 0.8, share=1 / 6, every=3),
            Step(25, 5, 2, 0.9, share=1 / 2, every=2),
            Step(25, 5, 1.5, 0.9, share=1 / 2, every=2),
            Step(25, 5, 1.2, 0.9, share=1 / 2, every=2),
            Step(60, 25, 1, 0.95, share=1 / 2),
            Step(60, 0, 1, 0.6, coarse=False, every=2),
        ),
        from_random=250,
    ),
    # The defaults of openTSNE 1.0: from equal starts and P, equal maps (`tests/test_peers.py`).
    "opentsne": Schedule(
        (Step(250, 0, 12, 0.8, coarse=False), Step(500, 0, 1, 0.8, coarse=False)),
        from_random=250,
        rule="opentsne",
    ),
}
_FEW = 5000  # points, up to which a step has its extra iterations and all affinities
_COARSEST = 1.0  # θ of a coarse step, unless that of the fit is larger
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
    theta: float | None = None,
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
        As in `TSNE`; "random" has a longer early exaggeration.
    early_exaggeration : float or "auto"
        Factor of the attraction in the first phase; "auto" is 12.
    early_exaggeration_iter : int or "auto"
        Iterations of the first phase. With 0 of them, no other phase has an early exaggeration
        either.
    exaggeration : float
        Factor of the attraction in the last phases. In "fast", it falls in steps from that of the
        first phase to this one.
    n_iter : int or "auto"
        Iterations after the first phase. Fewer than the schedule's shorten all its steps in
        proportion; more lengthen its longest step at the last exaggeration.
    learning_rate : float or "auto"
        Learning rate of all phases; "auto" is N / exaggeration of each, at least 1, and
        N / (4 · exaggeration) for "opentsne".
    momentum : float or "auto"
        Momentum of all phases, or the schedule's.
    theta : float or None
        θ of the last phase. In "fast", the phases before it have 2.5 times this θ, at most 1,
        which makes them faster. None leaves θ unchanged.
    min_kl_rate : float
        As in `Phase`, for early exaggeration and the longest step at the last exaggeration. Above
        0, "auto" stands for at most 500 and 10,000 iterations.
    min_gradient_norm : float
        As in `Phase`, for the phases at the last exaggeration.

    Returns
    -------
    list of Phase
        Phases in their order, without empty ones.

    Examples
    --------
    >>> from bhtsne import schedules
    >>> [phase.n_iter for phase in schedules.phases("fast", 1_000_000)]
    [100, 20, 20, 25, 25, 25, 60, 60]
    >>> [phase.exaggeration for phase in schedules.phases("fast", 1_000_000)]
    [12.0, 8.0, 4.0, 2.0, 1.5, 1.2, 1.0, 1.0]
    """
    steps, from_random, rule = SCHEDULES[schedule]
    few = min(1.0, _FEW / n)
    counts = [step.n_iter + round(step.extra * few) for step in steps]
    if early_exaggeration_iter != "auto":
        counts[0] = early_exaggeration_iter
    elif min_kl_rate:
        counts[0] = _MOST_EARLY
    elif isinstance(init, str) and init == "random":
        counts[0] = from_random
    if n_iter != "auto" or min_kl_rate:
        counts[1:] = _fitted(counts[1:], _MOST if n_iter == "auto" else n_iter)
    first = 12.0 if early_exaggeration == "auto" else float(early_exaggeration)
    if not counts[0]:
        first = float(exaggeration)
    longest = max(len(steps) - 2, 1)
    # Larger steps than those of the schedule would make maps oscillate.
    damped = n > _FEW and momentum == learning_rate == "auto"

    def phase(k: int, step: Step) -> Phase:
        made = Phase(
            counts[k],
            exaggeration + (first - exaggeration) * (step.exaggeration - 1) / (12 - 1),
            learning_rate,
            step.momentum if momentum == "auto" else momentum,
            _coarse(theta) if step.coarse and theta is not None else theta,
            min_kl_rate if k in (0, longest) else 0.0,
            min_gradient_norm if k >= longest else 0.0,
            rule,
            max(few, step.share),
            repulsion_every=step.every if damped else 1,
        )
        return made._replace(learning_rate=made.rate(n))

    return [phase(k, step) for k, step in enumerate(steps) if counts[k]]


def _coarse(theta: float) -> float:
    """Return the θ of coarse steps."""
    return max(theta, min(2.5 * theta, _COARSEST))


def _fitted(counts: list[int], n_iter: int) -> list[int]:
    """Return the iterations of steps, changed so that their sum is n_iter."""
    before = list(accumulate(counts, initial=0))
    if n_iter < before[-1]:
        ends = [round(end * n_iter / before[-1]) for end in before]
        return [end - start for start, end in pairwise(ends)]
    fitted = list(counts)
    fitted[max(len(counts) - 2, 0)] += n_iter - before[-1]
    return fitted


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
        elif name == "restart":
            if not isinstance(value, bool):
                raise TypeError(f"restart must be True or False, got {value!r}.")
        elif not (name in ("theta", "dof") and value is None):
            value = checked_number(name, value, automatic=name == "learning_rate")
        checked[name] = value
    return Phase(**checked)
