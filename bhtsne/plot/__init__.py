"""Maps → pictures: one map, several, a film from map to map; and why t-SNE, in figures.

The only room of the package that imports matplotlib.
"""

from bhtsne.plot.colours import DARK_PALETTE, PALETTE
from bhtsne.plot.density import density
from bhtsne.plot.film import animate
from bhtsne.plot.lecture import distance_densities, distances, pair_gradients
from bhtsne.plot.saving import SUFFIXES, save
from bhtsne.plot.scatter import scatter
from bhtsne.plot.several import small_multiples

__all__ = [
    "DARK_PALETTE",
    "PALETTE",
    "SUFFIXES",
    "animate",
    "density",
    "distance_densities",
    "distances",
    "pair_gradients",
    "save",
    "scatter",
    "small_multiples",
]
