"""SIGINT and SIGTERM → a flag that long work checks between its blocks and iterations.

A handler can raise between any two instructions of the main thread. In a destructor or a callback
from C, Python prints the exception and goes on, and the signal is lost. A flag is never lost.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_replaced: dict[int, Any] = {}  # handlers to restore, by signal
_active = _pending = False  # set by the main thread only, in which handlers run


@contextmanager
def held(*others: signal.Signals) -> Iterator[None]:
    """Let SIGINT set a flag during the body, which checks the flag by `check` or `take`.

    A second signal has its usual effect at once. If the body ends with the flag set, it raises
    KeyboardInterrupt. Only the outermost body of the main thread installs a handler. A handler of
    the caller's own stays in force.

    Parameters
    ----------
    *others : signal.Signals
        Further signals that set the flag, unless the caller handles or ignores them.
    """
    global _active
    if _active or not _in_main_thread():
        yield
        return
    _active = True
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            _replace(signal.SIGINT)
        for number in others:
            if signal.getsignal(number) is signal.SIG_DFL:
                _replace(number)
        yield
    finally:
        _restore()
        _active = False
        check()


def interruptible(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function: its body runs within `held`."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        with held():
            return function(*args, **kwargs)

    return wrapped


def check() -> None:
    """Raise KeyboardInterrupt if a signal has arrived for the work of this thread."""
    if take():
        raise KeyboardInterrupt


def take() -> bool:
    """Return whether a signal has arrived for the work of this thread, and clear the flag."""
    global _pending
    if not (_pending and _in_main_thread()):
        return False
    _pending = False
    return True


def check_fit(model: Any) -> None:
    """Raise KeyboardInterrupt if an interrupt ended the fit, before work on its final map."""
    if model.stopped_ == "interrupt":
        raise KeyboardInterrupt


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _replace(number: signal.Signals) -> None:
    _replaced[number] = signal.signal(number, _note)


def _note(*_: Any) -> None:
    global _pending
    _pending = True
    _restore()  # a second signal has its usual effect


def _restore() -> None:
    while _replaced:
        signal.signal(*_replaced.popitem())


# A process that is forked during the work has the usual handlers: `terminate` must end it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restore)
