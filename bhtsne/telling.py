"""Blocks and rounds → how much of a stage is done, told to whoever listens in this context.

A search or a sum that goes on for long calls `tell` now and then; what shows it, if anything does,
is not its concern. No other thread's fit is heard: each has a context of its own. A signal that has
arrived meanwhile ends the stage here, by KeyboardInterrupt.
"""

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from bhtsne import interrupts

T = TypeVar("T")
Listener = Callable[[float], Any] | None

_listener: ContextVar[Listener] = ContextVar("listener", default=None)


@contextmanager
def to(listener: Listener) -> Iterator[None]:
    """Call the listener with what is told in the body; None is nobody."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(done: float) -> None:
    """Say which part of the whole, 0 to 1, is done."""
    interrupts.check()
    listener = _listener.get()
    if listener is not None:
        listener(done)


@contextmanager
def share(start: float, end: float) -> Iterator[None]:
    """Let the body's whole be the part of the whole from start to end."""
    listener = _listener.get()
    if listener is None:
        yield
        return
    with to(lambda done: listener(start + (end - start) * done)):
        yield


def mapped(function: Callable[[Any], T], items: Sequence[Any]) -> list[T]:
    """Return what a function makes of each item, all of which have the same share."""
    results = []
    for i, item in enumerate(items):
        with share(i / len(items), (i + 1) / len(items)):
            results.append(function(item))
    return results


def blocks(n: int, block: int) -> Iterator[slice]:
    """Yield slices of ``range(n)``, telling how much of it is done after each."""
    for start in range(0, n, block):
        yield slice(start, start + block)
        tell(min(start + block, n) / n)


def warn(message: str) -> None:
    """Issue a UserWarning that points at the line which called the package."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and _is_inner(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)


def _is_inner(module: str) -> bool:
    """Return whether a module is the package's, or one that calls it from within a call of it."""
    return module.partition(".")[0] in ("bhtsne", "sklearn", "contextlib", "functools")
