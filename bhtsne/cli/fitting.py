"""Command-line options → a fit: its options, its parameters, and the quality of its map."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bhtsne import choices
from bhtsne.cli.parser import (
    Parser,
    complete_by,
    complete_with,
    either,
    number_or_auto,
    numbers,
    one_of,
)

RECORD_EVERY = 10  # iterations between two calls of a recorder
_PCA = 50
# Metrics that principal components approximate; "minkowski" has its default power 2 here.
_EUCLIDEAN = ("euclidean", "l2", "sqeuclidean", "nan_euclidean", "minkowski")
# Metrics of angles. Components are centred, which changes angles, so that --pca must be explicit.
_ANGULAR = ("cosine", "correlation")
# Points in the neighbour recall of a map of principal components: as many as need this number of
# products of features, within these limits; 364 of MNIST.
_PRODUCTS, _FEWEST, _MOST = 2e10, 300, 1000


def add_options(command: Parser) -> None:
    """Add the options of a fit."""
    group = command.add_argument_group("fit")

    def add(
        name: str, metavar: str, text: str, kind: Any = str, default: Any = None, words: Any = ()
    ) -> Any:
        action = group.add_argument(name, type=kind, default=default, metavar=metavar, help=text)
        complete_with(action, *words)
        return action

    add("--perplexity", "P[,P…]", "effective number of neighbours, or several for multiscale and "
        "mixture (30)", numbers, 30.0)  # fmt: skip
    add("--affinities", "KIND", f"{either(choices.AFFINITIES)} (gaussian)",
        *_first(choices.AFFINITIES, "perplexity"))  # fmt: skip
    add("--sigma", "S", "standard deviation of the Gaussian, for fixed_sigma", float)
    add("--n-components", "D", "dimension of the map (2)", int, 2)
    add("--method", "NAME", f"{either(choices.FORCES)} (barnes_hut)", *_first(choices.FORCES))
    add("--theta", "T", "accuracy of Barnes-Hut; 0 is exact (0.45)", float, 0.45)
    add("--force-error", "E", "target error of the forces, from which theta is chosen", float)
    add("--dof", "A", "degrees of freedom of the kernel (1)", float, 1.0)
    add("--init", "NAME", f"{either(choices.INITIAL_MAPS)} (auto: pca, or spectral for "
        "distances)", *_first(choices.INITIAL_MAPS))  # fmt: skip
    add("--exaggeration", "X", "factor of the attraction after early exaggeration (1)", float, 1.0)
    add("--early-exaggeration", "X", "factor of the attraction during early exaggeration (12)",
        number_or_auto, "auto")  # fmt: skip
    add("--n-iter", "N", "iterations after early exaggeration (by the schedule)", int)
    add("--min-kl-rate", "R", "continue until the relative decrease of the KL divergence per "
        "iteration is below R", float, 0.0)  # fmt: skip
    add("--learning-rate", "R", "step size (N / exaggeration)", number_or_auto, "auto")
    add("--schedule", "NAME", "fast, or opentsne with the 750 iterations of openTSNE (fast)",
        *_first(choices.SCHEDULES))  # fmt: skip
    add_points_options(group)


def add_points_options(group: Any) -> None:
    """Add the options of the points' scale, dimension, metric and seed."""
    add = group.add_argument
    add("--standardize", action="store_true", help="give each feature a mean of 0 and a variance "
        "of 1, for columns of different units")  # fmt: skip
    add("--pca", type=int, metavar="D", help="number of principal components to which IN is "
        "reduced, 0 for none (50 if there are more features and the metric is Euclidean)"
    )  # fmt: skip
    metric = add("--metric", metavar="NAME", default="euclidean", help="distance between points "
                 "(euclidean)")  # fmt: skip
    complete_by(metric, _metrics)
    add("--seed", type=int, default=0, metavar="N", help="seed of the random numbers (0)")


def _first(
    words: tuple[str, ...], *aliases: str
) -> tuple[Callable[[str], str], str, tuple[str, ...]]:
    """Return the type, the default (the first word) and the completions of an option."""
    return one_of(words, aliases), words[0], words


def prepared(X: Any, arguments: argparse.Namespace) -> tuple[Any, Any, int | None]:
    """Return the points, standardized if asked, what is fitted, and its number of components.

    Principal components are fitted in place of many features; without them the number is None.
    """
    from bhtsne import initial
    from bhtsne.tables import missing
    from bhtsne.tables.frames import as_points

    try:
        X = as_points(X)
    except ValueError:
        if arguments.metric != "precomputed":
            missing.check_complete_array(X)  # has a message with the option of the command
        raise
    if arguments.standardize:
        X = _standardized(X, arguments.metric)
    n_components = components_of(arguments.pca, arguments.metric, X.shape[1])
    if n_components == 0 or min(X.shape) <= n_components:
        return X, X, None
    components = initial.principal_components(X, n_components, random_state=arguments.seed)
    return X, components, n_components


def _standardized(X: Any, metric: str) -> Any:
    """Return points with a mean of 0 and a variance of 1 in each feature; a constant one is 0."""
    from scipy import sparse
    from sklearn.preprocessing import StandardScaler

    if metric == "precomputed" or sparse.issparse(X):
        got = "distances" if metric == "precomputed" else "a sparse array"
        raise ValueError(f"--standardize goes with dense points, got {got}; leave it out.")
    return StandardScaler().fit_transform(X)


def components_of(pca: int | None, metric: str, n_features: int) -> int:
    """Return the number of principal components, 0 for all features.

    The default is 0 for a metric that principal components do not approximate.
    """
    if pca is None:
        return _PCA if n_features > _PCA and metric in _EUCLIDEAN else 0
    if pca < 0:
        raise ValueError(f"--pca must be 0 or more, got {pca}.")
    if pca and metric not in _EUCLIDEAN + _ANGULAR:
        raise ValueError(
            f"--pca must be 0 for --metric {metric}, which principal components do not preserve, "
            f"got {pca}; leave --pca out."
        )
    return pca


def recall(
    X: Any, model: Any, k: int, arguments: argparse.Namespace, is_reduced: bool
) -> tuple[float, int]:
    """Return the neighbour recall of a map by the user's metric, and the number of points in it.

    For a map of principal components, it is that of a sample of the original points.
    """
    import numpy as np

    from bhtsne import metrics, neighbors

    Y, found, metric, n = model.embedding_, model.neighbors_, arguments.metric, X.shape[0]
    if not is_reduced:
        enough = found is not None and found.indices.shape[1] >= k
        return metrics.neighbor_recall(found if enough else X, Y, k, metric=metric), n
    count = int(np.clip(_PRODUCTS / (n * X.shape[1]), _FEWEST, _MOST))
    sample = np.sort(np.random.default_rng(0).choice(n, min(n, count), replace=False))
    in_data = _without_self(neighbors.query(X, X[sample], k + 1, metric=metric).indices, sample)
    in_map = _without_self(neighbors.query(Y, Y[sample], k + 1).indices, sample)
    shared = [len(np.intersect1d(*rows)) for rows in zip(in_data, in_map, strict=True)]
    return float(np.mean(shared)) / k, len(sample)


def _without_self(indices: Any, rows: Any) -> list[Any]:
    """Return the k neighbours other than the point itself, for each row of k + 1 neighbours.

    A row need not hold the point itself, as its duplicates are as near.
    """
    return [near[near != i][: len(near) - 1] for near, i in zip(indices, rows, strict=True)]


def features_text(summary: dict[str, Any], n_features: int) -> str:
    """Return the number of features, and of principal components if any, as text."""
    if summary["pca"] is None:
        return f"{n_features} features"
    return f"{n_features} features reduced to {summary['pca']} principal components"


def parameters(arguments: argparse.Namespace, **others: Any) -> Any:
    """Return the parameters of the options as a `Fit`, with others by name."""
    from bhtsne import forces, optimizer
    from bhtsne.tsne.fit import Fit

    theta = arguments.theta
    if arguments.force_error is not None:
        theta = forces.AdaptiveTheta(arguments.force_error, theta)
    given = Fit(
        arguments.n_components,
        perplexity=arguments.perplexity,
        affinities=_affinities(arguments),
        early_exaggeration=arguments.early_exaggeration,
        exaggeration=arguments.exaggeration,
        n_iter="auto" if arguments.n_iter is None else arguments.n_iter,
        learning_rate=arguments.learning_rate,
        schedule=arguments.schedule,
        stopping=optimizer.Stopping(arguments.min_kl_rate) if arguments.min_kl_rate else None,
        init=arguments.init,
        metric=arguments.metric,
        method=arguments.method,
        theta=theta,
        dof=arguments.dof,
        random_state=arguments.seed,
        n_jobs=arguments.threads,
        verbose=not arguments.quiet,
    )
    return replace(given, **others)


def _affinities(arguments: argparse.Namespace) -> Any:
    """Return the kind of affinities; "fixed_sigma" requires --sigma, and no other kind takes it."""
    if (arguments.affinities == "fixed_sigma") != (arguments.sigma is not None):
        raise ValueError(
            "--sigma goes with --affinities fixed_sigma, and with no other, got --affinities "
            f"{arguments.affinities} and --sigma {arguments.sigma}; set both or neither."
        )
    if arguments.sigma is None:
        return arguments.affinities
    from bhtsne.affinities import FixedSigma

    return FixedSigma(arguments.sigma)


def _metrics(**_: Any) -> list[str]:
    from bhtsne.neighbors import measures

    return sorted(measures.NAMES)
