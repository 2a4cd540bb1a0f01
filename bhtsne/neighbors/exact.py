"""X → the k nearest neighbours of every point, exact: blocked matrix products, never N² memory.

Squared distances come from ``|x|² + |y|² − 2 x·y``, tile by tile, in float32. Such a tile is only
used to choose candidates: their distances are then computed from the differences in float64, and a
row counts as done when the rounding of the tile cannot have hidden a nearer point. Rows that fail
this test (far clusters, many duplicates) are searched again in float64.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from bhtsne import events, jit

# Of a tile. Its columns are fetched from X anew for each block of rows, which so many rows make up
# for: 70,000 × 50 take 6.9 s with 256 rows, 4.4 with 2048, and 4.5 from a copy of X.
_ROWS, _COLUMNS = (256, 2048), 512
_PARTS = 16  # blocks of rows at least, for as many threads
_BLOCK = 64  # distances of a row that are offered at once
_FARTHEST = 1e15  # of a new point, in extents of the others: float32 holds its square
_FRAMED = 1 << 20  # numbers that a thread holds at a time: X is never copied whole
_QUERIES = 1 << 14  # points that are looked up in a k-d tree at once
_SAMPLE = 512  # points by which the widest dimension is chosen
_SPARE = 12  # candidates kept beyond k, so that rounding seldom leaves a doubt


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
    """Search in float32, and where that leaves a doubt in float64; without `new` among X itself."""
    frame = framed(X)  # X alone makes it: no new point may change another's bits
    if new is not None:
        farthest = max(np.abs(frame.of(new[b])).max() for b in blocks(*new.shape))
        if farthest > _FARTHEST:
            raise ValueError(
                f"X_new must lie within {_FARTHEST:g} times the extent of X, whose points are all "
                f"as near from there, got {farthest:.2g} times."
            )
    for dtype in (np.float32, np.float64):
        rows = _search(X, new, frame, rows, order, dtype, indices, distances)
        if not len(rows):
            break


def spatial_order(X: np.ndarray) -> np.ndarray:
    """Return an order of the points in which every tile's columns are near each other.

    Halved again and again at the median of the dimension that is widest in a sample. A block of
    rows meets its nearest tiles first, so that its thresholds soon let little through.
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
    """Return the same as `nearest`, by a k-d tree: faster in few dimensions."""
    tree, n = cKDTree(X), len(X)
    indices, distances = np.empty((n, k + 1), np.int32), np.empty((n, k + 1))
    for some in events.blocks(n, _QUERIES):
        found = tree.query(X[some], k + 1, workers=jit.n_threads())
        distances[some], indices[some] = found
    indices, distances = without_self(indices, distances)
    order = np.lexsort((indices, distances))
    return np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1)


def without_self(indices, distances) -> tuple[np.ndarray, np.ndarray]:
    """Drop each row's own index from (N, k + 1) neighbours, or the furthest where it is absent.

    Duplicates may stand before the point itself, or crowd it out, so the first column will not do.
    """
    n, k = indices.shape
    is_self = indices == np.arange(n)[:, None]
    is_self[~is_self.any(axis=1), -1] = True
    return indices[~is_self].reshape(n, k - 1), distances[~is_self].reshape(n, k - 1)


class Frame(NamedTuple):
    """The middle of points, and the power of 2 above how far the farthest entry is from it.

    To divide by it is exact: a distance is the same among other points.
    """

    middle: np.ndarray
    scale: float

    def of(self, points: np.ndarray) -> np.ndarray:
        """Return points in the frame, float64: those that made it have entries up to 1."""
        return (points - self.middle) / self.scale


def framed(X: np.ndarray) -> Frame:
    """Return the frame of points, which are read in blocks."""
    with np.errstate(over="ignore"):
        middle = X.mean(axis=0, dtype=np.float64)
        scale = max((float(np.abs(X[b] - middle).max()) for b in blocks(*X.shape)), default=0.0)
    return Frame(middle, float(np.ldexp(1.0, np.frexp(scale)[1])))


def blocks(n: int, d: int) -> list[slice]:
    """Return n rows of d numbers in blocks of whole tiles, each a few MiB."""
    rows = max(_FRAMED // d // _COLUMNS, 1) * _COLUMNS
    return [slice(start, start + rows) for start in range(0, n, rows)]


class Tiles:
    """Squared distances from points to all of X, but for the points' own |x|², tile by tile.

    The norms ride along in the product, as one more dimension: ``[−2x, 1] · [y, |y|²]``. The points
    of a tile are fetched when it is their turn, so that no copy of X is held, be it a memory map.
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
        """Yield (first column, tile) for points in the frame, near tiles first; it is reused."""
        left = np.ones((len(here), here.shape[1] + 1), self.dtype)
        np.multiply(here, -2, out=left[:, :-1], casting="same_kind")
        right = np.zeros((_COLUMNS, left.shape[1]), self.dtype)
        tile: np.ndarray = np.empty((len(here), _COLUMNS), self.dtype)
        nearness = np.linalg.norm(self.middles - here.mean(axis=0), axis=1)
        for first in self.firsts[np.argsort(nearness)]:
            points = self._fetched(first)
            right[: len(points), :-1] = points
            right[:, -1] = np.inf  # the last tile is filled up with points infinitely far away
            right[: len(points), -1] = self.norms[first : first + _COLUMNS]
            yield first, np.matmul(left, right.T, out=tile)


def _search(X, new, frame, rows, columns, dtype, indices, distances) -> np.ndarray:
    """Fill the neighbours of rows of `new`; return those in which rounding leaves a doubt."""
    k, own = indices.shape[1], new is None  # then a point is no neighbour of its own
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
        values = np.empty((len(mine), 3 * keep + _BLOCK), dtype)
        ids = np.empty(values.shape, np.int32)
        count, threshold = np.zeros(len(mine), np.int64), np.full(len(mine), np.inf, dtype)
        itself = mine if own else mine + len(X)  # which is no column
        for first, tile in tiles.each(here):
            _push_candidates(tile, names[first:], itself, keep, values, ids, count, threshold)
        found, squared, hidden = _rerank_exactly(
            X, points, frame.scale, k, keep, values, ids, count
        )
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
    below = np.float32(0)  # a sum, and of floats: what vectorises best
    for c in range(len(some)):
        below += np.float32(1) if some[c] < limit else np.float32(0)
    return below > 0


@jit.serial
def _push_candidates(tile, names, rows, keep, values, ids, count, threshold):
    """Add a tile's distances below each row's threshold to the row's candidates."""
    room = values.shape[1] - _BLOCK
    for r in range(len(rows)):
        row, limit, n = tile[r], threshold[r], count[r]
        if not _any_below(row, limit):  # so it is for nine in ten, near tiles having come first
            continue
        for begin in range(0, len(row), _BLOCK):
            some = row[begin : begin + _BLOCK]
            if not _any_below(some, limit):
                continue
            for c in range(len(some)):  # without a branch: what is not taken is written over
                values[r, n], ids[r, n] = some[c], names[begin + c]
                n += (some[c] < limit) & (names[begin + c] != rows[r])
            if n > room:
                _partition(values[r], ids[r], n, keep)
                n = keep
                limit = values[r, :keep].max()
        threshold[r], count[r] = limit, n


@jit.serial
def _rerank_exactly(X, points, scale, k, keep, values, ids, count):
    """Compute the candidates' distances anew and sort them; return the first k of each point.

    The third result is the smallest tile value that a point which is no candidate can have.
    """
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
            at = c  # insertion: for a hundred candidates no slower than NumPy's sorts, which take
            while at > 0 and (  # Numba seconds to compile
                exact[at - 1] > total or (exact[at - 1] == total and mine[at - 1] > ids[r, c])
            ):
                exact[at], mine[at] = exact[at - 1], mine[at - 1]
                at -= 1
            exact[at], mine[at] = total, ids[r, c]
        for c in range(k):
            found[r, c], squared[r, c] = mine[c], exact[c]
    return found, squared, hidden
