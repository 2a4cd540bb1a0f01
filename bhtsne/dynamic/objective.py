"""P of each snapshot → objective of the optimizer: all divergences, and a penalty of movement."""

from collections.abc import Sequence

import numpy as np

from bhtsne import forces
from bhtsne.dynamic.snapshots import Rows, is_list, rows
from bhtsne.forces.objective import KLDivergence
from bhtsne.validation.maps import checked_map
from bhtsne.validation.numbers import checked_number

__all__ = ["Sequential", "gradient", "movement", "objective"]


class Sequential:
    """Divergences of a sequence of maps, whose rows follow each other, and a penalty of movement.

    ``Σ_t KL(P[t]‖Q[t]) + λ/2N Σ_i Σ_t ‖y_i[t] − y_i[t+1]‖²`` (Rauber, Falcão & Telea 2016); i runs
    over the points that t and t+1 share, N is the mean of their numbers of points.

    The gradient is scaled twice, which moves no minimum. The learning rate of a map of N points is
    proportional to N, and the optimizer has one rate: rows of a snapshot are multiplied by its N,
    divided by the mean N. With the second derivative A of the penalty and the learning rate η, the
    step is multiplied by ``(1 + ηA)^-1``, an implicit step: an explicit one ends at a much larger
    divergence for large λ.
    """

    def __init__(
        self, maps: Sequence[KLDivergence], where: Rows, movement_penalty: float, theta: float
    ) -> None:
        self._maps, self._where, self._penalty = maps, where, movement_penalty
        sizes = np.array([part.stop - part.start for part in where.parts])
        self._scale = np.repeat(sizes / sizes.mean(), sizes).astype(np.float32)[:, None]
        self.theta, self.affinity_share, self.reuse = theta, 1.0, False

    @property
    def repulsion(self) -> np.ndarray | None:
        """The last repulsion of all maps, (N, d), or None."""
        parts = [one.repulsion for one in self._maps if one.repulsion is not None]
        return np.concatenate(parts) if len(parts) == len(self._maps) else None

    @repulsion.setter
    def repulsion(self, value: np.ndarray) -> None:
        for one, part in zip(self._maps, self._where.parts, strict=True):
            one.repulsion = value[part]

    def gradient(self, Y: np.ndarray, exaggeration: float) -> np.ndarray:
        """Return the gradient at Y, of the shape of Y, scaled twice, see the class."""
        grad = np.empty_like(Y)
        for one, part in zip(self._maps, self._where.parts, strict=True):
            one.theta, one.affinity_share, one.reuse = self.theta, self.affinity_share, self.reuse
            grad[part] = one.gradient(Y[part], exaggeration)
        if self._penalty:
            pull(Y, self._where, self._penalty, grad)
        grad *= self._scale
        if self._penalty:
            relax(grad, self._where, self._penalty / exaggeration)
        return grad

    def check(self, Y: np.ndarray) -> tuple[float, float]:
        """Return the mean KL divergence of a snapshot, and the largest error of a force."""
        parts = zip(self._maps, self._where.parts, strict=True)
        kls, errors = zip(*(one.check(Y[part]) for one, part in parts), strict=True)
        return float(np.mean(kls)), max(errors)


def pull(Y: np.ndarray, where: Rows, movement_penalty: float, grad: np.ndarray) -> float:
    """Add the gradient of the penalty to grad, and return the penalty."""
    total = 0.0
    for (here, there), n in zip(where.links, where.sizes, strict=True):
        step = Y[here] - Y[there]
        total += movement_penalty / (2 * n) * float((step.astype(np.float64) ** 2).sum())
        step *= Y.dtype.type(movement_penalty / n)
        grad[here] += step
        grad[there] -= step
    return total


def relax(rows_of_maps: np.ndarray, where: Rows, stiffness: float) -> None:
    """Solve ``(1 + stiffness L) x = rows`` in place; L couples a point in successive maps.

    L is a chain for each point: this is Thomas's algorithm, for all points at once. It solves for
    ``x − rows``, whose right-hand side, ``−stiffness L rows``, is 0 for equal snapshots. These stay
    equal to the bit, where rounding errors would grow.
    """
    change, diagonal = np.zeros(rows_of_maps.shape), np.ones((len(rows_of_maps), 1))
    for here, there in where.links:
        step = stiffness * (rows_of_maps[there].astype(np.float64) - rows_of_maps[here])
        change[here] += step
        change[there] -= step
        diagonal[here] += stiffness
        diagonal[there] += stiffness
    for here, there in where.links:
        part = stiffness / diagonal[here]
        diagonal[there] -= stiffness * part
        change[there] += part * change[here]
    change /= diagonal
    for here, there in reversed(where.links):
        change[here] += stiffness / diagonal[here] * change[there]
    rows_of_maps += change.astype(rows_of_maps.dtype)


def objective(P, maps, movement_penalty: float = 0.01, *, ids=None, method: str = "exact") -> float:
    """Compute the objective of dynamic t-SNE, in nats.

    ``C = Σ_t KL(P[t]‖Q[t]) + λ/2N Σ_i Σ_t ‖y_i[t] − y_i[t+1]‖²`` (Rauber, Falcão & Telea
    2016); with ids, i runs over the points that t and t+1 share, and N is the mean of
    their numbers of points.

    Parameters
    ----------
    P : sequence of sparse or dense arrays of shape (N_t, N_t)
        Joint affinities of each snapshot.
    maps : sequence of array_like of shape (N_t, d)
        The map of each snapshot.
    movement_penalty : float
        λ, at least 0.
    ids : sequence of array_like of shape (N_t,), optional
        Id of the point of each row; None if row i is the same point in all snapshots.
    method : {"exact", "barnes_hut"}
        Method for Z, as in `forces.kl_divergence`.

    Returns
    -------
    float
        C.

    Raises
    ------
    ValueError
        If lengths, shapes and ids do not match, or an option is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import dynamic
    >>> P = np.array([[0, 0.5], [0.5, 0]])
    >>> still, moved = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    >>> round(dynamic.objective([P, P], [still, moved], 0.1), 6)  # 0.1 / 4 · 2
    0.05
    """
    maps, where = _checked_sequence(P, maps, movement_penalty, ids)
    parts = [forces.kl_divergence(p, y, method=method) for p, y in zip(P, maps, strict=True)]
    Y = np.concatenate(maps)
    return sum(parts) + pull(Y, where, movement_penalty, np.zeros_like(Y))


def gradient(
    P, maps, movement_penalty: float = 0.01, *, ids=None, method: str = "exact", theta: float = 0.45
) -> list[np.ndarray]:
    """Compute the gradient of the objective of dynamic t-SNE.

    ``∂C/∂y_i[t] = 4 Σ_j (p_ij − q_ij) w_ij (y_i − y_j) + λ/N (2 y_i[t] − y_i[t−1] − y_i[t+1])``,
    without the terms of maps that do not have the point.

    Parameters
    ----------
    P, maps : sequence
        As in `objective`.
    movement_penalty : float
        λ, at least 0.
    ids : sequence, optional
        As in `objective`.
    method : {"exact", "barnes_hut"}
        As in `forces.repulsion`.
    theta : float
        As in `forces.repulsion`.

    Returns
    -------
    list of ndarray of shape (N_t, d)
        One for each snapshot; float64 for "exact", float32 for Barnes-Hut.

    Raises
    ------
    ValueError
        If lengths, shapes and ids do not match, or an option is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import dynamic
    >>> P = np.array([[0, 0.5], [0.5, 0]])
    >>> still, moved = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    >>> [part.ravel().round(6) + 0.0 for part in dynamic.gradient([P, P], [still, moved], 0.1)]
    [array([-0.05, -0.05]), array([0.05, 0.05])]
    """
    maps, where = _checked_sequence(P, maps, movement_penalty, ids)
    pairs = zip(P, maps, strict=True)
    grad = np.concatenate(
        [forces.gradient(p, y, method=method, theta=theta).grad for p, y in pairs]
    )
    pull(np.concatenate(maps).astype(grad.dtype), where, movement_penalty, grad)
    return [grad[part] for part in where.parts]


def movement(maps, *, ids=None) -> np.ndarray:
    """Compute how far points move from each map of a sequence to the next.

    ``√(Σ_i ‖y_i[t] − y_i[t+1]‖² / Σ_i (‖y_i[t]‖² + ‖y_i[t+1]‖²))`` over common points, each
    map centred: 0 for equal maps, about 1 for independent ones.

    Parameters
    ----------
    maps : sequence of array_like of shape (N_t, d)
        Maps, in order.
    ids : sequence of array_like of shape (N_t,), optional
        As in `objective`.

    Returns
    -------
    ndarray of float64, shape (T − 1,)
        Fraction of the extent of the maps; NaN between maps without a common point.

    Raises
    ------
    ValueError
        If lengths, shapes and ids do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import dynamic
    >>> Y = np.random.default_rng(0).normal(size=(1000, 2))
    >>> dynamic.movement([Y, Y + 3, Y[::-1]]).round(1)
    array([0., 1.])
    """
    maps = _checked_maps(maps)
    where = rows([len(Y) for Y in maps], ids)
    Y = np.concatenate([Y - Y.mean(axis=0) for Y in maps])
    return np.array([_moved(Y[a], Y[b]) for a, b in where.links])


def _moved(one: np.ndarray, two: np.ndarray) -> float:
    if not len(one):
        return np.nan
    extent = (one**2).sum() + (two**2).sum()
    return float(np.sqrt(((one - two) ** 2).sum() / extent)) if extent > 0 else 0.0


def _checked_sequence(P, maps, movement_penalty, ids) -> tuple[list[np.ndarray], Rows]:
    checked_number("movement_penalty", movement_penalty)
    maps = _checked_maps(maps)
    if not is_list(P) or len(P) != len(maps):
        got = len(P) if is_list(P) else repr(P)
        raise ValueError(f"P and maps must have the same length, got {got} and {len(maps)}.")
    return maps, rows([len(Y) for Y in maps], ids)


def _checked_maps(maps) -> list[np.ndarray]:
    if not is_list(maps) or not len(maps):
        raise ValueError(f"maps must be a list of at least one map Y, got {maps!r}.")
    checked = [checked_map(Y).astype(np.float64) for Y in maps]
    if len({Y.shape[1] for Y in checked}) > 1:
        raise ValueError(
            f"maps must have the same dimension, got shapes {[Y.shape for Y in checked]}."
        )
    return checked
