"""A map → an image file, written atomically; the same arguments give the same bytes."""

import os
from typing import Any

from matplotlib.figure import Figure

from bhtsne.files import check_target
from bhtsne.plot.figures import DPI, SUFFIXES, write
from bhtsne.plot.scatter import FIGSIZE, PROJECTION, coordinates, scatter


def save(path: str | os.PathLike, Y: Any, labels: Any = None, **options: Any) -> None:
    """Draw a map as `scatter` does and write it to a file.

    The file is written atomically; the same arguments give the same bytes. No display is needed,
    and no pyplot figure is created.

    Parameters
    ----------
    path : str or path
        A .png, .pdf or .svg file; an existing file is replaced. A .pdf or .svg file of 20,000 or
        more points holds the points as an image.
    Y, labels : array-like
        As in `scatter`.
    **options
        The options of `scatter` except `ax`.

    Raises
    ------
    OSError
        If the folder does not exist or is not writable.
    ValueError
        If the suffix is another, or as in `scatter`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder, "map.svg"), [[0, 0], [1, 2], [3, 1]], ["a", "b", "b"])
    ...     print(*os.listdir(folder))
    map.svg
    """
    check_target(path, SUFFIXES)
    Y = coordinates(Y)
    figure = Figure(figsize=FIGSIZE[Y.shape[1]], dpi=DPI)
    # The map fills the figure; bbox_inches="tight" adds the title and legend outside it.
    ax = figure.add_axes((0, 0, 1, 1), projection=PROJECTION[Y.shape[1]])
    scatter(Y, labels, ax=ax, **options)
    write(path, figure)
