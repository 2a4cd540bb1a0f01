"""The package → its public names, for the templates of the API and for `links`."""

import importlib
import inspect
from pathlib import Path

import bhtsne

_THINGS = {name: getattr(bhtsne, name) for name in bhtsne.__all__}
MODULES = [f"bhtsne.{name}" for name, thing in _THINGS.items() if inspect.ismodule(thing)]
CLASSES = [name for name, thing in _THINGS.items() if inspect.isclass(thing)]


def names(module: str) -> dict[str, list[str]]:
    """Return a module's public names by kind: classes, functions and constants, each sorted."""
    home = importlib.import_module(module)
    found: dict[str, list[str]] = {"classes": [], "functions": [], "constants": []}
    for name in sorted(set(home.__all__) - set(CLASSES)):  # which have their own pages
        thing = getattr(home, name)
        kind = (
            "classes" if inspect.isclass(thing)
            else "functions" if callable(thing) else "constants"
        )  # fmt: skip
        found[kind].append(name)
    return found


def methods(path: str) -> list[str]:
    """Return the public methods of a class that this library defines, in the order of the code."""
    module, _, name = path.rpartition(".")
    thing = getattr(importlib.import_module(module), name)
    found = {}
    for owner in reversed(thing.__mro__):
        if owner.__module__.startswith("bhtsne"):
            for key, value in vars(owner).items():
                value = getattr(value, "__func__", value)
                if inspect.isfunction(value) and not key.startswith("_") and value.__doc__:
                    place = (Path(inspect.getfile(value)).name, value.__code__.co_firstlineno)
                    found[key] = place if value.__module__.startswith("bhtsne") else None
    return [key for key, place in found.items() if place]


def properties(path: str) -> list[str]:
    """Return the properties of a class, to which numpydoc links in lists of attributes."""
    module, _, name = path.rpartition(".")
    thing = getattr(importlib.import_module(module), name)
    if not thing.__module__.startswith("bhtsne") or issubclass(thing, tuple):
        return []
    return [key for key, value in vars(thing).items() if isinstance(value, property)]


def value(path: str) -> str:
    """Return the representation of a constant, cut to one line."""
    module, _, name = path.rpartition(".")
    written = repr(getattr(importlib.import_module(module), name))
    return written if len(written) <= 120 else written[:117] + " …"
