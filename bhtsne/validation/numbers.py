"""Numbers, words and seeds → plain Python values, or one clear error.

The limits of every numeric parameter stand in one table, which estimators, stage functions and
`optimizer.Phase` share.
"""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

# float32 holds the sums of the tree: ten million masses times fourth powers of this distance over
# dof². Near the largest dof it keeps four digits of the kernel, a power of 1 + d²/dof.
FARTHEST = 1e6
_LARGEST = float(np.finfo(np.float64).max)
_MANY = 2**31


class Limits(NamedTuple):
    """The values that a parameter may have.

    Attributes
    ----------
    low, high : float
        Bounds; `high` itself is excluded.
    closed : bool
        Whether `low` itself is allowed.
    whole : bool
        Whether the number must be an integer.
    """

    low: float
    high: float = np.inf
    closed: bool = True
    whole: bool = False


LIMITS = {
    "n_components": Limits(1, 10_000, whole=True),
    "perplexity": Limits(1),
    "early_exaggeration": Limits(1e-6, 1e6),
    "early_exaggeration_iter": Limits(0, _MANY, whole=True),
    "exaggeration": Limits(1e-6, 1e6),
    "n_iter": Limits(0, _MANY, whole=True),
    "learning_rate": Limits(0, 1e12, closed=False),
    "momentum": Limits(0, 1),
    "theta": Limits(0, 1e6),
    "dof": Limits(1e-3, 1e4),
    "affinity_share": Limits(0, closed=False),
    "repulsion_every": Limits(1, _MANY, whole=True),
    "callback_every": Limits(1, _MANY, whole=True),
    "min_kl_rate": Limits(0, 1),
    "min_gradient_norm": Limits(0),
    "sigma": Limits(0, closed=False),
    "background": Limits(0, 1),
    "noise": Limits(0, FARTHEST),
    "movement_penalty": Limits(0, 1e6),
    # Of `forces.AdaptiveTheta` and `checkpoint.Checkpointing`.
    "error": Limits(1e-9),
    "start": Limits(0, 1e6),
    "every": Limits(1, _MANY, whole=True),
}


def as_python_number(value: Any) -> Any:
    """Return a number as Python's own: float16 overflows, and kernels compile for each type."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def checked_number(name: str, value: Any, *, automatic: bool = False) -> Any:
    """Return a parameter as a Python number within its limits.

    Parameters
    ----------
    name : str
        A key of `LIMITS`.
    value : object
        The value received.
    automatic : bool
        Whether "auto" is allowed, which is returned unchanged.

    Returns
    -------
    int or float or "auto"

    Raises
    ------
    TypeError
        If the value is no number, or no integer where one is needed.
    ValueError
        If it is out of range.
    """
    if automatic and isinstance(value, str) and value == "auto":
        return value
    low, high, closed, whole = LIMITS[name]
    number = as_python_number(value)
    if not isinstance(number, int if whole else int | float) or isinstance(number, bool):
        words = "a whole number" if whole else "a number"
        more = ' or "auto"' if automatic else ""
        raise TypeError(f"{name} must be {words}{more}, got {value!r}.")
    if not (low <= number if closed else low < number) or not number < min(high, _LARGEST):
        floor = f"at least {low:g}" if closed else f"above {low:g}"
        top = "finite" if high == np.inf else f"below {high:.10g}"
        raise ValueError(f"{name} must be {floor} and {top}, got {value!r}.")
    return number


def check_choice(name: str, value: Any, choices: Sequence[str], more: str = "") -> None:
    """Raise ValueError unless a value is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {choices}{more}, got {value!r}.")


def check_count(name: str, value: Any, least: int = 1) -> None:
    """Raise ValueError unless a value is an integer from `least` to 2³¹ − 1."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or not least <= value < _MANY:
        raise ValueError(
            f"{name} must be a whole number of at least {least} and below 2³¹, got {value!r}."
        )


def check_metric(metric: Any, metric_params: Any) -> None:
    """Raise TypeError unless a metric is a name or a function, and its parameters a dict."""
    if not isinstance(metric, str) and not callable(metric):
        raise TypeError(f"metric must be a name or a function of two points, got {metric!r}.")
    if not isinstance(metric_params, dict | None):
        raise TypeError(f"metric_params must be a dict or None, got {metric_params!r}.")


def checked_random_state(random_state: Any) -> np.random.RandomState:
    """Return the generator of a seed, NumPy's global one for None, or raise ValueError."""
    if isinstance(random_state, np.random.RandomState):
        return random_state
    if random_state is None or random_state is np.random:
        return np.random.mtrand._rand  # as scikit-learn's estimators do
    try:
        return np.random.RandomState(random_state)
    except (TypeError, ValueError):
        raise ValueError(
            "random_state must be None, a RandomState or a whole number from 0 to 2³² − 1, got "
            f"{random_state!r}."
        ) from None
