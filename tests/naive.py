"""The oracle: t-SNE in dense NumPy, float64, straight from the equations, blind to speed.

The kernel is ``w_ij = (1 + d_ij²/α)^(−(α+1)/2)`` for ``dof = α``; Z runs over all pairs.
"""

import numpy as np


def squared_distances(A):
    A = np.asarray(A, np.float64)
    return ((A[:, None, :] - A[None, :, :]) ** 2).sum(axis=2)


def tails(Y, dof=1.0):
    """Return ``1 / (1 + d_ij²/α)``, which at dof 1 is w_ij."""
    return 1 / (1 + squared_distances(Y) / dof)


def weights(Y, dof=1.0):
    """Return w_ij with w_ii = 0."""
    w = tails(Y, dof) ** ((dof + 1) / 2)
    np.fill_diagonal(w, 0)
    return w


def z(Y, dof=1.0):
    return weights(Y, dof).sum()


def q(Y, dof=1.0):
    return weights(Y, dof) / z(Y, dof)


def pull(factors, Y):
    """Return ``Σ_j factors_ij (y_i − y_j)``."""
    Y = np.asarray(Y, np.float64)
    return (np.asarray(factors)[:, :, None] * (Y[:, None, :] - Y[None, :, :])).sum(axis=1)


def attraction(P, Y, dof=1.0):
    return pull(np.asarray(P, np.float64) * tails(Y, dof), Y)


def repulsion(Y, dof=1.0):
    return pull(weights(Y, dof) * tails(Y, dof), Y)


def gradient(P, Y, dof=1.0, exaggeration=1.0):
    """Return ``2 (1 + 1/α) Σ_j (exaggeration p_ij − q_ij) (1 + d_ij²/α)^-1 (y_i − y_j)``."""
    P = exaggeration * np.asarray(P, np.float64)
    return 2 * (1 + 1 / dof) * pull((P - q(Y, dof)) * tails(Y, dof), Y)


def kl_per_point(P, Y, dof=1.0):
    """Return ``Σ_j p_ij ln(p_ij / q_ij)`` for each i; pairs without affinity count nothing."""
    P, Q = np.asarray(P, np.float64), q(Y, dof)
    some = P > 0
    terms = np.zeros_like(P)
    terms[some] = P[some] * np.log(P[some] / Q[some])
    return terms.sum(axis=1)


def kl(P, Y, dof=1.0):
    return kl_per_point(P, Y, dof).sum()


def gaussian_row(squared, beta):
    """Return ``p_j ∝ exp(−beta d_j²)`` over a point's neighbours."""
    p = np.exp(-beta * (squared - squared.min()))
    return p / p.sum()


def entropy(p):
    p = p[p > 0]
    return -(p * np.log(p)).sum()


def conditional(distances, perplexity):
    """Return p_{j|i} over the given neighbours, by bisection of ``beta = 1 / 2σ²``.

    A row whose entropy cannot come down to the perplexity's, or up to it, ends at the bound.
    """
    out = np.empty(np.shape(distances))
    for i, row in enumerate(np.asarray(distances, np.float64) ** 2):
        low, high = 0.0, 1.0
        while entropy(gaussian_row(row, high)) > np.log(perplexity) and high < 1e200:
            high *= 2
        for _ in range(200):
            beta = (low + high) / 2
            if entropy(gaussian_row(row, beta)) > np.log(perplexity):
                low = beta
            else:
                high = beta
        out[i] = gaussian_row(row, beta)
    return out


def joint(indices, conditional):
    """Return the dense ``p_ij = (p_{j|i} + p_{i|j}) / 2N``."""
    n = len(indices)
    P = np.zeros((n, n))
    np.put_along_axis(P, np.asarray(indices, np.int64), conditional, axis=1)
    return (P + P.T) / (2 * n)


def ranks(A):
    """Return for each i the rank of each j among its neighbours: 1 for the nearest, 0 for self.

    Of equally distant points, the one of the lower index comes first.
    """
    squared = squared_distances(A)
    np.fill_diagonal(squared, -1)
    order = np.argsort(squared, axis=1, kind="stable")
    out = np.empty_like(order)
    np.put_along_axis(out, order, np.arange(len(order))[None, :].repeat(len(order), 0), axis=1)
    return out


def knn(A, k):
    """Return indices and distances of the k nearest neighbours, nearest first, without self."""
    indices = np.argsort(ranks(A), axis=1)[:, 1 : k + 1]
    return indices, np.sqrt(np.take_along_axis(squared_distances(A), indices, axis=1))


def trustworthiness(X, Y, k):
    """Return ``1 − 2 / (N k (2N − 3k − 1)) Σ_i Σ_j max(0, r(i, j) − k)``.

    j runs over the k nearest of i in the map, r is j's rank in the data (Venna & Kaski 2001).
    """
    n, rank = len(X), ranks(X)
    excess = np.maximum(np.take_along_axis(rank, knn(Y, k)[0], axis=1) - k, 0).sum()
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * excess


def recall(indices, truth):
    """Return the part of the true neighbours that are among those given."""
    shared = [len(set(a) & set(b)) for a, b in zip(indices, truth, strict=True)]
    return sum(shared) / np.size(truth)


def sne_q(Y, variant, background):
    """Return what the map gives to each pair: q_j|i for "sne", q_ij for the others."""
    w = tails(Y) if variant == "t-sne" else np.exp(-squared_distances(Y))
    np.fill_diagonal(w, 0)
    if variant == "sne":
        return w / w.sum(axis=1, keepdims=True)
    share = background if variant == "uni-sne" else 0
    uniform = 1 - np.eye(len(w))
    return (1 - share) * w / w.sum() + share * uniform / uniform.sum()


def sne_divergence(P, Y, variant, background):
    """Return ``Σ_ij p_ij ln(p_ij / q_ij)``, where p_ij is p_j|i for "sne"."""
    P, Q = np.asarray(P, np.float64), sne_q(Y, variant, background)
    some = P > 0
    return (P[some] * np.log(P[some] / Q[some])).sum()


def slope(f, Y, step=1e-5):
    """Return the gradient of f at Y by central differences."""
    out = np.zeros(np.shape(Y))
    for at in np.ndindex(*out.shape):
        there = np.zeros_like(out)
        there[at] = step
        out[at] = (f(Y + there) - f(Y - there)) / (2 * step)
    return out
