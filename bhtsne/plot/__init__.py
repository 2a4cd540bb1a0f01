"""Maps and records of fits → figures and films, drawn with matplotlib.

No other part of the package imports matplotlib.
"""

from bhtsne.plot.colours import DARK_PALETTE, PALETTE
from bhtsne.plot.comparison import compare
from bhtsne.plot.density import density
from bhtsne.plot.errors import force_errors, kl_per_point
from bhtsne.plot.figures import SUFFIXES
from bhtsne.plot.film import FILMS, animate
from bhtsne.plot.lecture import distance_densities, distances, pair_gradients
from bhtsne.plot.live import LiveFigure
from bhtsne.plot.runs import kl_history, stage_times
from bhtsne.plot.saving import save
from bhtsne.plot.scatter import scatter
from bhtsne.plot.several import small_multiples
from bhtsne.plot.thumbnails import thumbnails

__all__ = [
    "DARK_PALETTE",
    "FILMS",
    "PALETTE",
    "SUFFIXES",
    "LiveFigure",
    "animate",
    "compare",
    "density",
    "distance_densities",
    "distances",
    "force_errors",
    "kl_history",
    "kl_per_point",
    "pair_gradients",
    "save",
    "scatter",
    "small_multiples",
    "stage_times",
    "thumbnails",
]
