"""Parameters of an estimator → one clear error, or nothing: each rule stands here once."""

import numbers

import numpy as np

from bhtsne import forces, neighbors
from bhtsne.schedules import SCHEDULES

_NUMBERS: dict[
    str, tuple
] = {  # name: (lowest, whether it is allowed, highest, whether it must be whole)
    "n_components": (1, True, np.inf, True),
    "perplexity": (1, True, np.inf, False),
    "early_exaggeration": (0, False, np.inf, False),
    "early_exaggeration_iter": (0, True, np.inf, True),
    "exaggeration": (0, False, np.inf, False),
    "n_iter": (0, True, np.inf, True),
    "learning_rate": (0, False, np.inf, False),
    "momentum": (0, True, 1, False),
    "theta": (0, True, np.inf, False),
    "dof": (0, False, np.inf, False),
    "callback_every": (1, True, np.inf, True),
}
_AUTOMATIC = (
    "early_exaggeration", "early_exaggeration_iter", "n_iter", "learning_rate", "momentum",
)  # fmt: skip
_INITS = ("pca", "random")


def check(estimator) -> None:
    """Raise ValueError or TypeError for the first parameter that breaks a rule of its own."""
    for name in _NUMBERS:
        value = getattr(estimator, name)
        if not (name in _AUTOMATIC and isinstance(value, str) and value == "auto"):
            check_number(name, value)
    check_choice("method", estimator.method, forces.METHODS)
    check_choice("schedule", estimator.schedule, tuple(SCHEDULES))
    if isinstance(estimator.init, str):
        check_choice("init", estimator.init, _INITS, " or an array")
    if isinstance(estimator.neighbors, str):
        check_choice("neighbors", estimator.neighbors, neighbors.METHODS, " or two arrays")
    if estimator.method == "barnes_hut" and estimator.n_components > 3:
        raise ValueError(
            f"n_components must be 1, 2 or 3 for Barnes-Hut, got {estimator.n_components}; "
            'use method="exact".'
        )
    listed = isinstance(estimator.callbacks, list | tuple)
    if not listed or not all(callable(callback) for callback in estimator.callbacks):
        raise TypeError(f"callbacks must be a list of functions, got {estimator.callbacks!r}.")


def check_against(estimator, X) -> None:
    """Raise ValueError for a parameter that does not fit the data."""
    n = X.shape[0]
    if estimator.perplexity >= n:
        raise ValueError(
            f"perplexity must be below the number of points, got {estimator.perplexity:g} for "
            f"{n}; (N − 1) / 3 = {(n - 1) / 3:.3g} is a sensible most."
        )
    if not isinstance(estimator.neighbors, str):
        given = isinstance(estimator.neighbors, list | tuple)
        shapes = [np.shape(part) for part in estimator.neighbors] if given else []
        if len(shapes) != 2 or shapes[0] != shapes[1] or len(shapes[0]) != 2 or shapes[0][0] != n:
            raise ValueError(
                f"neighbors must be two arrays, indices and distances, of shape ({n}, k) each, "
                f"got shapes {shapes}."
            )
    if isinstance(estimator.init, str):
        if estimator.init == "pca" and estimator.metric == "precomputed":
            raise ValueError('init="pca" needs points, got distances; use init="random".')
        return
    init = np.asarray(estimator.init)
    if init.shape != (n, estimator.n_components):
        raise ValueError(
            f"init must be of shape (N, n_components) = {(n, estimator.n_components)}, "
            f"got {init.shape}."
        )
    if not (init.dtype.kind in "fiu" and np.isfinite(init).all()):
        raise ValueError("init must hold finite numbers, got NaN, infinity or no numbers.")
    if n > 1 and (init == init[0]).all():
        raise ValueError("init must not place all points on one spot: they could never part.")


def check_number(name, value) -> None:
    """Raise ValueError or TypeError unless a number is what its parameter may be."""
    low, closed, high, whole = _NUMBERS[name]
    kind = numbers.Integral if whole else numbers.Real
    automatic = ' or "auto"' if name in _AUTOMATIC else ""
    if not isinstance(value, kind) or isinstance(value, bool | np.bool_):
        raise TypeError(
            f"{name} must be a {'whole ' if whole else ''}number{automatic}, got {value!r}."
        )
    if not (low <= value if closed else low < value) or not value < high:
        floor = f"at least {low}" if closed else f"above {low}"
        top = "finite" if high == np.inf else f"below {high}"
        raise ValueError(f"{name} must be {floor} and {top}, got {value!r}.")


def check_choice(name, value, choices, more="") -> None:
    """Raise ValueError unless a value is one of the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}{more}, got {value!r}.")
