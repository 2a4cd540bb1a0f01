"""Numbers, names of metrics and seeds → plain Python values, or one clear error."""

from numbers import Integral, Real

_MANY = 2**31


def as_python_number(value):
    """Return a number as Python's own: float16 overflows, and kernels compile for each type."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def check_count(name: str, value, least: int = 1) -> None:
    """Raise ValueError unless a value is a whole number that counts things."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or not least <= value < _MANY:
        raise ValueError(
            f"{name} must be a whole number of at least {least} and below 2³¹, got {value!r}."
        )


def checked_metric(metric, metric_params) -> None:
    """Raise TypeError unless a metric is a name or a function, and what it takes a dict."""
    if not isinstance(metric, str) and not callable(metric):
        raise TypeError(f"metric must be a name or a function of two points, got {metric!r}.")
    if not isinstance(metric_params, dict | None):
        raise TypeError(f"metric_params must be a dict or None, got {metric_params!r}.")


def checked_random_state(random_state):
    """Return the generator that a seed stands for, or raise ValueError."""
    from sklearn.utils import check_random_state

    try:
        return check_random_state(random_state)
    except (TypeError, ValueError):
        raise ValueError(
            "random_state must be None, a RandomState or a whole number from 0 to 2³² − 1, got "
            f"{random_state!r}."
        ) from None
