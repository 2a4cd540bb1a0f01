"""A part of the kernels → the cache: what most tests use, compiled once.

    python .ci/compile_kernels.py {maps,others}

Without it each of the two processes that run the tests compiles all of these kernels.
"""

import sys
import warnings

import numpy as np

from bhtsne import SNE, TSNE, DynamicTSNE, metrics

X = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
QUICK = {"perplexity": 5, "n_iter": 2, "early_exaggeration_iter": 2, "random_state": 0}


def maps() -> None:
    """Make maps in two dimensions, and put points on one."""
    TSNE(**QUICK).fit(X).transform(X[:9])
    TSNE(**QUICK, method="exact", n_components=3).fit(X)
    metrics.trustworthiness(X, X[:, :2])


def others() -> None:
    """Make maps in other dimensions and by other estimators."""
    for options in ({"n_components": 3}, {"dof": 0.5}, {"n_components": 1}):
        TSNE(**QUICK, **options).fit(X)
    SNE(**QUICK).fit(X)
    DynamicTSNE(**QUICK).fit([X, X])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    {"maps": maps, "others": others}[sys.argv[1]]()
