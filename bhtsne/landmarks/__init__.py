"""Points in blocks → a map of some of them, on which the others are placed one by one.

A map of landmarks is made as `TSNE` makes it; every other point then goes where its neighbours
among the landmarks draw it, as `TSNE.transform` places it: on its own, so that neither the number
of points nor the order of the blocks matters, and no more than a block is held.
"""

from bhtsne.landmarks.estimator import LandmarkTSNE
from bhtsne.landmarks.sources import Source

__all__ = ["LandmarkTSNE", "Source"]
