"""The rooms of the package and their order: who may import what, and where a kernel may stand."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bhtsne

PACKAGE = Path(bhtsne.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}

# A room, which is a file or a folder, imports only from rooms above it in this list.
ORDER = [
    *(
        "choices",
        "interrupts",
        "events",
        "user_warnings",
        "jit",
        "memory",
        "validation",
        "files",
        "storage",
        "tables",
        "neighbors",
        "affinities",
        "initial",
        "tree",
        "forces",
    ),
    "optimizer",
    *(
        "schedules",
        "recorder",
        "progress",
        "parameters",
        "transform",
        "checkpoint",
        "dask",
        "tsne",
        "sne",
        "crowding",
        "dynamic",
        "metrics",
        "layers",
        "landmarks",
        "datasets",
    ),
    *("palette", "browser", "plot", "cli", "__main__", "scanpy"),
]
# Rooms that users reach by another way than `bhtsne.<room>`.
INNER = {
    "choices",
    "interrupts",
    "events",
    "user_warnings",
    "jit",
    "memory",
    "files",
    "storage",
    "tables",
    "validation",
    "parameters",
    "progress",
    "recorder",
    "tsne",
}
INNER |= {"checkpoint", "cli", "palette", "__main__"}

ONLY_IN = {
    "matplotlib": "plot",
    "pynndescent": "neighbors",
    "tqdm": "progress",
    "dask": "dask",
    "distributed": "dask",
}
COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "stencil", "cfunc", "jitclass"}

every_file = pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree):
    """Return a (module, name or None, alias) for each import, those inside of functions too."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(a.name, None, a.asname or a.name.partition(".")[0]) for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: an import is written out in full"
            found += [(node.module, a.name, a.asname or a.name) for a in node.names]
    return found


def rooms_imported(tree):
    for module, name, _ in imports(tree):
        if module == "bhtsne" and name != "__version__":
            yield "tsne" if name == "TSNE" else name
        elif module.startswith("bhtsne."):
            yield module.split(".")[1]


def kernels(tree):
    """Return the functions that a decorator of jit.py compiles."""

    def last(node):
        return getattr(node, "attr", getattr(node, "id", None))

    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return [f for f in functions if {"serial", "parallel"} & set(map(last, f.decorator_list))]


def names(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def test_every_room_has_its_place():
    assert {room(path) for path in FILES} - {"__init__"} <= set(ORDER)
    assert len(FILES) > 15


@every_file
def test_imports_come_from_rooms_above(path):
    mine = room(path)
    above = [] if mine == "__init__" else ORDER[: ORDER.index(mine) + 1]
    assert set(rooms_imported(TREES[path])) <= set(above)


@every_file
def test_a_heavy_library_is_imported_in_one_room(path):
    libraries = {module.partition(".")[0] for module, _, _ in imports(TREES[path])}
    assert [lib for lib in libraries & ONLY_IN.keys() if ONLY_IN[lib] != room(path)] == []


@every_file
def test_no_kernel_uses_what_another_file_defines(path):
    """Numba's cache doesn't see a change in a callee of another file, and would run the old one."""
    foreign = {alias for module, _, alias in imports(TREES[path]) if module.startswith("bhtsne")}
    body = [names(statement) for f in kernels(TREES[path]) for statement in f.body]
    assert set().union(*body) & foreign == set()


def test_kernels_are_found():
    assert sum(len(kernels(tree)) for tree in TREES.values()) > 20


@every_file
def test_functions_are_compiled_by_jit_alone(path):
    used = {name for module, name, _ in imports(TREES[path]) if module.startswith("numba")}
    modules = {alias for module, name, alias in imports(TREES[path]) if module == "numba" != name}
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Attribute) and names(node.value) & (modules - used):
            used.add(node.attr)
    assert (path.name == "jit.py") == bool(used & COMPILERS)


@every_file
def test_the_first_line_says_what_the_file_is(path):
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    assert first.startswith('"""')
    assert len(ast.get_docstring(TREES[path]).partition("\n")[0]) > 20


@every_file
def test_files_and_functions_stay_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef):
            has_docstring = ast.get_docstring(node) is not None
            body = node.body[has_docstring:]
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= 60, node.name


@every_file
def test_a_name_says_what_is_inside(path):
    assert path.stem not in {"utils", "util", "base", "constants", "helpers", "common", "misc"}


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, bhtsne; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert "bhtsne" in loaded
    heavy = {"matplotlib", "pynndescent", "sklearn", "numba", "scipy", "pandas", "tqdm", "llvmlite"}
    assert loaded & heavy == set()


def test_every_public_name_is_there_and_listed():
    assert dir(bhtsne) == sorted(bhtsne.__all__)
    assert len(set(bhtsne.__all__)) == len(bhtsne.__all__)
    for name in bhtsne.__all__:
        assert getattr(bhtsne, name) is not None
    rooms = {room(path) for path in FILES} - {"__init__"}
    assert rooms - INNER <= set(bhtsne.__all__)
    with pytest.raises(AttributeError, match="no attribute 'tsen'"):
        _ = bhtsne.tsen
