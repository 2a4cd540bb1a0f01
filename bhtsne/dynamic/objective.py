"""P of each snapshot → what the optimizer minimises: divergences of all, and movement between."""

from collections.abc import Sequence

import numpy as np

from bhtsne import forces
from bhtsne.dynamic.snapshots import Rows, is_list, rows
from bhtsne.forces.objective import KLDivergence
from bhtsne.validation.maps import checked_map
from bhtsne.validation.numbers import checked_number

__all__ = ["Sequential", "gradient", "movement", "objective"]


class Sequential:
    """Divergences of a sequence of maps, one above another, and the penalty of their movement.

    ``Σ_t KL(P[t]‖Q[t]) + λ/2N Σ_i Σ_t ‖y_i[t] − y_i[t+1]‖²`` (Rauber, Falcão & Telea 2016); i runs
    over the points that t and t+1 share, N is the mean of how many both have.

    What the optimizer is given is the gradient by two scales, which move no minimum. It takes one
    learning rate, and a map of N points wants one of N: so each snapshot's rows are times its N by
    the mean of all. And with A the penalty's second derivative and η that learning rate, the step
    is ``(1 + ηA)^-1`` times as long, which is to say that the penalty is taken where the step ends.
    Taken where it begins, ten maps of 1,797 digits end at a mean divergence of 1.68 for 1.47 at
    λ = 1, and of 4.84 for 1.54 at 10.
    """

    def __init__(
        self, maps: Sequence[KLDivergence], where: Rows, movement_penalty: float, theta: float
    ) -> None:
        self._maps, self._where, self._penalty = maps, where, movement_penalty
        sizes = np.array([part.stop - part.start for part in where.parts])
        self._scale = np.repeat(sizes / sizes.mean(), sizes).astype(np.float32)[:, None]
        self.theta = theta

    def gradient(self, Y: np.ndarray, exaggeration: float) -> np.ndarray:
        """Return the gradient at Y, of the shape of Y, scaled as the head of the class says."""
        grad = np.empty_like(Y)
        for one, part in zip(self._maps, self._where.parts, strict=True):
            grad[part] = one.gradient(Y[part], exaggeration)
        if self._penalty:
            pull(Y, self._where, self._penalty, grad)
        grad *= self._scale
        if self._penalty:
            relax(grad, self._where, self._penalty / exaggeration)
        return grad

    def check(self, Y: np.ndarray) -> tuple[float, float]:
        """Return the mean KL divergence of a snapshot, and the largest error of a force."""
        told = [one.check(Y[part]) for one, part in zip(self._maps, self._where.parts, strict=True)]
        kls, errors = zip(*told, strict=True)
        return float(np.mean(kls)), max(errors)


def pull(Y: np.ndarray, where: Rows, movement_penalty: float, grad: np.ndarray) -> float:
    """Add the gradient of the movement's penalty to grad, and return the penalty."""
    total = 0.0
    for (here, there), n in zip(where.links, where.sizes, strict=True):
        step = Y[here] - Y[there]
        total += movement_penalty / (2 * n) * float((step.astype(np.float64) ** 2).sum())
        step *= Y.dtype.type(movement_penalty / n)
        grad[here] += step
        grad[there] -= step
    return total


def relax(rows_of_maps: np.ndarray, where: Rows, stiffness: float) -> None:
    """Solve ``(1 + stiffness L) x = rows`` in place: L ties each point to itself one map on.

    L is a chain for each point, so that this is Thomas's algorithm, all points at once. It solves
    for ``x − rows``, whose right side, ``−stiffness L rows``, is 0 where snapshots are equal: these
    stay equal to the bit, where roundings would grow to 1e-3 of the map.
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
    """Compute what dynamic t-SNE minimises, in nats.

    ``C = Σ_t KL(P[t]‖Q[t]) + λ/2N Σ_i Σ_t ‖y_i[t] − y_i[t+1]‖²`` (Rauber, Falcão & Telea
    2016); with ids, i runs over the points that t and t+1 share, and N is the mean of how many
    both have.

    Parameters
    ----------
    P : sequence of sparse or dense arrays of shape (N_t, N_t)
        Joint affinities of each snapshot.
    maps : sequence of array_like of shape (N_t, d)
        The map of each snapshot.
    movement_penalty : float
        λ, at least 0.
    ids : sequence of array_like of shape (N_t,), optional
        Which point each row is; None if all snapshots hold the same, row by row.
    method : {"exact", "barnes_hut"}
        How Z is computed, as in `forces.kl_divergence`.

    Returns
    -------
    float
        C.

    Raises
    ------
    ValueError
        If lengths, shapes and ids do not fit, or an option is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import dynamic
    >>> P = np.array([[0, 0.5], [0.5, 0]])
    >>> still, moved = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    >>> round(dynamic.objective([P, P], [still, moved], 0.1), 6)  # 0.1 / 4 · 2
    0.05
    """
    maps, where = _checked(P, maps, movement_penalty, ids)
    parts = [forces.kl_divergence(p, y, method=method) for p, y in zip(P, maps, strict=True)]
    Y = np.concatenate(maps)
    return sum(parts) + pull(Y, where, movement_penalty, np.zeros_like(Y))


def gradient(
    P, maps, movement_penalty: float = 0.01, *, ids=None, method: str = "exact", theta: float = 0.5
) -> list[np.ndarray]:
    """Compute the gradient of what dynamic t-SNE minimises.

    ``∂C/∂y_i[t] = 4 Σ_j (p_ij − q_ij) w_ij (y_i − y_j) + λ/N (2 y_i[t] − y_i[t−1] − y_i[t+1])``,
    without the neighbours that a point lacks, as at both ends.

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
        If lengths, shapes and ids do not fit, or an option is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import dynamic
    >>> P = np.array([[0, 0.5], [0.5, 0]])
    >>> still, moved = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    >>> [part.ravel().round(6) + 0.0 for part in dynamic.gradient([P, P], [still, moved], 0.1)]
    [array([-0.05, -0.05]), array([0.05, 0.05])]
    """
    maps, where = _checked(P, maps, movement_penalty, ids)
    told = [
        forces.gradient(p, y, method=method, theta=theta).grad for p, y in zip(P, maps, strict=True)
    ]
    grad = np.concatenate(told)
    pull(np.concatenate(maps).astype(grad.dtype), where, movement_penalty, grad)
    return [grad[part] for part in where.parts]


def movement(maps, *, ids=None) -> np.ndarray:
    """Compute how far points move from each map of a sequence to the next.

    ``√(Σ_i ‖y_i[t] − y_i[t+1]‖² / Σ_i (‖y_i[t]‖² + ‖y_i[t+1]‖²))`` over the points that both have,
    each map centred on its own: 0 for maps that are the same, 1 for maps that have nothing to do
    with each other.

    Parameters
    ----------
    maps : sequence of array_like of shape (N_t, d)
        Maps, in order.
    ids : sequence of array_like of shape (N_t,), optional
        As in `objective`.

    Returns
    -------
    ndarray of float64, shape (T − 1,)
        Part of the maps' extent; NaN between maps that share no point.

    Raises
    ------
    ValueError
        If lengths, shapes and ids do not fit.

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


def _checked(P, maps, movement_penalty, ids) -> tuple[list[np.ndarray], Rows]:
    checked_number("movement_penalty", movement_penalty)
    maps = _checked_maps(maps)
    if not is_list(P) or len(P) != len(maps):
        got = len(P) if is_list(P) else repr(P)
        raise ValueError(f"P and maps must be as many, got {got} and {len(maps)}.")
    return maps, rows([len(Y) for Y in maps], ids)


def _checked_maps(maps) -> list[np.ndarray]:
    if not is_list(maps) or not len(maps):
        raise ValueError(f"maps must be a list of one map Y or more, got {maps!r}.")
    checked = [checked_map(Y).astype(np.float64) for Y in maps]
    if len({Y.shape[1] for Y in checked}) > 1:
        raise ValueError(
            f"maps must be of as many dimensions each, got shapes {[Y.shape for Y in checked]}."
        )
    return checked
