"""Every message of the library is one short sentence; some are asked for by real calls."""

import ast
import re
from itertools import islice, product
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from rules import holds_for

import bhtsne
from bhtsne import TSNE, browser, cli, datasets, forces, initial, layers, plot, recorder, scanpy

PACKAGE = Path(bhtsne.__file__).parent
LONGEST = 200  # without names and values
VALUE = "\0"  # stands for a name or a value
# A fault inside of a file, which `files.readable_errors` ends: "… must hold …, got: {this}; …".
PARTS = re.compile(
    r"(files|storage|tables|checkpoint|landmarks/folder|recorder|tsne/saving)\b"
    r"|(neighbors/approximate|validation/arrays)\b"
)
LONGEST_PART = LONGEST - 90


class Message(NamedTuple):
    """A text that the library may say."""

    file: str
    line: int
    kind: str  # the exception; "warning" or "error" of argparse
    text: str  # with VALUE for each name and value


class Module:
    """The functions and names of a file, from which the texts of its messages are put together."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.file = path.relative_to(PACKAGE).as_posix()
        nodes = [*ast.walk(self.tree)]
        self.functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
        self.parents = {child: node for node in nodes for child in ast.iter_child_nodes(node)}

    def messages(self):
        """Yield each message, once for each way in which its parts may be put together."""
        for node in ast.walk(self.tree):
            call = node.exc if isinstance(node, ast.Raise) else node
            if not isinstance(call, ast.Call) or not call.args:
                continue
            name = ast.unparse(call.func)
            if isinstance(node, ast.Raise):
                kind = name.rpartition(".")[2]
            elif name.endswith("warn"):
                kind = "warning"
            elif name.endswith(".error") or name == "Usage":
                kind = "Usage"
            else:
                continue
            for text in self.texts(call.args[0], call):
                yield Message(self.file, node.lineno, kind, text)

    def texts(self, node: ast.expr, place: ast.AST, depth: int = 0) -> list[str]:
        """Return what an expression may be, with VALUE for all that is known at run time only."""
        again = depth + 1
        if isinstance(node, ast.Constant):
            return [node.value if isinstance(node.value, str) else VALUE]
        if isinstance(node, ast.JoinedStr):
            parts = [self.texts(part, place, again) for part in node.values]
            return ["".join(some) for some in islice(product(*parts), 100)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            both = product(
                self.texts(node.left, place, again), self.texts(node.right, place, again)
            )
            return ["".join(some) for some in both]
        if isinstance(node, ast.IfExp):
            return self.texts(node.body, place, again) + self.texts(node.orelse, place, again)
        if isinstance(node, ast.Name) and depth < 4:
            return self.assigned(node.id, place, again)
        if isinstance(node, ast.Call) and depth < 4:
            return self.called(node, place, again)
        return [VALUE]

    def assigned(self, name: str, place: ast.AST, depth: int) -> list[str]:
        """Return the texts that a name stands for in the function around a place, or in the file.

        The parameter of a function is what the function is called with.
        """
        while place in self.parents and not isinstance(place, ast.FunctionDef | ast.Module):
            place = self.parents[place]
        found = []
        for node in ast.walk(place):
            if isinstance(node, ast.Assign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(x, ast.Name) and x.id == name for x in targets):
                    found += self.texts(node.value, node, depth)
        if not found and isinstance(place, ast.FunctionDef):
            names = [argument.arg for argument in place.args.args]
            if name not in names:
                return self.assigned(name, self.tree, depth)
            for call in self.calls(place.name):
                if len(call.args) > names.index(name):
                    found += self.texts(call.args[names.index(name)], call, depth)
        return found or [VALUE]

    def calls(self, name: str) -> list[ast.Call]:
        """Return the calls of a function of the file."""
        nodes = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return [node for node in nodes if isinstance(node.func, ast.Name) and node.func.id == name]

    def called(self, node: ast.Call, place: ast.AST, depth: int) -> list[str]:
        """Return the texts that a function of the file returns, or of a text that is formatted."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            texts = self.texts(node.func.value, place, depth)
            return [re.sub(r"\{[^{}]*\}", VALUE, text) for text in texts]
        function = self.functions.get(ast.unparse(node.func).rpartition(".")[2])
        if function is None:
            return [VALUE]
        found = []
        for inner in ast.walk(function):
            if isinstance(inner, ast.Return) and inner.value is not None:
                found += self.texts(inner.value, inner, depth)
        return found or [VALUE]


def faults(message: Message) -> list[str]:
    """Return the rules that a message breaks."""
    said = message.text.replace(VALUE, "")
    is_part = bool(PARTS.match(message.file)) and not said.endswith(".")
    longest = LONGEST_PART if is_part else LONGEST
    found = []
    if len(said) > longest:
        found.append(f"{len(said)} letters")
    if re.search(r"[.!?]\s+[A-Z\0]|\n|\0 [A-Z][a-z]+ ", message.text):
        found.append("more than one sentence")
    if is_part or message.text.endswith(VALUE):
        return found
    if message.kind == "Usage" and said.endswith("."):
        found.append("a full stop after a message of the command")
    if message.kind != "Usage" and not said.endswith("."):
        found.append("no full stop at the end")
    return found


FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@holds_for(FILES)
def test_every_message_is_one_short_sentence(file):
    messages = Module(PACKAGE / file).messages()
    assert [(one.line, why, one.text) for one in messages if (why := faults(one))] == []


def test_nearly_all_messages_are_found():
    found = [one for file in FILES for one in Module(PACKAGE / file).messages()]
    assert len({(one.file, one.line) for one in found}) > 300
    unknown = {one.file for one in found if not one.text.replace(VALUE, "").strip()}
    # These pass on what others have put into words.
    passing = {"cli/streams.py", "neighbors/__init__.py", "user_warnings.py"}
    assert unknown <= passing | {"tables/roles.py", "tables/delimited.py", "cli/parser.py"}


SOURCE = """
_RULE = "a constant of the file; "
def first(x, more):
    text = f"x must be {x!r}, " + ("short" if x else "long")
    raise ValueError(text)
def second(x):
    say(_RULE + f"{x}")
    raise Usage(made(x))
def say(text):
    warnings.warn(text, stacklevel=2)
def made(x):
    return "a: {} b {}.".format(x, x)
"""


def test_texts_are_put_together_from_variables_parameters_and_functions(tmp_path, monkeypatch):
    monkeypatch.setattr("test_messages.PACKAGE", tmp_path)
    (tmp_path / "file.py").write_text(SOURCE)
    found = {(one.kind, one.text) for one in Module(tmp_path / "file.py").messages()}
    assert found == {
        ("ValueError", f"x must be {VALUE}, short"),
        ("ValueError", f"x must be {VALUE}, long"),
        ("warning", f"a constant of the file; {VALUE}"),
        ("Usage", f"a: {VALUE} b {VALUE}."),
    }


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        ("ValueError", "x must be 1, got 2.", None),
        ("ValueError", "x must be 1, got 2", "no full stop at the end"),
        ("ValueError", f"x must be 1, got {VALUE}", None),
        ("Usage", "--x must be 1.", "a full stop after a message of the command"),
        ("warning", "x is 1. Take another.", "more than one sentence"),
        ("warning", f"{VALUE} The run goes on.", "more than one sentence"),
        ("ValueError", f"x must be {VALUE * 300}.", None),
        ("ValueError", "x" * 200 + ".", "201 letters"),
    ],
)
def test_faults_are_found(kind, text, fault):
    assert faults(Message("a.py", 1, kind, text)) == ([fault] if fault else [])


# What a mistake is answered with names the argument, its value and a way out.

Y = np.random.default_rng(0).normal(size=(30, 2))
CELLS = SimpleNamespace(X=Y, obsm={"X_pca": Y}, obsp={}, uns={})
MISTAKES = {
    "labels": (lambda: plot.scatter(Y, ["a", "b"]), ["labels", "(30,)", "(2,)"]),
    "kind": (lambda: plot.scatter(Y, kind="dot"), ["kind", "'dot'", "'dots'"]),
    "palette": (
        lambda: plot.scatter(Y, list("ab") * 15, palette={"a": "red"}),
        ["palette", "'b'"],
    ),
    "colour": (lambda: plot.scatter(Y, list("ab") * 15, palette=["rot"]), ["palette", "'rot'"]),
    "theme": (lambda: plot.density(Y, theme="black"), ["theme", "'black'", "'dark'"]),
    "maps": (lambda: plot.small_multiples([]), ["maps", "at least one"]),
    "suffix": (lambda: plot.save("map.jpeg", Y), ["map.jpeg", ".png", ".svg"]),
    "page": (lambda: browser.write("m.html", Y, "kind"), ["labels", "'kind'", "30 points"]),
    "n_pcs": (lambda: scanpy.tsne(CELLS, 5), ["n_pcs", "5", "at most 2", "X_pca"]),
    "use_rep": (lambda: scanpy.tsne(CELLS, use_rep="pca"), ["use_rep", "pca", "X_pca"]),
    "n_components": (lambda: TSNE(4).fit(Y), ["n_components", "4", 'method="exact"']),
    "data set": (lambda: datasets.load("digit"), ["'digit'", "digits"]),
    "spot": (lambda: initial.rescale(np.zeros((5, 2))), ["Y", "one spot"]),
    "theta": (lambda: forces.repulsion(Y, theta=-1), ["theta", "-1", "at least 0"]),
    "layer": (lambda: layers.points([["a"]]), ["activations", "real numbers"]),
    "frames": (lambda: recorder.Recorder(1), ["frames", "1", "at least 2"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered_with_argument_value_and_remedy(name):
    call, words = MISTAKES[name]
    with pytest.raises((ValueError, TypeError, KeyError)) as caught:
        call()
    text = str(caught.value.args[0])
    assert [word for word in words if word not in text] == []
    assert faults(Message("", 0, "ValueError", text)) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["embed", "nowhere.csv"], ["nowhere.csv", "digits"]),
        (["plot", "nowhere.csv", "-o", "map.png"], ["nowhere.csv", "a file"]),
        (["embed", "digits", "--perplexty", "9"], ["--perplexty", "--perplexity"]),
        (["animate", "digits", "-o", "map.png"], ["map.png", ".gif"]),
    ],
)
def test_a_mistake_in_the_command_is_answered_in_one_line(arguments, words, capsys, tmp_path):
    try:
        status = cli.main(arguments)
    except SystemExit as stopped:
        status = stopped.code
    assert status == 2
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert [word for word in words if word not in text] == []
    assert len(text) <= LONGEST + 60
