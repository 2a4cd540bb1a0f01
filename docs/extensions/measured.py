"""The directive `measured`: what a program of bench/ has written, as in the README.

    ```{measured} rivals
    ```

The table and its command come from bench/sections, the figures from bench/figures, so that no
number is typed by hand.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

from sphinx.util.docutils import SphinxDirective

_ROOT = Path(__file__).parents[2]


def report() -> Any:
    """Return the module bench/report.py."""
    sys.path.insert(0, str(_ROOT / "bench"))
    try:
        return importlib.import_module("report")
    finally:
        sys.path.pop(0)


class Measured(SphinxDirective):
    """The report of one program."""

    required_arguments = 1

    def run(self) -> list:
        """Return what the program's JSON says."""
        name = self.arguments[0]
        self.env.note_dependency(str(_ROOT / "bench" / f"{name}.json"))
        for path in sorted((_ROOT / "bench" / "sections").glob("*.py")):
            self.env.note_dependency(str(path))
        text = report().part(name)
        return self.parse_text_to_nodes(text.replace("](bench/", "](../bench/"))


def setup(app: Any) -> dict:
    """Register with Sphinx."""
    app.add_directive("measured", Measured)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
