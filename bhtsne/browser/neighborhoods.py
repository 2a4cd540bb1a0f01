"""Neighbours in the data, and maps → what a page needs to draw and to count them, compactly.

A page stores the k nearest neighbours of each point as differences of places along a Morton curve
through the last map, on which most neighbours are near, in planes of one byte each. Small
differences compress well; `bench/questions.py` prints the bytes a point of a page of MNIST.
"""

from typing import Any, NamedTuple

import numpy as np

from bhtsne import neighbors
from bhtsne.browser.encoding import Column
from bhtsne.neighbors import Neighbors
from bhtsne.validation.graphs import checked_neighbors

__all__ = ["MOST", "Neighborhoods", "measures", "neighborhoods"]

MOST = 15  # neighbours of a point that a page holds
_SHIFTS = ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555))


class Neighborhoods(NamedTuple):
    """The k nearest neighbours of N points in the data, and which of them the maps keep.

    Attributes
    ----------
    k : int
        Neighbours of a point, at most 15.
    planes : list of ndarray of uint8, shape (N · k,)
        Bytes of the differences, lowest first: rows in the order of the Morton curve, and within a
        row the nearest first. A difference d is stored as 2d, or as −2d − 1 if it is negative; one
        of 0 stands for a neighbour that the search did not find.
    kept : list of ndarray of uint16, shape (N,)
        One for each map: bit r of a point says whether its neighbour r is among its k nearest
        points on the map.
    """

    k: int
    planes: list[np.ndarray]
    kept: list[np.ndarray]


def neighborhoods(found: Any, maps: list[np.ndarray], places: np.ndarray) -> Neighborhoods:
    """Return what a page holds of neighbours.

    Parameters
    ----------
    found : Neighbors or pair of arrays of shape (N, k')
        Indices and distances, nearest first.
    maps : list of ndarray of shape (N, 2)
        The maps of which to say which neighbours they keep.
    places : ndarray of uint16, shape (2, N)
        Coordinates of the last map as the page stores them.
    """
    n = places.shape[1]
    indices, _ = _nearest(found, n)
    rank = np.empty(n, np.int64)
    order = np.argsort(_morton(places), kind="stable")
    rank[order] = np.arange(n)
    shift = np.where(indices < 0, 0, rank[indices] - rank[:, None])[order]
    zigzag = np.where(shift >= 0, 2 * shift, -2 * shift - 1).ravel()
    n_planes = max(1, -(-int(zigzag.max(initial=0)).bit_length() // 8))
    planes = [(zigzag >> 8 * plane).astype(np.uint8) for plane in range(n_planes)]
    return Neighborhoods(indices.shape[1], planes, [_kept(indices, Y) for Y in maps])


def measures(found: Any, kl_per_point: Any, n: int) -> list[Column]:
    """Return columns of numbers that colour a map: density in the data, and where the map errs."""
    columns = []
    if found is not None:
        indices, distances = _nearest(found, n)
        last = np.where(indices[:, -1] >= 0, distances[:, -1], np.nan).astype(np.float32)
        columns.append(Column(f"distance to neighbour {indices.shape[1]}", "fraction", last, None))
    if kl_per_point is not None:
        kl = np.asarray(kl_per_point)
        if kl.shape != (n,) or kl.dtype.kind != "f":
            raise ValueError(
                f"kl_per_point must be one number for each of the {n} points, got an array of "
                f"{kl.dtype} of shape {kl.shape}."
            )
        columns.append(Column("KL divergence", "fraction", kl.astype(np.float32), None))
    return columns


def _nearest(found: Any, n: int) -> Neighbors:
    """Return the nearest neighbours, checked, at most 15 of each point."""
    indices, distances = checked_neighbors(found, n)
    if len(indices) != n or not indices.shape[1]:
        raise ValueError(
            f"neighbors must be one or more of each of the {n} points, got indices of shape "
            f"{indices.shape}."
        )
    return Neighbors(indices[:, :MOST], distances[:, :MOST])


def _kept(indices: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return bits: whether each neighbour is among the k nearest points on the map."""
    n, k = indices.shape
    if k >= n - 1:
        on_map = np.ones((n, k), bool)
    else:
        near = neighbors.search(Y.astype(np.float32), k, method="exact").indices
        on_map = np.zeros((n, k), bool)
        for column in near.T:
            on_map |= indices == column[:, None]
    return ((on_map & (indices >= 0)) << np.arange(k)).sum(axis=1).astype(np.uint16)


def _morton(places: np.ndarray) -> np.ndarray:
    """Return the keys of the Z-order curve: the bits of x and y, interleaved, uint32."""
    keys = np.zeros(places.shape[1], np.uint32)
    for axis, values in enumerate(places):
        spread = values.astype(np.uint32)
        for shift, mask in _SHIFTS:
            spread = (spread | (spread << np.uint32(shift))) & np.uint32(mask)
        keys |= spread << np.uint32(axis)
    return keys
