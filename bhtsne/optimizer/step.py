"""Map, velocity, gains and gradient → those after one step of gradient descent."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import prange

from bhtsne import jit

__all__ = ["MAX_STEP", "MIN_GAIN", "Motion", "advanced"]

MAX_STEP = 5.0  # a point moves at most this far in an iteration
MIN_GAIN = 0.01
_ROWS = 1024  # points of a block, whose coordinates are summed in order


class Motion(NamedTuple):
    """A map of N points that moves: arrays of float32, shape (N, d).

    Attributes
    ----------
    Y : ndarray
        The map.
    velocity : ndarray
        The last step.
    gains : ndarray
        Factor of the learning rate for each coordinate.
    """

    Y: np.ndarray
    velocity: np.ndarray
    gains: np.ndarray

    def part(self, rows: slice) -> "Motion":
        """Return views of some rows."""
        return Motion(*(array[rows] for array in self))


def advanced(
    motion: Motion,
    grad: np.ndarray,
    learning_rate: float,
    momentum: float,
    centred: Sequence[slice] = (slice(None),),
    *,
    as_opentsne: bool = False,
) -> Motion:
    """Return map, velocity and gains after one step (see `optimizer.run`), as new arrays."""
    moved = Motion(*(np.empty_like(array) for array in motion))
    grad = np.ascontiguousarray(grad, np.float32)
    rate, fraction = np.float32(learning_rate), np.float32(momentum)
    for part in centred or (slice(None),):
        to = moved.part(part)
        sums = np.zeros((-(-len(to.Y) // _ROWS), to.Y.shape[1]))
        flat = [array.ravel() for array in (*motion.part(part), grad[part], *to)]
        _step(*flat, rate, fraction, as_opentsne, sums)
        if centred:
            with np.errstate(invalid="ignore"):  # the next check reports NaN and infinity
                mean = (sums.sum(axis=0) / len(to.Y)).astype(np.float32)
                # By columns of two coordinates, which is faster than by rows or by columns of one.
                number = np.float32 if len(mean) % 2 else np.complex64
                for column, middle in zip(to.Y.view(number).T, mean.view(number), strict=True):
                    column -= middle
    return moved


@jit.parallel
def _step(
    Y, velocity, gains, grad, to_Y, to_velocity, to_gains, learning_rate, momentum, as_opentsne,
    sums,
):  # fmt: skip
    """Fill the motion after a step, and the sum of each block's new coordinates.

    ``v ← momentum v − learning_rate gain g``, at most `MAX_STEP` long; ``Y ← Y + v``. The gain
    grows by 0.2 where v and g point apart, and else shrinks to 0.8 of itself, at least `MIN_GAIN`;
    openTSNE's rule differs where one of the two is 0, and adds `MIN_GAIN` as it shrinks. Arrays
    hold the coordinates of one point after the other, so that the loops run on whole vectors.
    """
    d = sums.shape[1]
    longest = np.float32(MAX_STEP**2 / d)  # of a coordinate, if the step may be too long
    for block in prange(len(sums)):
        first, last = d * _ROWS * block, min(d * _ROWS * (block + 1), len(Y))
        long = np.float32(0)
        for e in range(first, last):
            g, v, gain = grad[e], velocity[e], gains[e]
            # Without a branch, which the processor would predict wrongly half of the time.
            apart = ((g > 0) & (v < 0)) | ((g < 0) & (v > 0))
            lower = max(gain * np.float32(0.8), np.float32(MIN_GAIN))
            if as_opentsne:  # constant in the loop, so that the compiler moves it out
                apart |= (g == 0) != (v == 0)
                lower = gain * np.float32(0.8) + np.float32(MIN_GAIN)
            gain = gain + np.float32(0.2) if apart else lower
            v = momentum * v - learning_rate * gain * g
            to_gains[e], to_velocity[e] = gain, v
            long += np.float32(1) if v * v > longest else np.float32(0)
        if long > 0:
            for i in range(first, last, d):
                length = np.float32(0)
                for e in range(i, i + d):
                    length += to_velocity[e] ** 2
                # Never divided by a length near 0: the approximate root of a denormal is infinite.
                if length > np.float32(MAX_STEP**2):
                    for e in range(i, i + d):
                        to_velocity[e] *= np.float32(MAX_STEP) / np.sqrt(length)
        for e in range(first, last):
            to_Y[e] = Y[e] + to_velocity[e]
        for a in range(d):
            total = np.float32(0)
            for e in range(first + a, last, d):
                total += to_Y[e]
            sums[block, a] = total
