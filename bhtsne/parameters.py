"""Parameters of an estimator → one clear error, or nothing: each rule stands here once."""

import numbers

import numpy as np

from bhtsne import affinities, forces, neighbors
from bhtsne.optimizer import Phase
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
    "min_kl_rate": (0, True, 1, False),
    "min_gradient_norm": (0, True, np.inf, False),
    "sigma": (0, False, np.inf, False),
    "force_error": (0, False, np.inf, False),
}
_OPTIONAL = ("sigma", "force_error")
_AUTOMATIC = (
    "early_exaggeration", "early_exaggeration_iter", "n_iter", "learning_rate", "momentum",
)  # fmt: skip
_INITS = ("pca", "spectral", "random")
_AFFINITIES = (*affinities.KINDS, "precomputed")


def check(estimator) -> None:
    """Raise ValueError or TypeError for the first parameter that breaks a rule of its own."""
    for name in _NUMBERS:
        if name == "perplexity":
            continue
        value = getattr(estimator, name)
        automatic = name in _AUTOMATIC and isinstance(value, str) and value == "auto"
        if not automatic and not (name in _OPTIONAL and value is None):
            check_number(name, value)
    if isinstance(estimator.affinities, str):
        check_choice("affinities", estimator.affinities, _AFFINITIES, " or an array")
        if estimator.affinities == "fixed_sigma" and estimator.sigma is None:
            raise ValueError('sigma must be given for affinities="fixed_sigma", got None.')
    check_perplexity(estimator.perplexity, estimator.affinities)
    check_choice("symmetrize", estimator.symmetrize, affinities.SYMMETRIES)
    check_phases(estimator.phases)
    if not isinstance(estimator.metric_params, dict | None):
        raise TypeError(f"metric_params must be a dict or None, got {estimator.metric_params!r}.")
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
    most = np.max(estimator.perplexity)
    if most >= n:
        raise ValueError(
            f"perplexity must be below the number of points, got {most:g} for "
            f"{n}; (N − 1) / 3 = {(n - 1) / 3:.3g} is a sensible most."
        )
    if isinstance(estimator.init, str):
        if estimator.init == "pca" and not estimator._has_points:
            raise ValueError(
                'init="pca" needs points, got distances or affinities; use init="spectral".'
            )
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


def check_perplexity(value, kind) -> None:
    """Raise ValueError or TypeError unless a perplexity, or several, suit the affinities."""
    if not isinstance(value, list | tuple | np.ndarray):
        check_number("perplexity", value)
        return
    if not isinstance(kind, str) or kind not in ("multiscale", "mixture"):
        raise ValueError(
            f"perplexity must be one number, got {value!r}; several are for "
            'affinities="multiscale" and "mixture".'
        )
    if not len(value):
        raise ValueError("perplexity must hold a number, got an empty sequence.")
    for one in np.ravel(value).tolist():
        check_number("perplexity", one)


def check_phases(phases) -> None:
    """Raise ValueError or TypeError unless phases are None, or a list of what phases may be."""
    if phases is None:
        return
    alone = isinstance(phases, Phase) or not isinstance(phases, list | tuple)
    for phase in [phases] if alone else phases:
        told = phase._asdict() if isinstance(phase, Phase) else phase
        known = isinstance(told, dict) and {"n_iter"} <= told.keys() <= set(Phase._fields)
        if alone or not known:
            raise TypeError(
                "phases must be a list of optimizer.Phase, or of dicts with n_iter and any of "
                f"{Phase._fields[1:]}, got {phase!r}."
            )
        try:
            check_phase(Phase(**told))
        except (TypeError, ValueError) as error:
            raise type(error)(f"phases: {error}") from None


def check_phase(phase: Phase) -> None:
    """Raise ValueError or TypeError unless each number of a phase is what it may be."""
    for name, value in phase._asdict().items():
        automatic = name == "learning_rate" and isinstance(value, str) and value == "auto"
        if not automatic and not (name == "theta" and value is None):
            check_number(name, value)


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
