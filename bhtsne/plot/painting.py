"""Points and a picture of all that stays → the picture of one frame, dot by dot.

Matplotlib draws what stays once. Of 70,000 dots a frame, drawing takes it 0.40 s, painting 0.017 s.
"""

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bhtsne import jit
from bhtsne.plot.colours import Coloured
from bhtsne.plot.naming import explain_beside
from bhtsne.plot.scatter import dots, frame, settle, undress


class Stage:
    """Axes that have room for all points, and all around them that stays.

    Parameters
    ----------
    points : ndarray of shape (·, 2)
        Which have to find room.
    dims : int
        Of the map.
    n : int
        Points that are seen at once.
    size : float or None
        Area of a dot, as in `scatter`.
    title : str
        The tallest.
    coloured : Coloured
        What the legend explains.
    dpi : int
        Pixels of 6 inches.
    """

    def __init__(
        self, points, dims: int, n: int, size, title: str, coloured: Coloured, plain: bool, dpi: int
    ) -> None:
        figure = Figure(figsize=(6, 6 if dims == 2 else 2.6), dpi=dpi, layout="constrained")
        self._canvas = FigureCanvasAgg(figure)
        self._ax: Any = figure.add_subplot()
        undress(self._ax, dims)
        frame(self._ax, points)
        self._ax.set_title(title).set_animated(True)
        explain_beside(figure, [self._ax], coloured)
        settle(self._ax)
        figure.set_layout_engine("none")
        style = dots(self._ax, n, size, None, plain=plain)
        self._alpha = np.float32(style["alpha"])
        self._radius = np.float32(style["sizes"][0] ** 0.5 / 2 * dpi / 72)
        self._canvas.draw()
        self._empty = self._canvas.copy_from_bbox(figure.bbox)
        self._titled: dict[str, np.ndarray] = {}

    def picture(self, places: np.ndarray, colours: np.ndarray, title: str) -> np.ndarray:
        """Return the picture of points, uint8 of shape (height, width, 3).

        Places are in data coordinates, (n, 2), colours (n, 4): red, green, blue, presence.
        """
        picture = self._background(title).copy()
        seen = self._ax.transData.transform(places)
        seen[:, 1] = len(picture) - seen[:, 1]
        colours = np.ascontiguousarray(colours, np.float32) * np.array(
            [255, 255, 255, 1], np.float32
        )
        colours[:, 3] *= self._alpha
        _paint(picture, np.ascontiguousarray(seen, np.float32), colours, self._radius)
        return np.rint(picture).astype(np.uint8)

    def _background(self, title: str) -> np.ndarray:
        """Return all but the points, float32."""
        if title not in self._titled:
            self._ax.title.set_text(title)
            self._canvas.restore_region(self._empty)
            self._ax.draw_artist(self._ax.title)
            drawn = np.asarray(self._canvas.buffer_rgba())[..., :3]
            self._titled = {title: drawn.astype(np.float32)}
        return self._titled[title]


@jit.serial
def _paint(picture, places, colours, radius):
    """Paint dots of one radius over a picture, the first undermost.

    A pixel at the distance d is covered by ``s + 1/2 − d`` of a dot, 0 to 1, where s² = r² − 1/12
    makes all of it the disc's area, π r². A dot smaller than a pixel is a pale one.
    """
    height, width, _ = picture.shape
    reach = np.sqrt(max(radius**2 - 1 / 12, 0.25)) + 0.5
    weight = min(3 * radius**2, 1)
    for i in range(len(places)):
        x, y = places[i, 0] - 0.5, places[i, 1] - 0.5  # pixels are counted from their middles
        for row in range(max(int(np.ceil(y - reach)), 0), min(int(y + reach) + 1, height)):
            for column in range(max(int(np.ceil(x - reach)), 0), min(int(x + reach) + 1, width)):
                d = np.sqrt((row - y) ** 2 + (column - x) ** 2)
                part = colours[i, 3] * weight * min(max(reach - d, 0), 1)
                for c in range(3):
                    picture[row, column, c] += part * (colours[i, c] - picture[row, column, c])
