"""A figure of several panels → a file, written atomically, without pyplot or a display."""

import io
import os
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from bhtsne.files import atomic_write, check_target

DPI = 200
_UNDATED: dict = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
SUFFIXES = tuple(_UNDATED)  # of the files that `write` writes


def panels(n: int, width: float = 5.0, height: float = 5.0) -> np.ndarray:
    """Return n axes side by side in a figure without a window; sizes are those of one in inches."""
    figure = Figure(figsize=(n * width, height), dpi=DPI, layout="constrained")
    return figure.subplots(1, n, squeeze=False)[0]


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """Return a figure as the content of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi, bbox_inches="tight", metadata={"Software": None})
    return file.getvalue()


def write(path: str | os.PathLike, figure: Figure) -> None:
    """Write a figure to a file."""
    check_target(path, SUFFIXES)
    suffix = Path(path).suffix.lower()
    # Journals require fonts of type 42. A constant salt makes the identifiers in an SVG constant.
    with rc_context({"pdf.fonttype": 42, "svg.hashsalt": "map"}), atomic_write(path) as file:
        figure.savefig(file, format=suffix[1:], dpi=DPI, bbox_inches="tight",
                       metadata=_UNDATED[suffix])  # fmt: skip
