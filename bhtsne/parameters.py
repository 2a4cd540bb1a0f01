"""Parameters of an estimator → one clear error, or nothing: each rule stands here once."""

import numbers
import os
from inspect import signature

import numpy as np

from bhtsne import __version__, affinities, choices
from bhtsne.optimizer import Phase
from bhtsne.optimizer.phases import RULES
from bhtsne.schedules import SCHEDULES
from bhtsne.validation.arrays import checked_reals, max_magnitude
from bhtsne.validation.numbers import (
    FARTHEST,
    LIMITS,
    as_python_number,
    check_choice,
    check_metric,
    checked_number,
    checked_random_state,
)

PERPLEXITY = 30.0  # the default, which few points may have too: it is lowered with a warning
_OPTIONAL = ("sigma",)
_AUTOMATIC = (
    "early_exaggeration", "early_exaggeration_iter", "n_iter", "learning_rate", "momentum",
)  # fmt: skip
_CHOICES = {
    "symmetrize": affinities.SYMMETRIES,
    "method": choices.FORCES,
    "schedule": tuple(SCHEDULES),
}
_CHOICES_OR_ARRAYS = {
    "affinities": ((*affinities.KINDS, "precomputed"), " or an array"),
    "init": (choices.INITIAL_MAPS, " or an array"),
    "neighbors": (choices.NEIGHBORS, " or two arrays"),
}


def check(estimator) -> None:
    """Raise ValueError or TypeError for the first parameter that breaks a rule of its own."""
    given = estimator.get_params(deep=False)
    for name, value in given.items():
        if name in LIMITS and name != "perplexity":
            automatic = name in _AUTOMATIC and isinstance(value, str) and value == "auto"
            if not automatic and not (name in _OPTIONAL and value is None):
                checked_number(name, value, automatic=name in _AUTOMATIC)
        elif name in _CHOICES and not (name == "symmetrize" and value is None):
            check_choice(name, value, _CHOICES[name])
        elif name in _CHOICES_OR_ARRAYS and isinstance(value, str):
            check_choice(name, value, *_CHOICES_OR_ARRAYS[name])
    if given.get("force_error") is not None:
        checked_number("error", given["force_error"])
    if "checkpoint_every" in given:
        checked_number("every", given["checkpoint_every"])
    _check_affinities(given)
    check_phases(given.get("phases"))
    check_metric(given["metric"], given["metric_params"])
    checked_random_state(given["random_state"])
    if not isinstance(given["verbose"], bool | np.bool_ | numbers.Integral):
        raise TypeError(f"verbose must be True or False, got {given['verbose']!r}.")
    if given.get("method") == "barnes_hut" and given["n_components"] > 3:
        raise ValueError(
            f"n_components must be 1, 2 or 3 for Barnes-Hut, got {given['n_components']}; "
            'use method="exact".'
        )
    if not isinstance(given.get("checkpoint"), str | os.PathLike | None):
        raise TypeError(f"checkpoint must be a folder's name, got {given['checkpoint']!r}.")
    check_callbacks(given["callbacks"])


def check_names(names, estimator: type, path) -> None:
    """Raise ValueError for the first parameter in a file that an estimator does not have."""
    unknown = sorted(set(names) - set(signature(estimator).parameters))
    if unknown:
        raise ValueError(
            f"{path} holds the parameter {unknown[0]!r}, which bhtsne {__version__} does not "
            "have; use the version that wrote it, or fit again."
        )


def check_callbacks(callbacks) -> None:
    """Raise TypeError unless callbacks are a function or a list of functions."""
    functions = [callbacks] if callable(callbacks) else callbacks
    if not isinstance(functions, list | tuple) or not all(map(callable, functions)):
        raise TypeError(f"callbacks must be a function or a list of functions, got {callbacks!r}.")


def _check_affinities(given: dict) -> None:
    """Raise ValueError or TypeError unless perplexity and sigma are what the affinities take."""
    if "affinities" not in given:
        checked_number("perplexity", given["perplexity"])
        return
    kind = given["affinities"]
    if isinstance(kind, str) and kind == "fixed_sigma" and given["sigma"] is None:
        raise ValueError('sigma must be given for affinities="fixed_sigma", got None.')
    check_perplexity(given["perplexity"], kind)


def check_against(estimator, X) -> None:
    """Raise ValueError for a parameter that does not fit the data."""
    n, most = X.shape[0], float(np.max(estimator.perplexity))
    asked = most != PERPLEXITY and not getattr(estimator, "_own_affinities", False)
    if asked and most >= n:
        raise ValueError(
            f"perplexity must be below the number of points, got {most:g} for {n}; "
            f"{max((n - 1) / 3, 1):.4g} is a sensible largest value."
        )
    if isinstance(estimator.init, str) and estimator.init == "pca" and not estimator._has_points:
        raise ValueError(
            'init="pca" needs points, got distances or affinities; use init="auto" or "spectral".'
        )


def check_start(estimator, n: int) -> None:
    """Raise ValueError unless a start that is given, and not named, is one for n points."""
    if isinstance(estimator.init, str):
        return
    init = checked_reals(estimator.init, "init")
    if init.shape != (n, estimator.n_components):
        raise ValueError(
            f"init must be of shape (N, n_components) = {(n, estimator.n_components)}, "
            f"got {init.shape}."
        )
    if not (np.isfinite(init).all() and max_magnitude(init) <= FARTHEST):
        raise ValueError(
            f"init must hold finite numbers within ±{FARTHEST:g}, got others; initial.rescale "
            "shrinks a map."
        )
    init = init.astype(np.float32)  # as it is taken
    if n > 1 and (init == init[0]).all():
        raise ValueError("init must not place all points on one spot: they could never part.")


def check_perplexity(value, kind) -> None:
    """Raise ValueError or TypeError unless a perplexity, or several, suit the affinities."""
    if not isinstance(value, list | tuple | np.ndarray):
        checked_number("perplexity", value)
        return
    values = checked_reals(value, "perplexity").ravel().tolist()
    if not values:
        raise ValueError("perplexity must hold a number, got an empty sequence.")
    if len(values) > 1 and isinstance(kind, str) and kind in ("uniform", "fixed_sigma"):
        raise ValueError(
            f"perplexity must be one number for affinities={kind!r}, got {value!r}; several are "
            'for "multiscale" and "mixture".'
        )
    for one in values:
        checked_number("perplexity", one)


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


def check_phase(phase: Phase) -> Phase:
    """Return a phase of plain numbers; ValueError or TypeError if one is not what it may be."""
    for name, value in phase._asdict().items():
        automatic = name == "learning_rate" and isinstance(value, str) and value == "auto"
        if name == "rule":
            check_choice(name, value, RULES)
        elif not automatic and not (name == "theta" and value is None):
            checked_number(name, value)
    return Phase(*map(as_python_number, phase))
