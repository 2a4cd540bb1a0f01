"""Parameters of an estimator → nothing, or one clear error for the first that breaks its rule."""

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from bhtsne import choices
from bhtsne.validation.arrays import checked_reals, max_magnitude
from bhtsne.validation.numbers import (
    FARTHEST,
    LIMITS,
    check_choice,
    check_metric,
    checked_number,
    checked_random_state,
)

__all__ = ["check_callbacks", "check_parameters", "check_start", "checked_places"]

_AUTOMATIC = (
    "early_exaggeration", "early_exaggeration_iter", "n_iter", "learning_rate", "momentum",
)  # fmt: skip
# Parameters that are words, or something else, whose own stage checks it.
_WORDS = {
    "init": (choices.INITIAL_MAPS, " or an array"),
    "neighbors": (choices.NEIGHBORS, ", a dict or two arrays"),
}


def check_parameters(given: Mapping[str, Any]) -> None:
    """Raise ValueError or TypeError for the first parameter that breaks a rule of its own.

    Parameters
    ----------
    given : mapping of str to object
        Parameters of an estimator, without those that are objects of their own (affinities,
        schedule, stopping, checkpoint) and the perplexity, whose rules depend on others.
    """
    for name, value in given.items():
        if name in LIMITS and name != "perplexity" and not (name == "sigma" and value is None):
            checked_number(name, value, automatic=name in _AUTOMATIC)
        elif name in _WORDS and isinstance(value, str):
            choices_, more = _WORDS[name]
            check_choice(name, value, choices_, more)
    if "method" in given:
        check_choice("method", given["method"], choices.FORCES)
    check_metric(given["metric"], given["metric_params"])
    checked_random_state(given["random_state"])
    if not isinstance(given["verbose"], bool | np.bool_ | numbers.Integral):
        raise TypeError(f"verbose must be True or False, got {given['verbose']!r}.")
    if given.get("method") == "barnes_hut" and given["n_components"] > 3:
        raise ValueError(
            f"n_components must be 1, 2 or 3 for Barnes-Hut, got {given['n_components']}; "
            'use method="exact".'
        )
    check_callbacks(given["callbacks"])


def check_callbacks(callbacks: Any) -> None:
    """Raise TypeError unless callbacks are a function or a list of functions."""
    functions = [callbacks] if callable(callbacks) else callbacks
    if not isinstance(functions, list | tuple) or not all(map(callable, functions)):
        raise TypeError(f"callbacks must be a function or a list of functions, got {callbacks!r}.")


def check_start(init: Any, shape: tuple[int, int], points: bool) -> None:
    """Raise ValueError unless a start suits points, or the array given is a map of this shape."""
    if isinstance(init, str):
        if init == "pca" and not points:
            raise ValueError(
                'init="pca" needs points, got distances or affinities; use init="auto" or '
                '"spectral".'
            )
        return
    Y = checked_places("init", init, shape)
    if shape[0] > 1 and (Y[0] == Y).all():
        raise ValueError("init must not place all points on one spot: they could never part.")


def checked_places(name: str, Y: Any, shape: tuple[int, int], more: str = "") -> np.ndarray:
    """Return places on a map as float32, or raise ValueError."""
    Y = checked_reals(Y, name)
    if Y.shape != shape:
        raise ValueError(f"{name} must be {more}an array of shape {shape}, got {Y.shape}.")
    if not (np.isfinite(Y).all() and max_magnitude(Y) <= FARTHEST):
        raise ValueError(
            f"{name} must hold finite numbers within ±{FARTHEST:g}, got others; initial.rescale "
            "shrinks a map."
        )
    return Y.astype(np.float32)
