"""Names of a search and of a metric → what one library has under them, or one clear error."""

from bhtsne import choices
from bhtsne.neighbors import approximate, measures
from bhtsne.validation.numbers import check_choice

__all__ = ["checked_method", "measure_for"]


def checked_method(method) -> tuple[str, dict]:
    """Return how to search, and options of pynndescent; ValueError for what is neither."""
    options = dict(method) if isinstance(method, dict) else {"method": method}
    name = options.pop("method", "pynndescent")
    check_choice("method", name, choices.NEIGHBORS)
    if options and name != "pynndescent":
        raise ValueError(
            f'options go with method="pynndescent", got {sorted(map(str, options))} for {name!r}.'
        )
    if options:
        approximate.check_options(options)
    return name, options


def measure_for(X, metric, metric_params, method: str = "exact") -> measures.Measure:
    """Return the metric with its parameters, or raise ValueError if the method lacks it."""
    if method != "pynndescent":
        return measures.resolved(X, metric, metric_params)
    known = approximate.metrics(X) | frozenset(measures.TRANSFORMED)
    measure = measures.resolved(X, metric, metric_params, known, "pynndescent's")
    if not approximate.takes(X, measure.metric, measure.params):
        raise ValueError(
            'method="pynndescent" takes a function that numba.njit compiles, or a metric with '
            f"the parameters that pynndescent has, got {metric!r} and {metric_params!r}; "
            'use method="exact".'
        )
    return measure
