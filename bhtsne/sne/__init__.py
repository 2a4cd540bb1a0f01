"""P, Y → divergence and gradient of the variants of SNE, exact; `bhtsne.SNE` is their estimator.

==============  =================  ===============================================================
variant         affinities         similarities of the map, w_ij = exp(−d_ij²) but for "t-sne"
==============  =================  ===============================================================
``sne``         p_j|i, rows sum    ``q_j|i = w_ij / Σ_k w_ik`` (Hinton & Roweis 2002)
                to 1
``symmetric``   p_ij, all sum      ``q_ij = w_ij / Z``, ``Z = Σ_{k≠l} w_kl`` (van der Maaten &
                to 1               Hinton 2008, §3.1)
``uni-sne``     p_ij               ``q_ij = (1 − ρ) w_ij / Z + ρ / (N (N − 1))`` (Cook, Sutskever,
                                   Mnih & Hinton 2007)
``t-sne``       p_ij               ``q_ij = w_ij / Z``, ``w_ij = 1 / (1 + d_ij²)`` (van der Maaten &
                                   Hinton 2008, eq. 4)
==============  =================  ===============================================================

The objective is ``C = Σ_ij p ln(p / q)`` over all pairs. With ``p_ij = (p_j|i + p_i|j) / 2N`` for
"sne" too, and s_ij the part of q_ij from the kernel, every gradient is::

    ∂C/∂y_i = c (Σ_j a_ij (y_i − y_j) − R Σ_j b_ij (y_i − y_j))

                  a_ij                      b_ij        R         c
    sne           p_ij                      s_ij        1         4 N,  s_ij = (q_j|i + q_i|j) / 2N
    symmetric     p_ij                      s_ij        1         4
    uni-sne       p_ij (1 − ρ) s_ij / q_ij  s_ij        Σ a_ij    4
    t-sne         p_ij w_ij                 s_ij w_ij   1         4
"""

from bhtsne.sne.objective import VARIANTS, Divergence, divergence, gradient

__all__ = ["VARIANTS", "Divergence", "divergence", "gradient"]
