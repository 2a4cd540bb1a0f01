"""Every public name has a docstring that numpydoc accepts, with an example for each function."""

import importlib
import inspect

from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate
from rules import holds_for

import bhtsne

# Sections in order, parameters all named and described, results described, a summary that is one
# sentence with a full stop.
CHECKS = {"GL01", "GL03", "GL05", "GL06", "GL07", "GL08", "PR01", "PR02", "PR03", "PR04", "PR07"}
CHECKS |= {"RT01", "RT03", "SS01", "SS03", "SS04", "YD01"}


def public_names():
    yield from ("bhtsne.TSNE", "bhtsne.TSNE.fit", "bhtsne.TSNE.fit_transform")
    for name in bhtsne._MODULES:
        module = importlib.import_module(f"bhtsne.{name}")
        for member in module.__all__:
            home = inspect.getmodule(getattr(module, member))
            if home is module or (home and home.__name__.startswith(f"bhtsne.{name}.")):
                yield f"bhtsne.{name}.{member}"


@holds_for(sorted(public_names()))
def test_docstring(name):
    found = {code: text for code, text in validate(name)["errors"] if code in CHECKS}
    module, _, member = name.rpartition(".")
    if module == "bhtsne.TSNE":
        assert not found
        return
    thing = getattr(importlib.import_module(module), member)
    doc = get_doc_object(thing)
    if inspect.isfunction(thing):
        assert doc["Examples"]
    elif issubclass(thing, tuple) or hasattr(thing, "__dataclass_fields__"):
        found.pop("PR01", None)  # the fields are described as attributes
        described = [name for part in doc["Attributes"] for name in part.name.split(", ")]
        assert set(described) == set(thing.__annotations__)
    elif "Protocol" in str(thing.__mro__):
        found.pop("PR01", None)  # a protocol has no constructor
    assert not found
