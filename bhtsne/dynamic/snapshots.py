"""Snapshots and ids → the rows of each point, and one start for each point."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import orthogonal_procrustes

__all__ = ["Rows", "consensus", "rows"]


class Rows(NamedTuple):
    """Rows of all snapshots, one snapshot after another.

    Attributes
    ----------
    parts : list of slice
        Rows of each snapshot.
    points : ndarray of int64, shape (rows,)
        Index of the point of each row in `names`.
    names : ndarray of shape (points,)
        Ids of the points, each once.
    links : list of pairs of ndarray of int64
        For each snapshot but the last, rows of the points in common with the next, in both.
    sizes : list of float
        For each snapshot but the last, the mean number of points of it and the next.
    """

    parts: list[slice]
    points: np.ndarray
    names: np.ndarray
    links: list[tuple[np.ndarray, np.ndarray]]
    sizes: list[float]


def rows(lengths: list[int], ids=None) -> Rows:
    """Find each point's rows; without ids, row i is the same point in every snapshot."""
    if not lengths:
        raise ValueError("snapshots must hold one or more, got none.")
    if ids is None:
        if len(set(lengths)) > 1:
            raise ValueError(
                "snapshots must hold the same points, row by row, or come with ids, a list of one "
                f"array for each snapshot; got {lengths} points and no ids."
            )
        ids = [np.arange(lengths[0])] * len(lengths)
    named = [_checked_names(t, names, n) for t, (names, n) in enumerate(_paired(ids, lengths))]
    names, points = np.unique(np.concatenate(named), return_inverse=True)
    ends = np.cumsum([0, *lengths])
    parts = [slice(int(a), int(b)) for a, b in pairwise(ends)]
    links = []
    for one, two in pairwise(parts):
        _, here, there = np.intersect1d(points[one], points[two], True, True)
        links.append((one.start + here, two.start + there))
    sizes = [(a + b) / 2 for a, b in pairwise(lengths)]
    return Rows(parts, points.ravel(), names, links, sizes)


def is_list(value) -> bool:
    """Return whether a value is a sequence."""
    return (
        hasattr(value, "__len__") and getattr(value, "ndim", 1) > 0 and not sparse.issparse(value)
    )


def _paired(ids, lengths):
    if not is_list(ids) or len(ids) != len(lengths):
        got = len(ids) if is_list(ids) else repr(ids)
        raise ValueError(
            f"ids must be a list of one array for each of {len(lengths)} snapshots, got {got}."
        )
    return zip(ids, lengths, strict=True)


def _checked_names(t: int, names, n: int) -> np.ndarray:
    names = np.asarray(names)
    if names.shape != (n,):
        raise ValueError(f"ids[{t}] must be of shape ({n},) as its snapshot, got {names.shape}.")
    distinct, counts = np.unique(names, return_counts=True)
    if len(distinct) < n:
        twice = distinct[counts > 1][0]
        raise ValueError(f"ids[{t}] must hold each point once, got {twice!r} more than once.")
    return names


def consensus(starts: list[np.ndarray], where: Rows) -> np.ndarray:
    """Return one start for each point: the mean of the starts of its snapshots.

    The axes of a start are arbitrary up to rotation and reflection: each start is aligned to the
    mean of the earlier ones by their common points (orthogonal Procrustes).
    """
    d = starts[0].shape[1]
    total, count = np.zeros((len(where.names), d)), np.zeros(len(where.names))
    for start, part in zip(starts, where.parts, strict=True):
        own, points = np.asarray(start, np.float64), where.points[part]
        known = count[points] > 0
        if known.sum() > d:
            mean = total[points[known]] / count[points[known], None]
            middle = own[known].mean(axis=0)
            turn, _ = orthogonal_procrustes(own[known] - middle, mean - mean.mean(axis=0))
            own = (own - middle) @ turn + mean.mean(axis=0)
        total[points] += own
        count[points] += 1
    return (total / count[:, None]).astype(np.float32)
