"""X → the k nearest neighbours of every point, approximate: pynndescent, and what it needs.

pynndescent is imported when it is used: that takes 1.5 to 2 s, and its search compiles 20 to 40 s
in every process, since it cannot be cached.
"""

import warnings

import numpy as np
from scipy import sparse

from bhtsne import jit
from bhtsne.neighbors.exact import without_self


def metrics(X) -> frozenset[str]:
    """Return the names of the metrics that pynndescent has for points like these."""
    from pynndescent.distances import named_distances
    from pynndescent.sparse import sparse_named_distances

    return frozenset(sparse_named_distances if sparse.issparse(X) else named_distances)


def function(metric: str):
    """Return the function of two points that a metric of pynndescent is.

    Where that comes to no number, as the root of what was rounded to below 0 in a Hellinger
    distance does, a point would be passed over in silence: points that are as good as equal are at
    0, and others are refused.
    """
    from pynndescent.distances import named_distances

    measure = named_distances[metric]

    def measured(x: np.ndarray, y: np.ndarray, *params, **named) -> float:
        found = measure(x, y, *params, **named)
        if np.isnan(found):
            if not np.allclose(x / (np.abs(x).sum() or 1), y / (np.abs(y).sum() or 1)):
                raise ValueError(f"the distance {metric} of {x} and {y} is not a number")
            found = 0.0
        return found

    return measured


def nearest(X, k: int, metric, metric_params, seed: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return indices int32 and distances float32, (N, k), nearest first, without self.

    Places for which no neighbour was found, at the end of a row, hold -1 and infinity. With a seed
    the search runs on one thread: pynndescent cuts its work by the number of threads, and with it
    changes the graph.
    """
    with jit.guarded():
        from pynndescent import NNDescent

        X = X.astype(np.float32) if sparse.issparse(X) else np.ascontiguousarray(X, np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of gaps in the graph: they are counted in `find`
            # More candidates and a looser stop than the library's defaults: fewer, fuller rounds.
            index = NNDescent(
                X,
                n_neighbors=k + 1,
                metric=metric,
                metric_kwds=metric_params,
                max_candidates=30,
                delta=0.01,
                random_state=np.random.RandomState(seed),
                n_jobs=jit.n_threads() if seed is None else 1,
                compressed=False,
            )
    indices, distances = (np.array(a) for a in index.neighbor_graph)
    distances[indices < 0] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")
    indices = np.take_along_axis(indices, order, axis=1)
    return without_self(indices, np.take_along_axis(distances, order, axis=1))
