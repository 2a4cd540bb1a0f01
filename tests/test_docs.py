"""The pages of docs/: what they name exists, and all that exists is named. Sphinx runs the rest."""

import ast
import importlib
import inspect
import re
import shlex
import sys
from pathlib import Path

import pytest

import bhtsne
from bhtsne import TSNE, cli

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
PEERS = {"openTSNE", "sklearn", "umap", "fast_tsne"}
ABOUT_OTHERS = {"coming", "parameters"}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


def blocks(page, language):
    text = page.read_text(encoding="utf-8")
    found = re.findall(rf"^```{language}[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(r"^:.*\n", "", block, flags=re.MULTILINE) for block in found]


def arguments(directive):
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    return re.findall(rf"^```{{{directive}}} (\S+)", text, re.MULTILINE)


def quoted(page):
    """Return what stands between backticks, outside of blocks."""
    text = re.sub(r"^(`{3,}|:{3,}).*?^\1", "", page.read_text("utf-8"), flags=re.M | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


@every_page
def test_python_is_a_cell_that_the_build_runs_or_is_of_another_library(page):
    for block in blocks(page, r"\{code-cell\}"):
        ast.parse(block)
    for block in blocks(page, "python"):
        first = ast.parse(block).body[0]
        module = getattr(first, "module", None) or first.names[0].name
        assert module.partition(".")[0] in PEERS


@every_page
def test_commands_parse(page):
    lines = "\n".join(blocks(page, "sh")).splitlines()
    for words in (shlex.split(line) for line in lines):
        if words and words[0].endswith("bhtsne"):
            cli._parser().parse_args(words[1:])


@every_page
def test_names_exist(page):
    """A name of a module or an estimator leads to something: an attribute, or one told of."""
    for text in quoted(page):
        match = re.match(r"^(?:bhtsne\.)?([A-Za-z_]\w*)\.([\w.]+)(?:\(.*\))?$", text)
        if not match or match[1] not in bhtsne.__all__ or match[2] in {"py", "md", "npz"}:
            continue
        thing = getattr(bhtsne, match[1])
        for part in match[2].split("."):
            told = part in (inspect.getdoc(thing) or "") and part not in dir(thing)
            thing = None if told else getattr(thing, part)


@every_page
def test_parameters_exist(page):
    if page.stem in ABOUT_OTHERS:
        return
    ours = {*inspect.signature(TSNE).parameters}
    named = {name for text in quoted(page) for name in re.findall(r"^([a-z_]+)=", text)}
    assert named <= ours


def test_every_picture_is_drawn_and_shown():
    drawn = set()
    for path in DOCS.glob("draw/*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        drawn |= {
            f"{path.stem}.{f.name}"
            for f in tree.body
            if isinstance(f, ast.FunctionDef) and not (f.name.startswith("_") or f.args.args)
        }
    assert drawn - {"maps.digits"} == set(arguments("drawn"))


def test_everything_measured_is_shown():
    assert sorted(arguments("measured")) == sorted(p.stem for p in ROOT.glob("bench/*.json"))


def test_every_public_name_has_its_place_in_the_api(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "extensions"))
    public = importlib.import_module("public")
    sys.modules.pop("public")
    listed = set(re.findall(r"^   bhtsne\.(\w+)$", (DOCS / "api.rst").read_text(), re.MULTILINE))
    assert listed == set(bhtsne.__all__) - {"__version__"}
    for module in public.MODULES:
        names = [name for kind in public.names(module).values() for name in kind]
        assert {*names, *public.CLASSES} >= set(importlib.import_module(module).__all__)
    methods = {"fit", "fit_transform", "transform", "optimize", "add", "save", "load", "resume"}
    assert methods <= set(public.methods("bhtsne.TSNE"))


@pytest.mark.parametrize(("library", "title"), [
    ("sklearn.manifold", "scikit-learn's `TSNE`"), ("openTSNE", "openTSNE's `TSNE`"),
])  # fmt: skip
def test_parameters_of_peers_and_their_defaults_are_those_of_the_installed_library(library, title):
    peer = pytest.importorskip(library).TSNE
    given = inspect.signature(peer).parameters
    text = (DOCS / "parameters.md").read_text(encoding="utf-8")
    section = text.split(f"## {title}\n")[1].split("\n## ")[0]
    cells = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    there = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    named = {name.partition("=")[0] for name in there if not name.partition("=")[0].endswith("_")}
    assert named == given.keys()
    for name, default in (one.split("=") for one in there if "=" in one):
        assert ast.literal_eval(default) == given[name].default
