"""X → the k nearest neighbours of every point, exact: blocked matrix products, never N² memory.

Squared distances come from ``|x|² + |y|² − 2 x·y``, tile by tile, in float32. A tile only selects
candidates. Their distances are computed again from the differences in float64, and a row is done
when the rounding of the tile cannot have hidden a nearer point. Rows that fail this test (distant
clusters, many duplicates) are searched again in float64.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from bhtsne import events, jit

# Rows and columns of a tile. The columns are fetched from X for each block of rows: with blocks of
# thousands of rows this takes no longer than a search in a copy of X.
_ROWS, _COLUMNS = (256, 2048), 512
_PARTS = 16  # least number of blocks of rows, so that each of as many threads has work
_BLOCK = 64  # distances of a row that are compared with its threshold at once
_FARTHEST = 1e15  # limit of a new point, in extents of X: float32 holds its square
_FRAMED = 1 << 20  # numbers that a thread copies at a time: X is never copied whole
_QUERIES = 1 << 14  # points that are searched in a k-d tree at once
_SAMPLE = 512  # points from which the widest dimension is estimated
_SPARE = 12  # candidates beyond k, so that rounding seldom leaves a doubt


def nearest(X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return indices int32 and Euclidean distances float64, (N, k), nearest first, without self.

    Equal distances are ordered by index.
    """
    n = len(X)
    indices, distances = np.empty((n, k), np.int32), np.empty((n, k))
    search_rows(X, None, indices, distances)
    return indices, distances


def search_rows(X: np.ndarray, rows: np.ndarray | None, indices, distances) -> None:
    """Fill these rows of indices and distances, (N, k), or all of them, as `nearest` does."""
    order = spatial_order(X)
    _search_twice(X, None, order if rows is None else rows, order, indices, distances)


def nearest_to(X: np.ndarray, new: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest points of X to each new point, as `nearest` does."""
    indices, distances = np.empty((len(new), k), np.int32), np.empty((len(new), k))
    _search_twice(X, new, spatial_order(new), spatial_order(X), indices, distances)
    return indices, distances


def _search_twice(X, new, rows, order, indices, distances) -> None:
    """Search in float32, then the rows in doubt in float64; `new` None searches X within itself."""
    frame = framed(X)  # of X alone, so that no new point changes the bits of another
    if new is not None:
        farthest = max(np.abs(frame.of(new[b])).max() for b in blocks(*new.shape))
        if farthest > _FARTHEST:
            raise ValueError(
                f"X_new must lie within {_FARTHEST:g} times the extent of X, beyond which all "
                f"points are equally near, got {farthest:.2g} times."
            )
    for dtype in (np.float32, np.float64):
        rows = _search(X, new, frame, rows, order, dtype, indices, distances)
        if not len(rows):
            break


def spatial_order(X: np.ndarray) -> np.ndarray:
    """Return an order of the points in which the columns of every tile are near each other.

    The points are halved again and again at the median of the dimension that is widest in a sample.
    A block of rows takes its nearest tiles first, so that its thresholds soon exclude most points.
    """
    parts, done = [np.arange(len(X), dtype=np.int32)], []
    while parts:
        part = parts.pop()
        if len(part) <= _COLUMNS:
            done.append(part)
            continue
        some = X[part[:: max(len(part) // _SAMPLE, 1)]]
        axis = np.argmax((some / (np.abs(some).max() or 1)).var(axis=0))
        middle = len(part) // 2
        halves = np.argpartition(X[part, axis], middle)
        parts += [part[halves[middle:]], part[halves[:middle]]]
    return np.concatenate(done)


def nearest_by_kd_tree(X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the result of `nearest`, by a k-d tree, which is faster in few dimensions."""
    tree, n = cKDTree(X), len(X)
    indices, distances = np.empty((n, k + 1), np.int32), np.empty((n, k + 1))
    for some in events.blocks(n, _QUERIES):
        found = tree.query(X[some], k + 1, workers=jit.n_threads())
        distances[some], indices[some] = found
    indices, distances = without_self(indices, distances)
    order = np.lexsort((indices, distances))
    return np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1)


def without_self(indices, distances) -> tuple[np.ndarray, np.ndarray]:
    """Drop each row's own index from (N, k + 1) neighbours, or the farthest where it is absent.

    The own index need not be in the first column: duplicates may stand before it, or replace it.
    """
    n, k = indices.shape
    is_self = indices == np.arange(n)[:, None]
    is_self[~is_self.any(axis=1), -1] = True
    return indices[~is_self].reshape(n, k - 1), distances[~is_self].reshape(n, k - 1)


class Frame(NamedTuple):
    """Mean of the points, and a power of 2 above the largest distance of an entry from it.

    Division by a power of 2 is exact, so that a distance does not depend on the other points.
    """

    middle: np.ndarray
    scale: float

    def of(self, points: np.ndarray) -> np.ndarray:
        """Return points in the frame, float64; the entries of its own points are at most 1."""
        return (points - self.middle) / self.scale


def framed(X: np.ndarray) -> Frame:
    """Return the frame of points, reading them in blocks."""
    with np.errstate(over="ignore"):
        middle = X.mean(axis=0, dtype=np.float64)
        scale = max((float(np.abs(X[b] - middle).max()) for b in blocks(*X.shape)), default=0.0)
    return Frame(middle, float(np.ldexp(1.0, np.frexp(scale)[1])))


def blocks(n: int, d: int) -> list[slice]:
    """Return slices of n rows of d numbers, each of whole tiles and of a few MiB."""
    rows = max(_FRAMED // d // _COLUMNS, 1) * _COLUMNS
    return [slice(start, start + rows) for start in range(0, n, rows)]


class Tiles:
    """Squared distances from points to all of X, without the points' own |x|², tile by tile.

    The norms are one more dimension of the product: ``[−2x, 1] · [y, |y|²]``. The points of a tile
    are fetched when it is due, so that X, which may be a memory map, is never copied.
    """

    def __init__(self, X: np.ndarray, frame: Frame, columns: np.ndarray, dtype: type):
        self.X, self.frame, self.columns, self.dtype = X, frame, columns, dtype
        self.firsts = np.arange(0, len(columns), _COLUMNS)
        self.norms, self.middles = np.empty(len(columns)), np.empty((len(self.firsts), X.shape[1]))
        for first, middle in zip(self.firsts, self.middles, strict=True):
            here = self._fetched(first)
            self.norms[first : first + _COLUMNS] = np.einsum("ij,ij->i", here, here)
            middle[:] = here.mean(axis=0)

    def _fetched(self, first) -> np.ndarray:
        return self.frame.of(self.X[self.columns[first : first + _COLUMNS]])

    def each(self, here: np.ndarray):
        """Yield (first column, tile) in one array for points of the frame, near tiles first."""
        left = np.ones((len(here), here.shape[1] + 1), self.dtype)
        np.multiply(here, -2, out=left[:, :-1], casting="same_kind")
        right = np.zeros((_COLUMNS, left.shape[1]), self.dtype)
        tile: np.ndarray = np.empty((len(here), _COLUMNS), self.dtype)
        nearness = np.linalg.norm(self.middles - here.mean(axis=0), axis=1)
        for first in self.firsts[np.argsort(nearness)]:
            points = self._fetched(first)
            right[: len(points), :-1] = points
            right[:, -1] = np.inf  # the last tile is filled up with points at infinity
            right[: len(points), -1] = self.norms[first : first + _COLUMNS]
            yield first, np.matmul(left, right.T, out=tile)


class _Candidates(NamedTuple):
    """Nearest points so far of each row of a block.

    Attributes
    ----------
    values : ndarray, shape (R, C)
        Squared distances without the row's own |x|², unordered.
    ids : ndarray of int32, shape (R, C)
        Indices of these points.
    counts : ndarray of int64, shape (R,)
        Candidates of each row.
    thresholds : ndarray, shape (R,)
        Values below are candidates.
    """

    values: np.ndarray
    ids: np.ndarray
    counts: np.ndarray
    thresholds: np.ndarray


def _search(X, new, frame, rows, columns, dtype, indices, distances) -> np.ndarray:
    """Fill the neighbours of rows of `new`; return the rows that rounding leaves in doubt."""
    k, own = indices.shape[1], new is None  # a point of X is no neighbour of itself
    new = X if own else new
    others = len(columns) - own
    keep = min(k + _SPARE, others)
    tiles = Tiles(X, frame, columns, dtype)
    names = np.append(columns, np.full(_COLUMNS, -1, np.int32))
    reach = np.sqrt(tiles.norms.max(initial=0))
    rounding = (8 + np.sqrt(X.shape[1])) * np.finfo(dtype).eps

    def block(start: int, stop: int) -> np.ndarray:
        mine = rows[start:stop]
        points = new[mine]
        here = frame.of(points)
        norms = np.einsum("ij,ij->i", here, here)
        shape = len(mine), 3 * keep + _BLOCK
        candidates = _Candidates(
            np.empty(shape, dtype), np.empty(shape, np.int32),
            np.zeros(len(mine), np.int64), np.full(len(mine), np.inf, dtype),
        )  # fmt: skip
        itself = mine if own else mine + len(X)  # an index of no column
        for first, tile in tiles.each(here):
            _add_candidates(tile, names[first:], itself, keep, candidates)
        found, squared, hidden = _rerank_exactly(X, points, frame.scale, k, keep, candidates)
        indices[mine] = found
        distances[mine] = np.sqrt(squared) * frame.scale
        doubt = rounding * (np.sqrt(norms) + reach) ** 2
        return mine[(hidden + norms - doubt < squared[:, -1]) & (keep < others)]

    many = int(np.clip(min(len(rows) // _PARTS, _FRAMED // X.shape[1]), *_ROWS))
    doubtful = np.concatenate(jit.map_blocks(block, len(rows), many))
    return doubtful if dtype == np.float32 else doubtful[:0]


@jit.serial
def _partition(values, ids, count, keep):
    """Move the `keep` smallest of values[:count] to the front (Hoare's quickselect)."""
    low, high = 0, count - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                ids[i], ids[j] = ids[j], ids[i]
                i += 1
                j -= 1
        if keep <= j:
            high = j
        elif keep >= i:
            low = i
        else:
            return


@jit.serial
def _any_below(some, limit):
    """Return whether a number is below a limit."""
    below = np.float32(0)  # a sum of floats, which vectorises best
    for c in range(len(some)):
        below += np.float32(1) if some[c] < limit else np.float32(0)
    return below > 0


@jit.serial
def _add_candidates(tile, names, own, keep, candidates):
    """Add a tile's distances below each row's threshold to the row's candidates.

    Names are the indices of the tile's columns, and own the index of each row, which is left out.
    """
    values, ids, count, threshold = candidates
    room = values.shape[1] - _BLOCK
    for r in range(len(own)):
        row, limit, n = tile[r], threshold[r], count[r]
        if not _any_below(row, limit):  # true of most tiles, since the near ones come first
            continue
        for begin in range(0, len(row), _BLOCK):
            some = row[begin : begin + _BLOCK]
            if not _any_below(some, limit):
                continue
            for c in range(len(some)):  # without a branch: the next entry overwrites a rejected one
                values[r, n], ids[r, n] = some[c], names[begin + c]
                n += (some[c] < limit) & (names[begin + c] != own[r])
            if n > room:
                _partition(values[r], ids[r], n, keep)
                n = keep
                limit = values[r, 0]  # NumPy's max is slow to compile
                for c in range(1, keep):
                    limit = max(limit, values[r, c])
        threshold[r], count[r] = limit, n


@jit.serial
def _rerank_exactly(X, points, scale, k, keep, candidates):
    """Compute the candidates' distances again and sort them; return the first k of each point.

    ``d² = Σ_a ((x_a − y_a) / scale)²``, in float64. The third result is the smallest value in a
    tile that a point which is no candidate can have.
    """
    values, ids, count, _ = candidates
    found, squared = np.empty((len(points), k), np.int32), np.empty((len(points), k))
    hidden = np.empty(len(points))
    exact, mine = np.empty(keep), np.empty(keep, np.int32)
    inverse = 1.0 / scale
    for r in range(len(points)):
        _partition(values[r], ids[r], count[r], keep)
        hidden[r] = values[r, 0]
        for c in range(keep):
            hidden[r] = max(hidden[r], values[r, c])
            total = 0.0
            for a in range(X.shape[1]):
                d = (np.float64(points[r, a]) - np.float64(X[ids[r, c], a])) * inverse
                total += d * d
            at = c  # insertion sort: NumPy's sorts are no faster here, and slow to compile
            while at > 0 and (
                exact[at - 1] > total or (exact[at - 1] == total and mine[at - 1] > ids[r, c])
            ):
                exact[at], mine[at] = exact[at - 1], mine[at - 1]
                at -= 1
            exact[at], mine[at] = total, ids[r, c]
        for c in range(k):
            found[r, c], squared[r, c] = mine[c], exact[c]
    return found, squared, hidden
