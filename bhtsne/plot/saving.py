"""A map → a picture in a file, whole or not at all, the same bytes each time."""

import os
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from bhtsne.files import atomic_write, check_target
from bhtsne.plot.scatter import FIGSIZE, PROJECTION, coordinates, scatter

_UNDATED: dict = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
SUFFIXES = tuple(_UNDATED)  # of the files that `save` writes


def save(path: str | os.PathLike, Y: Any, labels: Any = None, **options: Any) -> None:
    """Draw a map as `scatter` does and write it to a file, whole or not at all.

    The same arguments make the same bytes. No display is needed and no pyplot figure is made.

    Parameters
    ----------
    path : str or path
        A file .png, .pdf or .svg; replaced if it exists. From 20,000 points on, a .pdf or .svg
        holds the points as an image.
    Y, labels : array-like
        As in `scatter`.
    **options
        The options of `scatter` but for `ax`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder, "map.svg"), [[0, 0], [1, 2], [3, 1]], ["a", "b", "b"])
    ...     print(*os.listdir(folder))
    map.svg
    """
    check_target(path, SUFFIXES)
    suffix = Path(path).suffix.lower()
    Y = coordinates(Y)
    figure = Figure(figsize=FIGSIZE[Y.shape[1]], dpi=200)
    # the map fills the figure, and the title and legend outside it are added to the picture
    ax = figure.add_axes((0, 0, 1, 1), projection=PROJECTION[Y.shape[1]])
    scatter(Y, labels, ax=ax, **options)
    # type 42 is what journals ask for; the salt makes the identifiers in an SVG the same each time
    with rc_context({"pdf.fonttype": 42, "svg.hashsalt": "map"}), atomic_write(path) as file:
        figure.savefig(file, format=suffix[1:], bbox_inches="tight", metadata=_UNDATED[suffix])
