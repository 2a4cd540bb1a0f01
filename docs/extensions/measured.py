"""The directive `measured`: what a program of bench/ has written, as in the README.

    ```{measured} rivals
    ```

The table and its command come from bench/report.py, the figures from bench/figures, so that no
number is typed by hand.
"""

import importlib.util
from pathlib import Path
from typing import Any

from sphinx.util.docutils import SphinxDirective

_ROOT = Path(__file__).parents[2]


def report() -> Any:
    """Return the module bench/report.py."""
    spec: Any = importlib.util.spec_from_file_location("report", _ROOT / "bench" / "report.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Measured(SphinxDirective):
    """The report of one program."""

    required_arguments = 1

    def run(self) -> list:
        """Return what the program's JSON says."""
        name, writer = self.arguments[0], report()
        self.env.note_dependency(str(_ROOT / "bench" / f"{name}.json"))
        self.env.note_dependency(str(_ROOT / "bench" / "report.py"))
        text = getattr(writer, f"_{name}")(writer._load(name))
        return self.parse_text_to_nodes(text.replace("](bench/", "](../bench/"))


def setup(app: Any) -> dict:
    """Register with Sphinx."""
    app.add_directive("measured", Measured)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
