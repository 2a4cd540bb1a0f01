"""Sources of quick tests and doctests → offenders: public functions and methods that none uses."""

import ast
import doctest
import importlib
import inspect
from pathlib import Path

import bhtsne

TESTS = Path(__file__).parent
PACKAGE = Path(bhtsne.__file__).parent


def public():
    """Return the public functions and methods: a dict of functions to their names.

    A method that two classes share is in it once. Protocols have none: users write them.
    """
    modules = [importlib.import_module(f"bhtsne.{name}") for name in bhtsne._MODULES]
    members = [getattr(module, name) for module in modules for name in module.__all__]
    members = {x for x in [*members, bhtsne.TSNE, bhtsne.Recorder] if callable(x)}
    found = {x: f"{x.__module__}.{x.__name__}" for x in members if inspect.isfunction(x)}
    for owner in members - found.keys():
        for name, method in inspect.getmembers(owner, inspect.isroutine):
            is_ours = str(getattr(method, "__module__", "")).startswith("bhtsne")
            if is_ours and name[0] != "_" and not getattr(owner, "_is_protocol", False):
                found[getattr(method, "__func__", method)] = f"{owner.__name__}.{name}"
    return found


class Names(ast.NodeVisitor):
    """The dotted names in a piece of code, and all attributes; not in cases marked full."""

    def __init__(self, *nodes):
        self.dotted, self.attributes, self.parameters = set(), set(), set()
        for node in nodes:
            self.visit(node)

    def visit_Name(self, node):
        self.dotted.add(node.id)

    def visit_arg(self, node):
        self.parameters.add(node.arg)  # of a test: its fixtures
        self.generic_visit(node)

    def visit_Attribute(self, node):
        self.attributes.add(node.attr)
        self.dotted.add(ast.unparse(node))
        self.generic_visit(node)

    def visit_Call(self, node):
        if not any(is_full(word.value) for word in node.keywords if word.arg == "marks"):
            self.generic_visit(node)


def is_full(node):
    """Return whether a mark is `full` with no first cases left in the quick suite."""
    return isinstance(node, ast.expr) and ast.unparse(node) in {"full", "pytest.mark.full"}


def imported(tree):
    """Return what the imported names of a file stand for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "bhtsne":
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name: a.name for a in node.names if a.name == "bhtsne"}
    return found


def thing(dotted, aliases):
    """Return the object that a dotted name stands for, or None for one that is not of bhtsne."""
    first, dot, rest = dotted.partition(".")
    found = bhtsne if first in aliases else None
    for name in (aliases.get(first, "") + dot + rest).split(".")[1:]:
        found = getattr(found, name, None)
    return found


def uses(names, aliases):
    """Return the functions that a test names, and the methods of the classes that it names."""
    things = {x for name in names.dotted if callable(x := thing(name, aliases))}
    classes = {x for x in things if inspect.isclass(x)}
    methods = [getattr(x, name, None) for x in classes for name in names.attributes]
    return things | {getattr(method, "__func__", method) for method in methods if callable(method)}


def quick_tests(tree, shared):
    """Yield the names in each quick test of a file, and in the helpers and fixtures it uses."""
    defined = dict(shared)
    for node in tree.body:
        if isinstance(node, ast.Assign):
            defined |= {n.id: node for t in node.targets for n in ast.walk(t)
                        if isinstance(n, ast.Name)}  # fmt: skip
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined[node.name] = node
    if "pytestmark" in defined and any(map(is_full, ast.walk(defined["pytestmark"]))):
        return
    for name, node in defined.items():
        if name.startswith("test_") and not any(map(is_full, node.decorator_list)):
            reached, names = {name}, Names(node)
            while more := (names.dotted | names.parameters) & defined.keys() - reached:
                reached |= more
                names = Names(*(defined[one] for one in reached))
            yield names


def doctests():
    """Yield the code of the examples of each docstring of the package."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                examples = doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
                yield ast.parse("".join(example.source for example in examples))


def test_every_public_function_and_method_is_used_by_a_quick_test():
    used = set()
    for tree in doctests():
        used |= uses(Names(tree), imported(tree))
    conftest = ast.parse((TESTS / "conftest.py").read_text(encoding="utf-8"))
    fixtures = {node.name: node for node in conftest.body if isinstance(node, ast.FunctionDef)}
    for path in TESTS.rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        aliases = imported(conftest) | imported(tree)
        for names in quick_tests(tree, fixtures):
            used |= uses(names, aliases)
    names = public()
    assert len(names) > 80
    assert sorted(names[one] for one in names.keys() - used) == []


def test_a_test_marked_full_does_not_count():
    source = """
import pytest
from bhtsne import tree

@pytest.mark.full
def test_slow():
    tree.build()

@pytest.mark.parametrize("f", [pytest.param(tree.build, marks=pytest.mark.full), len])
def test_case(f):
    f()

def helper():
    tree.build()

@pytest.mark.full(after=1)
def test_quick():
    helper()
"""
    tests = ast.parse(source)
    found = [tree_of.dotted for tree_of in quick_tests(tests, {})]
    assert ["tree.build" in names for names in found] == [False, True]
