"""NAME.py → NAME.ipynb: run the notebooks and keep their outputs, without times that would differ.

python notebooks/execute.py [NAME.py ...]
"""

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient


def execute(script: Path) -> None:
    """Run one notebook in its folder, and write it with its outputs."""
    notebook = jupytext.read(script)
    client = NotebookClient(
        notebook,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": script.parent}},
    )
    client.execute()
    notebook.metadata["language_info"] = {"name": "python"}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # the random ones would differ each time
    nbformat.write(notebook, script.with_suffix(".ipynb"))


if __name__ == "__main__":
    here = Path(__file__).parent
    for script in [Path(name) for name in sys.argv[1:]] or sorted(here.glob("[0-9]*.py")):
        print(script.name, flush=True)
        execute(script)
