"""X → the k nearest neighbours of all its points, each pair of tiles compared once.

1. A sample of the points gives each point a bound that its k-th distance seldom exceeds.
2. Each tile of two blocks of points lists the pairs that are nearer than the bound of either.
3. For each point the listed points are measured in float64, and the k nearest are kept.

A point with fewer than k points within its bound is left open. In many dimensions the tiles hold
distances along the principal axes alone. No distance is shorter than those, so that the result
remains exact; pairs are then measured before they are listed.
"""

from typing import NamedTuple

import numpy as np

from bhtsne import events, jit
from bhtsne.neighbors.candidates import Measured, list_pairs, lower_ranks, nearest_listed
from bhtsne.neighbors.frames import Frame, blocks, framed
from bhtsne.neighbors.tiles import STEP, factors, rounding

__all__ = ["search"]

_FEW = 4096  # points up to which nothing is gained
_BLOCK = 512  # points of a block
_SAMPLED = 16  # one point in so many is in the sample
# Listed pairs per neighbour, at most; usually 1.7. More are listed where many points coincide, or
# where float32 products tell few points apart.
_MOST = 8
_WIDE = 10**9


def search(X: np.ndarray, order: np.ndarray, indices, distances) -> np.ndarray:
    """Fill the neighbours of all points, and return those that are left open.

    Parameters
    ----------
    X : ndarray of shape (N, D)
        The points.
    order : ndarray of int32, shape (N,)
        Order in which points that follow each other are near.
    indices, distances : ndarray of int32 and of float64, shape (N, k)
        Results.

    Returns
    -------
    ndarray of int32
        Points whose rows have not been filled.
    """
    (n, k), frame = indices.shape, framed(X)
    if n <= _FEW or k > n // _SAMPLED:
        return order
    with events.portion(0, 0.1):
        limits = _limits(X, frame, order, k)
    with events.portion(0.1, 0.8):
        found = _near_pairs(X, frame, order, limits, most=_MOST * k * n)
    if found is None:
        return order
    with events.portion(0.8, 1):
        return _nearest(X, frame, order, found, indices, distances)


def _limits(X, frame: Frame, order, k: int) -> np.ndarray:
    """Return a squared distance for each point in order that seldom excludes the k-th neighbour.

    Of the k nearest, about ``λ = k / 16`` are in the sample. More than ``λ + 3 √λ + 1`` of them
    are there for few points, so that the limit is the sample's distance of that rank.
    """
    sample = order[_SAMPLED // 2 :: _SAMPLED]
    right = _filled_up(factors(frame.of(X[sample]), np.float32)[1])
    expected = k / _SAMPLED
    rank = int(np.ceil(expected + 3 * np.sqrt(expected) + 1)) + 1  # a point may be in the sample
    limits = np.empty(len(X))

    def block(start: int, stop: int) -> None:
        left, _ = factors(frame.of(X[order[start:stop]]), np.float32)
        lowest = np.full((stop - start, rank), np.inf, np.float32)
        for first in range(0, len(right), _BLOCK):
            lower_ranks(left @ right[first : first + _BLOCK].T, lowest)
        limits[start:stop] = np.maximum(lowest[:, -1], 0)

    jit.map_blocks(block, len(X), _BLOCK)
    return limits


def _filled_up(right: np.ndarray) -> np.ndarray:
    """Return factors with points at infinity after them, up to a multiple of STEP."""
    last = np.zeros((-len(right) % STEP, right.shape[1]), right.dtype)
    last[:, -2:] = 1, np.inf
    return np.concatenate([right, last])


class _Pairs(NamedTuple):
    """Near pairs of points, by blocks.

    Attributes
    ----------
    listed : list of ndarray of int32
        For blocks i ≤ j, ``512 r + c`` for each pair of point r of i and c of j.
    of_blocks : ndarray of int, shape (B, B)
        Place in the list of each two blocks.
    limits : ndarray of float64, shape (N,)
        Squared distances in order: all nearer points of a point are in its pairs.
    """

    listed: list[np.ndarray]
    of_blocks: np.ndarray
    limits: np.ndarray


def _near_pairs(X, frame: Frame, order, limits, most: int) -> _Pairs | None:
    """Return the pairs within the limit of either point, or None where they are too many."""
    axes = principal_axes(X, frame, len(limits)) if X.shape[1] > _WIDE else None
    left, right = _tables(X, frame, order, axes)
    sizes = np.sqrt(right[: len(X), -1].astype(np.float64))
    doubts = rounding(sizes, float(sizes.max()), right.shape[1] - 2)
    bounds = np.full(len(right), -1, np.float32)
    bounds[: len(X)] = limits + doubts
    first, second = np.triu_indices(-(-len(X) // _BLOCK))
    total = 0

    def tile(a: int, _: int) -> np.ndarray | None:
        nonlocal total
        if total > most:
            return None
        rows, columns = (slice(_BLOCK * i, _BLOCK * i + _BLOCK) for i in (first[a], second[a]))
        product = left[rows] @ right[columns].T
        pairs = np.empty(product.size, np.int32)
        n = list_pairs(product, bounds[rows], bounds[columns], first[a] == second[a], pairs)
        total += n
        return pairs[:n].copy()

    listed = jit.map_blocks(tile, len(first), 1)
    if total > most:
        return None
    of_blocks = np.empty((second[-1] + 1,) * 2, np.intp)
    of_blocks[first, second] = of_blocks[second, first] = np.arange(len(first))
    return _Pairs(listed, of_blocks, limits)


def _tables(X, frame: Frame, order, axes) -> tuple[np.ndarray, np.ndarray]:
    """Return the factors of all points in order, along the axes if given, right ones filled up."""
    parts = []
    for some in blocks(*X.shape):
        points = frame.of(X[order[some]])
        parts.append(factors(points if axes is None else points @ axes, np.float32))
    left, right = (np.concatenate(sides) for sides in zip(*parts, strict=True))
    return left, _filled_up(right)


def _nearest(X, frame: Frame, order, found: _Pairs, indices, distances) -> np.ndarray:
    """Fill the nearest of the listed points, and return the points without enough of them."""
    k = indices.shape[1]

    def block(start: int, stop: int) -> np.ndarray:
        mine = order[start:stop]
        rows, others = _partners(found, start // _BLOCK)
        by_row = np.argsort(rows.astype(np.int16), kind="stable")  # a radix sort
        starts = np.append(0, np.cumsum(np.bincount(rows, minlength=len(mine))))
        near, squared = np.empty((len(mine), k), np.int32), np.full((len(mine), k), np.inf)
        measured = Measured(X, X[mine], 1 / frame.scale)
        nearest_listed(order[others[by_row]], starts, measured, near, squared)
        whole = squared[:, -1] <= found.limits[start:stop]
        indices[mine[whole]] = near[whole]
        distances[mine[whole]] = np.sqrt(squared[whole]) * frame.scale
        return mine[~whole]

    return np.concatenate(jit.map_blocks(block, len(X), _BLOCK))


def _partners(found: _Pairs, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of a block in its pairs, and the places in order of the points they meet."""
    rows, others = [], []
    for other, place in enumerate(found.of_blocks[block]):
        pairs = found.listed[place]
        here, there = pairs // _BLOCK, pairs % _BLOCK
        if other <= block:
            rows.append(there)
            others.append(here + _BLOCK * other)
        if other >= block:
            rows.append(here)
            others.append(there + _BLOCK * other)
    return np.concatenate(rows), np.concatenate(others)
