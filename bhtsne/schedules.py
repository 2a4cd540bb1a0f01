"""Parameters → phases: how long, how strongly exaggerated, with how much momentum.

Measured on MNIST (70,000 × 50, exact KL divergence): "opentsne" comes to 2.776 in its 750
iterations; "fast" passes that after 170 and ends at 2.616 after 250. `bench/schedules.py` compares
them, and openTSNE, on nine kinds of data.
"""

from typing import Any, NamedTuple

from bhtsne.optimizer import Phase

__all__ = ["SCHEDULES", "phases"]

# The floors of others, 50 to 200 in these units, cost small data sets their fit: 300 digits end at
# a KL divergence of .321 without and .336 with a floor of 50; 12 random points at .192 and .215.
_LOWEST_RATE = 1.0


class Schedule(NamedTuple):
    """What "auto" stands for.

    Attributes
    ----------
    early, early_longer : int
        Iterations of early exaggeration; from a random start, whose order is yet to be found, or
        of very many points.
    early_momentum : float
        Momentum of these iterations.
    late : tuple of pairs of int and float
        Iterations after it and their momentum, step by step.
    """

    early: int
    early_longer: int
    early_momentum: float
    late: tuple[tuple[int, float], ...]


SCHEDULES = {
    # Momentum 0.95 all through the late phase leaves strays between the branches of a tree
    # (affinity on edges longer than a tenth of the map .017); from its iteration 50, none (.006).
    # From a random start, 50 iterations of early exaggeration tear that tree (.025), 100 do not.
    "fast": Schedule(50, 100, 0.9, ((50, 0.9), (150, 0.95))),
    "opentsne": Schedule(250, 250, 0.8, ((500, 0.8),)),
}
# What "fast" stands for below 5,000 points, where an iteration takes less than a millisecond and
# 50 of early exaggeration are too few: 300 digits come to .556 by the above, .479 by "opentsne",
# .478 by this; 1,797 to .745, .740, .729; 3,000 of MNIST to 1.344, 1.321, 1.308 (means of three
# samples), and of 90 neighbours 51.3 % are kept for 50.8 and 51.2.
_FEW = 5_000
_FOR_FEW = Schedule(250, 250, 0.8, ((100, 0.8), (100, 0.9), (300, 0.95)))

# A million deformed digits come in 11 pieces for 10 classes after 50 iterations of early
# exaggeration, and whole after 100, at the same divergence; 300,000 are whole after 50.
_MANY = 500_000


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
) -> list[Phase]:
    """Return the phases of a fit of n points.

    Parameters
    ----------
    schedule : {"fast", "opentsne"}
        What "auto" stands for in the rest.
    n : int
        Number of points.
    init : str or array
        As in `TSNE`, like the rest; asked only whether it is "random".
    early_exaggeration : float or "auto"
        Factor of the attraction at first; "auto" is 12.
    early_exaggeration_iter : int or "auto"
        Iterations of that phase.
    exaggeration : float
        Factor of the attraction afterwards.
    n_iter : int or "auto"
        Iterations after early exaggeration: other than the schedule's, they cut its last steps or
        prolong the last.
    learning_rate : float or "auto"
        The same in all phases, or N / exaggeration in each.
    momentum : float or "auto"
        The same in all phases, or the schedule's.

    Returns
    -------
    list of Phase
        In order; none of them empty unless it was asked for.

    Examples
    --------
    >>> from bhtsne import schedules
    >>> [phase.n_iter for phase in schedules.phases("fast", 70_000)]
    [50, 50, 150]
    >>> [phase.n_iter for phase in schedules.phases("fast", 70_000, n_iter=120)]
    [50, 50, 70]
    """
    few = schedule == "fast" and n < _FEW
    early_iter, longer, early_momentum, late = _FOR_FEW if few else SCHEDULES[schedule]

    def phase(iterations, factor, default):
        rate = max(n / factor, _LOWEST_RATE) if learning_rate == "auto" else learning_rate
        return Phase(iterations, factor, rate, default if momentum == "auto" else momentum)

    early = 12.0 if early_exaggeration == "auto" else early_exaggeration
    if early_exaggeration_iter != "auto":
        early_iter = early_exaggeration_iter
    elif n >= _MANY or (isinstance(init, str) and init == "random"):
        early_iter = longer
    left = sum(iterations for iterations, _ in late) if n_iter == "auto" else n_iter
    steps = [phase(early_iter, early, early_momentum)]
    for k, (iterations, default) in enumerate(late):
        count = left if k == len(late) - 1 else min(left, iterations)
        steps.append(phase(count, exaggeration, default))
        left -= count
    return [step for step in steps if step.n_iter]
