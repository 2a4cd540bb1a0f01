"""Function of docs/draw → the directive `drawn`: its picture, drawn when the site is built.

    ```{drawn} tree.cells
    :alt: Squares around points.

    The caption.
    ```

The function has no argument and returns a figure. It is drawn twice, for light and for dark pages.
The name of the file has a hash of the library and of docs/draw, so that a change of the code
leads to a new picture.
"""

import hashlib
import importlib
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import matplotlib as mpl
from docutils import nodes
from docutils.parsers.rst import directives
from matplotlib import pyplot as plt
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

_DOCS = Path(__file__).parents[1]
_STYLE = {
    "figure.dpi": 100, "savefig.dpi": 200, "font.size": 10, "axes.titlesize": 10.5,
    "axes.spines.top": False, "axes.spines.right": False, "figure.constrained_layout.use": True,
    "savefig.transparent": True, "font.family": "DejaVu Sans", "legend.frameon": False,
}  # fmt: skip
_INK = {"light": "#1f2329", "dark": "#d5d8dd"}
PAPER = {"light": "#ffffff", "dark": "#14181e"}  # of the pages, set in conf.py


def style(theme: str) -> dict:
    """Return matplotlib's settings for light or dark pages."""
    ink = _INK[theme]
    keys = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    return _STYLE | dict.fromkeys(keys, ink) | {"axes.facecolor": PAPER[theme],
        "figure.facecolor": PAPER[theme]}  # fmt: skip


@cache
def state() -> str:
    """Return a hash of the library, of docs/draw and of the version of matplotlib."""
    folders = _DOCS / "draw", _DOCS.parent / "bhtsne"
    files = sorted(path for folder in folders for path in folder.rglob("*.py"))
    text = b"".join(path.read_bytes() for path in files)
    return hashlib.sha256(text + mpl.__version__.encode()).hexdigest()[:12]


def draw(name: str) -> list[str]:
    """Draw the figure of a function of docs/draw for each theme; return the names of the files."""
    module, _, function = name.partition(".")
    folder = _DOCS / "drawn"
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{module}-{function}-{state()}-{theme}.png" for theme in _INK]
    if not all(path.exists() for path in paths):
        for old in folder.glob(f"{module}-{function}-*.png"):
            old.unlink()
        logging.getLogger(__name__).info("drawing %s", name)
        for theme, path in zip(_INK, paths, strict=True):
            with mpl.rc_context(style(theme)):
                figure = getattr(importlib.import_module(module), function)()
                figure.savefig(path)
                plt.close(figure)
    return [f"/drawn/{path.name}" for path in paths]


class Drawn(SphinxDirective):
    """A figure with an image for light and one for dark pages."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"alt": directives.unchanged_required, "width": directives.unchanged}

    def run(self) -> list:
        """Return the figure."""
        figure = nodes.figure(classes=["drawn"])
        for theme, path in zip(_INK, draw(self.arguments[0]), strict=True):
            image = nodes.image(uri=path, alt=self.options["alt"], classes=[f"only-{theme}"])
            if "width" in self.options:
                image["width"] = self.options["width"]
            figure += image
        caption = self.parse_content_to_nodes()
        if caption:
            figure += nodes.caption("", "", *caption[0].children)
        return [figure]


def setup(app: Any) -> dict:
    """Register with Sphinx."""
    plt.switch_backend("agg")
    app.add_directive("drawn", Drawn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
