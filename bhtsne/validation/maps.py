"""Maps, affinities and options → arrays and numbers for the forces, or one clear error."""

import numpy as np
from scipy import sparse

from bhtsne import choices
from bhtsne.validation.arrays import checked_reals, checked_sparse, max_magnitude
from bhtsne.validation.numbers import FARTHEST, check_choice, checked_number

_LEAST_Z = 1e-30


def checked_options(method, theta, dof) -> tuple[float, float]:
    """Return θ and the degrees of freedom, or raise for these or for the method."""
    check_choice("method", method, choices.FORCES)
    return float(checked_number("theta", theta)), float(checked_number("dof", dof))


def checked_map(Y, method: str = "exact") -> np.ndarray:
    """Return Y as float32 or float64, row by row, after checking it."""
    Y = checked_reals(Y, "Y")
    if Y.ndim != 2 or not Y.size:
        raise ValueError(f"Y must be a map of shape (N, d), got an array of shape {Y.shape}.")
    if method == "barnes_hut" and Y.shape[1] > 3:
        raise ValueError(
            f'Barnes-Hut makes maps Y of 1 to 3 dimensions, got {Y.shape[1]}; use method="exact".'
        )
    if not np.isfinite(Y).all():
        raise ValueError("Y must be finite, got NaN or infinity.")
    if max_magnitude(Y) > FARTHEST:
        raise ValueError(
            f"Y must lie within ±{FARTHEST:g}, got {max_magnitude(Y):g}; "
            "initial.rescale shrinks a map."
        )
    return np.ascontiguousarray(Y if Y.dtype == np.float32 else Y.astype(np.float64))


def checked_affinities(P, n: int) -> sparse.csr_array:
    """Return P as CSR float32 after checking its shape."""
    P = checked_sparse(P, "P") if sparse.issparse(P) else checked_reals(P, "P")
    if P.shape != (n, n):
        raise ValueError(f"P must be of shape ({n}, {n}) as Y has {n} points, got {P.shape}.")
    with np.errstate(over="ignore"):  # reported below as infinity
        P = sparse.csr_array(P, dtype=np.float32)
    if P.nnz and not (P.data.min() >= 0 and np.isfinite(P.data.max())):
        raise ValueError(
            "P must hold finite numbers of at least 0, got a negative one, NaN or more than 3e38."
        )
    return P


def checked_z(z: float) -> float:
    """Return Z, or raise ValueError if it is too small to divide a force by it."""
    if not z > _LEAST_Z:
        raise ValueError(
            f"Y must hold 2 points or more, near enough for a weight above 0, got Z = {z}."
        )
    return z
