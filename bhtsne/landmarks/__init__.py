"""Points in blocks → map: `TSNE` embeds landmarks, `TSNE.transform` places all other points.

Each point is placed independently of the others, by the attraction of its nearest landmarks. The
positions do not depend on the blocks, and memory holds one block at a time.
"""

from bhtsne.landmarks.estimator import LandmarkTSNE
from bhtsne.landmarks.sources import Source

__all__ = ["LandmarkTSNE", "Source"]
