"""The notebooks: each is one with its script, was run from top to bottom, and says what it is."""

import json
from pathlib import Path

import jupytext
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
SCRIPTS = sorted(FOLDER.glob("[0-9]*.py"))
every_notebook = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)


def read(script):
    return json.loads(script.with_suffix(".ipynb").read_text(encoding="utf-8"))["cells"]


def text(cell):
    return "".join(cell["source"])


def test_there_are_as_many_scripts_as_notebooks():
    assert len(SCRIPTS) == 7
    assert [path.stem for path in sorted(FOLDER.glob("*.ipynb"))] == [s.stem for s in SCRIPTS]


@every_notebook
def test_the_script_holds_the_same_cells(script):
    cells = jupytext.read(script).cells
    assert [(cell.cell_type, cell.source) for cell in cells] == [
        (cell["cell_type"], text(cell)) for cell in read(script)
    ]


@every_notebook
def test_it_was_run_from_top_to_bottom_without_an_error_or_a_warning(script):
    code = [cell for cell in read(script) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
    assert {output["output_type"] for output in outputs} <= {
        "stream", "display_data", "execute_result",
    }  # fmt: skip
    assert not [output for output in outputs if output.get("name") == "stderr"]


@every_notebook
def test_it_says_what_one_learns_and_what_to_try(script):
    cells = read(script)
    assert text(cells[0]).startswith("# ")
    assert "What you will learn" in text(cells[0])
    assert "What to try" in text(cells[-1])
    assert "BHTSNE_SMALL" in "".join(text(cell) for cell in cells)
