"""Completed work of a stage → progress events for the listener of the current context.

Long computations call `report` between blocks. Each thread has its own context, so that a listener
receives only the events of its own fit. `report` also ends the stage by KeyboardInterrupt if a
signal has arrived.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from bhtsne import interrupts

T = TypeVar("T")
Listener = Callable[[float], Any] | None

_listener: ContextVar[Listener] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send the progress events of the body to a listener, or to none."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report(done: float) -> None:
    """Report the completed fraction of the stage, 0 to 1."""
    interrupts.check()
    listener = _listener.get()
    if listener is not None:
        listener(done)


@contextmanager
def portion(start: float, end: float) -> Iterator[None]:
    """Map the fractions that the body reports to the interval from start to end."""
    listener = _listener.get()
    if listener is None:
        yield
        return
    with listening(lambda done: listener(start + (end - start) * done)):
        yield


def mapped(function: Callable[[Any], T], items: Sequence[Any]) -> list[T]:
    """Apply a function to each item; each takes the same portion of the stage."""
    results = []
    for i, item in enumerate(items):
        with portion(i / len(items), (i + 1) / len(items)):
            results.append(function(item))
    return results


def blocks(n: int, block: int) -> Iterator[slice]:
    """Yield slices of ``range(n)``, reporting the completed fraction after each."""
    for start in range(0, n, block):
        yield slice(start, start + block)
        report(min(start + block, n) / n)
