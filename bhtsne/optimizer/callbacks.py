"""Callbacks of an optimisation → calls at its beginning, after iterations and checks, at its end.

A callback is a function of a record and a map. It may be an object with further methods, all of
them optional: `begin`, `after_iteration` and `end` take the state of the optimizer. A fit also
calls those of `Stages`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from bhtsne.optimizer.phases import Record

__all__ = ["Callback", "Stages", "call", "is_true", "listed", "methods", "stop", "watching"]

Callback = Callable[[Record, np.ndarray], Any]


class Stages(Protocol):
    """Methods that a fit calls before its optimisation, on callbacks that have them."""

    def open(self, n: int) -> None:
        """Take the number of points, before the first stage."""

    def stage(self, name: str, done: float) -> None:
        """Take the name of a stage and the completed fraction of it, 0 to 1."""

    def receive(self, neighbors: Any) -> None:
        """Take the neighbours of the points, which are None if the fit has none."""

    def fail(self) -> None:
        """Learn that the fit ended by an error."""


@contextmanager
def watching(callbacks: Sequence[Callback], n: int) -> Iterator[None]:
    """Open the callbacks of a fit of n points; if the body raises, they learn of it."""
    try:
        call(callbacks, "open", n)
        yield
    except BaseException:
        call(callbacks, "fail")
        raise


def listed(callbacks: Callback | Sequence[Callback]) -> list[Callback]:
    """Return callbacks as a list; a single callable becomes a list of one."""
    return [callbacks] if callable(callbacks) else list(callbacks)


def methods(callbacks: Sequence[Callback], name: str) -> list[Callable]:
    """Return the methods of this name of the callbacks that have one."""
    return [getattr(callback, name) for callback in callbacks if hasattr(callback, name)]


def call(callbacks: Sequence[Callback], name: str, *values: Any) -> None:
    """Call the method of this name of the callbacks that have one."""
    for method in methods(callbacks, name):
        method(*values)


def stop(callbacks: Sequence[Callback], record: Record, Y: np.ndarray) -> bool:
    """Call all callbacks; return whether one of them returned True.

    Only a bool counts. A callback that ends with the value of some other call, such as the list of
    artists of a plot, does not stop the optimisation.
    """
    answers = [is_true(callback(record, Y.copy())) for callback in callbacks]
    return any(answers)


def is_true(answer: Any) -> bool:
    """Return whether the answer of a callback is True, as a bool of Python or NumPy."""
    return isinstance(answer, bool | np.bool_) and bool(answer)
