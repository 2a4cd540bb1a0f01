"""Pages of docs/ → their names exist, and public names have a page; Sphinx runs the other cells."""

import ast
import importlib
import inspect
import re
import shlex
import sys
from pathlib import Path

import numpy as np
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
    """Return the text between backticks, outside of blocks."""
    text = re.sub(r"^(`{3,}|:{3,}).*?^\1", "", page.read_text("utf-8"), flags=re.M | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


@every_page
def test_python_is_a_cell_of_the_build_or_code_of_another_library(page):
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
    """A name of a module or an estimator is an attribute, or documented in the docstring."""
    for text in quoted(page):
        match = re.match(r"^(?:bhtsne\.)?([A-Za-z_]\w*)\.([\w.]+)(?:\(.*\))?$", text)
        if not match or match[1] not in bhtsne.__all__ or match[2] in {"py", "md", "npz"}:
            continue
        thing = getattr(bhtsne, match[1])
        for part in match[2].split("."):
            documented = part in (inspect.getdoc(thing) or "") and part not in dir(thing)
            thing = None if documented else getattr(thing, part)


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


def run(page, names):
    for block in blocks(DOCS / f"{page}.md", r"\{code-cell\}"):
        exec(compile(block, f"{page}.md", "exec"), names)
    return names


def test_the_stages_run_one_by_one_and_the_gradient_is_that_of_the_exact_sums(capsys):
    names = run("stages", {})
    assert names["error"] < 2e-3
    assert names["P"].sum() == pytest.approx(1, abs=1e-5)
    assert f"{names['error']:.1e}" in capsys.readouterr().out


def test_variants_and_sequences_run():
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    names = run("variants", {})
    assert np.abs(names["gradient"]).max() < 1
    assert [len(Y) for Y in names["dynamic"].embeddings_] == [500, 500]
    assert names["dynamic"].movement_[0] > 0
    plt.close("all")


@every_page
def test_links_between_pages_lead_to_headings(page):
    text = page.read_text(encoding="utf-8")
    for path, heading in re.findall(r"\]\((\w+\.md)(?:#([\w-]+))?\)", text):
        target = (DOCS / path).read_text(encoding="utf-8")
        if heading:
            titles = re.findall(r"^#+ (.*)$", target, re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}


def test_pictures_of_pages_exist():
    for page in PAGES:
        for path in re.findall(r"!\[.*?\]\((.*?)\)", page.read_text(encoding="utf-8")):
            assert (DOCS / path).stat().st_size > 1000


def test_every_page_is_in_the_table_of_contents():
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    entries = " ".join(re.findall(r"^```\{toctree\}.*?^```", text, re.MULTILINE | re.DOTALL))
    assert {p.stem for p in PAGES} - {"index"} <= set(re.findall(r"\w+", entries))


def test_the_checklists_name_files_that_exist():
    text = (DOCS / "development.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:bhtsne|tests|bench|docs)/[\w/]+\.(?:py|md|rst|svg))`", text)
    assert len(named) > 20
    for path in named:
        assert (ROOT / path).exists(), path


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
