"""The rooms of the package and their order: who may import what, and where a kernel may stand."""

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from rules import holds_for

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
        "numba_internals",
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
        "transform",
        "checkpoint",
        "dask",
        "fitting",
        "tsne",
        "sne",
        "crowding",
        "dynamic",
        "metrics",
        "scanning",
        "layers",
        "landmarks",
        "datasets",
    ),
    *("palette", "browser", "plot", "live", "reporting", "cli", "__main__", "scanpy"),
]
# Rooms that users reach by another way than `bhtsne.<room>`.
INNER = {
    "choices",
    "interrupts",
    "events",
    "user_warnings",
    "numba_internals",
    "jit",
    "memory",
    "files",
    "storage",
    "tables",
    "validation",
    "fitting",
    "progress",
    "recorder",
    "tsne",
}
INNER |= {"cli", "palette", "__main__"}

ONLY_IN = {
    "matplotlib": "plot",
    "pynndescent": "neighbors",
    "tqdm": "progress",
    "dask": "dask",
    "distributed": "dask",
}
COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "stencil", "cfunc", "jitclass"}

every_file = holds_for(FILES, name=lambda path: path.relative_to(PACKAGE).as_posix())


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


def kernels(tree, decorators=frozenset({"serial", "parallel"})):
    """Return the functions that one of these decorators of jit.py compiles."""

    def last(node):
        return getattr(node, "attr", getattr(node, "id", None))

    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return [f for f in functions if decorators & set(map(last, f.decorator_list))]


def is_in(folder, module, name):
    """Return whether an import is of a file of a folder, or of a name in such a file."""
    parent, _, _ = module.rpartition(".")
    return parent == folder or (module == folder and (PACKAGE.parent / folder.replace(".", "/")
                                                      / f"{name}.py").exists())  # fmt: skip


def names(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def code_lines(text):
    """Return the number of lines that hold code: no docstring, comment or blank line."""
    lines = set()
    space = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in space:
            lines.update(
                range(token.start[0], token.end[0] + 1 - (token.type == tokenize.ENDMARKER))
            )
    for node in ast.walk(ast.parse(text)):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if documented and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


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
def test_no_kernel_uses_a_name_of_another_folder(path):
    """The cache sees changes in the kernel's folder alone, and would run old code after others."""
    folder = ".".join(["bhtsne", *path.parent.relative_to(PACKAGE).parts])
    foreign = {
        alias
        for module, name, alias in imports(TREES[path])
        if module.startswith("bhtsne") and not is_in(folder, module, name)
    }
    body = [names(statement) for f in kernels(TREES[path]) for statement in f.body]
    assert set().union(*body) & foreign == set()


@every_file
def test_no_parallel_loop_writes_to_a_field_of_a_named_tuple(path):
    """Numba takes such a write for dead code: the array belongs to no argument that it knows."""
    for kernel in kernels(TREES[path], {"parallel"}):
        written = [node for node in ast.walk(kernel) if isinstance(node, ast.Subscript)]
        written = [node for node in written if isinstance(node.ctx, ast.Store)]
        assert not [ast.unparse(n) for n in written if isinstance(n.value, ast.Attribute)]


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


def private_names(tree):
    """Return the attributes with a leading underscore that are not of self, cls or a class."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    owners = {"self", "cls"}
    return {
        node.attr
        for node in found
        if node.attr.startswith("_") and not node.attr.endswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in owners)
    }  # fmt: skip


@every_file
def test_private_parts_of_numba_are_used_in_one_file(path):
    inner = PACKAGE / "numba_internals.py"
    assert {"_cache", "_final_module", "_finalize_final_module"} <= private_names(TREES[inner])
    if path == inner:
        return
    modules = {module for module, _, _ in imports(TREES[path]) if module.startswith("numba")}
    assert modules <= {"numba"}
    assert private_names(TREES[path]) & private_names(TREES[inner]) == set()


@every_file
def test_the_first_line_says_what_the_file_is(path):
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    assert first.startswith('"""')
    assert len(ast.get_docstring(TREES[path]).partition("\n")[0]) > 20


@every_file
def test_files_and_functions_stay_small(path):
    assert code_lines(path.read_text(encoding="utf-8")) <= 300
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef):
            has_docstring = ast.get_docstring(node) is not None
            body = node.body[has_docstring:]
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= 60, node.name


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", 0),
        ("# a\n\nx = 1  # b\n", 1),
        ('"""A.\n\nB.\n"""\nx = """a\n\nb"""\n', 3),
        ('def f(\n    x,\n):\n    """A."""\n    # b\n    return x\n', 4),
    ],
)
def test_code_lines_are_counted(text, lines):
    assert code_lines(text) == lines


@every_file
def test_a_name_says_what_is_inside(path):
    assert path.stem not in {"utils", "util", "base", "constants", "helpers", "common", "misc"}


def loaded_by(code):
    """Return the names of the packages that a process has imported."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return set(run.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_heavy():
    loaded = loaded_by("import bhtsne")
    assert "bhtsne" in loaded
    heavy = {"matplotlib", "pynndescent", "sklearn", "numba", "scipy", "pandas", "tqdm", "llvmlite"}
    assert loaded & heavy == set()


def test_the_command_makes_a_map_without_what_is_slow_to_import(tmp_path):
    arguments = ["embed", "digits", "--quiet", "--n-iter", "1", "--plot", str(tmp_path / "map.png")]
    loaded = loaded_by(f"from bhtsne import cli; assert cli.main({arguments}) == 0")
    assert {"numba", "matplotlib"} <= loaded
    assert loaded & {"pynndescent", "sklearn", "pandas", "pyarrow", "dask"} == set()


def test_every_public_name_is_there_and_listed():
    assert dir(bhtsne) == sorted(bhtsne.__all__)
    assert len(set(bhtsne.__all__)) == len(bhtsne.__all__)
    for name in bhtsne.__all__:
        assert getattr(bhtsne, name) is not None
    rooms = {room(path) for path in FILES} - {"__init__"}
    assert rooms - INNER <= set(bhtsne.__all__)
    with pytest.raises(AttributeError, match="no attribute 'tsen'"):
        _ = bhtsne.tsen
