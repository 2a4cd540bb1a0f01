"""Maps → pictures: one map, several, a film from map to map; and why t-SNE, in figures.

The only room of the package that imports matplotlib.
"""

from bhtsne.plot.colours import PALETTE
from bhtsne.plot.film import FILMS, animate
from bhtsne.plot.lecture import distance_densities, distances, pair_gradients
from bhtsne.plot.live import LiveFigure
from bhtsne.plot.scatter import SUFFIXES, save, scatter
from bhtsne.plot.several import small_multiples

__all__ = [
    "FILMS",
    "PALETTE",
    "SUFFIXES",
    "LiveFigure",
    "animate",
    "distance_densities",
    "distances",
    "pair_gradients",
    "save",
    "scatter",
    "small_multiples",
]
