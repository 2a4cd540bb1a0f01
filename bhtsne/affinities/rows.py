"""Distances → rows of conditional affinities: calibrated to a perplexity, or of one bandwidth.

All functions take distances, float32 of shape (M, k), infinite where a neighbour is missing, and
return ``p_j|i``, float32 of the same shape.
"""

import numpy as np

from bhtsne import events, jit

_TOLERANCE = 1e-5  # of the entropy, in nats: an error of 1 in 100,000 of the perplexity
_ROWS = 1024  # rows that a thread calibrates at a time


def mixed(distances, perplexities: list[float], alike: bool) -> np.ndarray:
    """Return the weighted mean of the rows of several perplexities.

    Weights are equal if `alike`, else proportional to ``Σ_j exp(−β_i d_ij²)`` of each perplexity.
    """
    if len(perplexities) == 1:
        p = np.empty_like(distances)
        calibrated(distances, perplexities[0], p)
        return p
    parts = np.empty((len(perplexities), *distances.shape), np.float32)
    pairs = list(zip(perplexities, parts, strict=True))
    weights = np.array(events.mapped(lambda pair: calibrated(distances, *pair), pairs))
    top = weights.max(axis=0)
    top[np.isinf(top)] = 0  # a row without a neighbour
    weights = np.zeros_like(weights) if alike else weights - top
    weights = np.exp(weights)
    weights /= np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
    return np.einsum("li,lij->ij", weights.astype(np.float32), parts)


def uniform(distances, k: float) -> np.ndarray:
    """Return rows with equal affinities to the k nearest neighbours, or to all of fewer."""
    near = np.isfinite(distances)
    near[:, int(k) :] = False
    return near / np.maximum(near.sum(axis=1, keepdims=True), 1).astype(np.float32)


def gaussian(distances, sigma: float) -> np.ndarray:
    """Return ``p_j|i ∝ exp(−d_ij² / 2σ²)``, the same σ for all rows."""
    nearest = distances.min(axis=1, keepdims=True)
    nearest[np.isinf(nearest)] = 0
    farther = distances.astype(np.float64) - nearest
    # A product in float64, since squares of distances may overflow or underflow.
    with np.errstate(over="ignore", invalid="ignore"):
        exponent = farther / sigma * ((farther + 2 * nearest) / sigma)
    p = np.exp(-np.where(farther > 0, exponent, 0) / 2)
    return (p / np.maximum(p.sum(axis=1, keepdims=True), 1)).astype(np.float32)


def calibrated(distances, perplexity: float, out) -> np.ndarray:
    """Fill out, (N, k), with p_j|i; return each row's ``ln Σ_j exp(−β_i d_ij²)``, float64.

    `out` may be the same array as distances. Infinite distances get an affinity of 0.
    """
    log_mass, target = np.empty(len(distances)), float(np.log(float(perplexity)))

    def calibrate(start: int, stop: int) -> None:
        some = slice(start, stop)
        _calibrate(distances[some], target, _TOLERANCE, out[some], log_mass[some])

    jit.map_blocks(calibrate, len(distances), _ROWS)
    return log_mass


@jit.serial
def _calibrate(distances, target, tolerance, out, log_mass):
    """Calibrate all rows (see `_calibrate_row`)."""
    n, k = distances.shape
    squared, weights = np.empty(k, np.float32), np.empty(k, np.float32)
    for i in range(n):
        log_mass[i] = _calibrate_row(distances[i], target, tolerance, squared, weights, out[i])


@jit.serial
def _calibrate_row(distances, target, tolerance, squared, weights, out):
    """Fill ``p_j ∝ exp(−β d_j²)`` with β such that ``−Σ p_j ln p_j`` is the target entropy.

    β comes from Newton's method in ln β, safeguarded by bisection. Returns ``ln Σ exp(−β d_j²)``.
    """
    # Shifted and scaled squares change β but not P. They make β = 1 a good start and keep
    # distances of any magnitude within float32.
    nearest, far, count = np.float64(np.inf), np.float64(0), 0
    for d in distances:
        if np.isfinite(d):
            nearest, far, count = min(nearest, np.float64(d)), max(far, np.float64(d)), count + 1
    mean = 0.0
    for j in range(len(distances)):
        d = np.float64(distances[j])
        squared[j] = (d * d - nearest * nearest) / (far * far) if far > 0 else 0.0
        if np.isfinite(d):
            mean += squared[j] / count
        else:
            squared[j] = np.inf
    log_beta, low, high = 0.0, -np.inf, np.inf
    flat = count == 0 or mean == 0 or target >= np.log(count)
    scale = 0.0 if flat else 1 / mean
    total = np.float64(0)
    for _ in range(1 if flat else 100):
        beta = np.float32(np.exp(log_beta) * scale)
        total, first, second = np.float64(0), np.float64(0), np.float64(0)
        for j in range(len(squared)):
            w = np.exp(-beta * squared[j]) if np.isfinite(squared[j]) else np.float32(0)
            weights[j] = w
            if w > 0:
                s = np.float64(beta) * squared[j]
                total += w
                first += w * s
                second += w * s * s
        first /= total
        gap = np.log(total) + first - target
        # With more points at distance 0 than the perplexity, no β is large enough.
        if abs(gap) < tolerance or log_beta > 60:
            break
        if gap > 0:
            low = log_beta
        else:
            high = log_beta
        step = gap / max(second / total - first * first, 1e-3)
        log_beta += min(max(step, -2.0), 2.0)
        if not low < log_beta < high:
            log_beta = (low + high) / 2
    for j in range(len(weights)):
        out[j] = weights[j] / total if total > 0 else 0.0
    if total == 0 or far == 0:
        return np.log(total)
    # The total is a sum of exp(−β (d² − nearest²)).
    return np.log(total) - np.exp(log_beta) * scale * (nearest / far) ** 2
