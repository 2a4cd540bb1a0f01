"""Callbacks of an optimisation → calls at its beginning and at each check."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bhtsne.optimizer.phases import Record

__all__ = ["Callback", "begin", "listed", "stop"]

Callback = Callable[[Record, np.ndarray], Any]


def listed(callbacks: Callback | Sequence[Callback]) -> list[Callback]:
    """Return callbacks as a list; a single callable becomes a list of one."""
    return [callbacks] if callable(callbacks) else list(callbacks)


def begin(callbacks: Sequence[Callback], state: Any) -> None:
    """Call the method `begin` of the callbacks that have one."""
    for callback in callbacks:
        if hasattr(callback, "begin"):
            callback.begin(state)


def stop(callbacks: Sequence[Callback], record: Record, Y: np.ndarray) -> bool:
    """Call all callbacks; return whether one of them returned True.

    Only a bool counts. A callback that ends with the value of some other call, such as the list of
    artists of a plot, does not stop the optimisation.
    """
    answers = [callback(record, Y.copy()) for callback in callbacks]
    return any(isinstance(answer, bool | np.bool_) and bool(answer) for answer in answers)
