"""A map of a run that a viewer marked to be kept."""

from typing import NamedTuple

import numpy as np


class Snapshot(NamedTuple):
    """A map of a run.

    Attributes
    ----------
    title : str
        Its title for a slider.
    iteration : int
        Iterations before it.
    Y : ndarray of float32, shape (N, 2)
        The map.
    """

    title: str
    iteration: int
    Y: np.ndarray
