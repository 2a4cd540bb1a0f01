"""Points and a background → the image of one frame of a film, dot by dot.

Matplotlib draws the background once. A compiled loop paints the dots of each frame, much faster
than matplotlib draws them.
"""

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bhtsne import jit
from bhtsne.plot.colours import Coloured
from bhtsne.plot.naming import explain_beside
from bhtsne.plot.scatter import apply_layout, dot_style, fit_limits, remove_frame


class Stage:
    """Background of a film: axes with limits around all points, and a legend.

    Parameters
    ----------
    points : ndarray of shape (·, 2)
        Positions of all points at all times.
    dims : int
        Number of dimensions of the maps.
    n : int
        Maximum number of points in a frame.
    size : float or None
        Area of a dot, as in `scatter`.
    title : str
        The title with the most lines.
    coloured : Coloured
        Labels for the legend.
    plain : bool
        Whether the points have no labels, as in `scatter.dot_style`.
    dpi : int
        Pixels per inch; the axes are 6 inches wide.
    """

    def __init__(
        self, points, dims: int, n: int, size, title: str, coloured: Coloured, plain: bool, dpi: int
    ) -> None:
        figure = Figure(figsize=(6, 6 if dims == 2 else 2.6), dpi=dpi, layout="constrained")
        self._canvas = FigureCanvasAgg(figure)
        self._ax: Any = figure.add_subplot()
        remove_frame(self._ax, dims)
        fit_limits(self._ax, points)
        self._ax.set_title(title).set_animated(True)
        explain_beside(figure, [self._ax], coloured)
        apply_layout(self._ax)
        figure.set_layout_engine("none")
        style = dot_style(self._ax, n, size, None, plain=plain)
        self._alpha = np.float32(style["alpha"])
        self._radius = np.float32(style["sizes"][0] ** 0.5 / 2 * dpi / 72)
        self._canvas.draw()
        self._empty = self._canvas.copy_from_bbox(figure.bbox)
        self._titled: dict[str, np.ndarray] = {}

    def picture(self, places: np.ndarray, colours: np.ndarray, title: str) -> np.ndarray:
        """Return the image of points, uint8 of shape (height, width, 3).

        Places are in data coordinates, (n, 2); colours are red, green, blue and presence, (n, 4).
        """
        picture = self._background(title).copy()
        pixels = self._ax.transData.transform(places)
        pixels[:, 1] = len(picture) - pixels[:, 1]
        colours = np.ascontiguousarray(colours, np.float32) * np.array(
            [255, 255, 255, 1], np.float32
        )
        colours[:, 3] *= self._alpha
        _paint(picture, np.ascontiguousarray(pixels, np.float32), colours, self._radius)
        return np.rint(picture).astype(np.uint8)

    def _background(self, title: str) -> np.ndarray:
        """Return the image without the points, float32."""
        if title not in self._titled:
            self._ax.title.set_text(title)
            self._canvas.restore_region(self._empty)
            self._ax.draw_artist(self._ax.title)
            drawn = np.asarray(self._canvas.buffer_rgba())[..., :3]
            self._titled = {title: drawn.astype(np.float32)}
        return self._titled[title]


@jit.serial
def _paint(picture, places, colours, radius):
    """Paint dots of one radius over a picture, in order.

    The coverage of a pixel at the distance d is ``s + 1/2 − d``, clipped to 0 … 1. With
    s² = r² − 1/12 its sum is the area of the disc, π r². A dot smaller than a pixel has a lower
    opacity.
    """
    height, width, _ = picture.shape
    reach = np.sqrt(max(radius**2 - 1 / 12, 0.25)) + 0.5
    weight = min(3 * radius**2, 1)
    for i in range(len(places)):
        x, y = places[i, 0] - 0.5, places[i, 1] - 0.5  # relative to the centre of the first pixel
        for row in range(max(int(np.ceil(y - reach)), 0), min(int(y + reach) + 1, height)):
            for column in range(max(int(np.ceil(x - reach)), 0), min(int(x + reach) + 1, width)):
                d = np.sqrt((row - y) ** 2 + (column - x) ** 2)
                part = colours[i, 3] * weight * min(max(reach - d, 0), 1)
                for c in range(3):
                    picture[row, column, c] += part * (colours[i, c] - picture[row, column, c])
