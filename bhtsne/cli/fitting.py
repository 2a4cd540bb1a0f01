"""Options → `TSNE`: what all commands share that make a map."""

import argparse
from collections.abc import Callable
from typing import Any

from bhtsne import choices
from bhtsne.cli.parser import Parser, completed, either, number_or_auto, numbers, offer, one_of

EVERY = 10  # iterations between the maps that a recorder is offered
_PCA = 50
# Metrics that components keep as far as they keep the variance; "minkowski" is of power 2 here.
_KEPT = ("euclidean", "l2", "sqeuclidean", "nan_euclidean", "minkowski")
_ANGLES = ("cosine", "correlation")  # of components if --pca says so: those about the mean
_SAMPLE = 1_000  # points whose neighbours are compared where the map is of components


def add_options(command: Parser) -> None:
    """Add the options of a fit."""
    group = command.add_argument_group("the fit")

    def add(
        name: str, metavar: str, text: str, kind: Any = str, default: Any = None, among: Any = ()
    ) -> Any:
        action = group.add_argument(name, type=kind, default=default, metavar=metavar, help=text)
        offer(action, *among)
        return action

    add("--perplexity", "P[,P…]", "neighbours that count (30)", numbers, 30.0)
    add("--affinities", "KIND", f"{either(choices.AFFINITIES)} (gaussian)",
        *_first(choices.AFFINITIES, "perplexity"))  # fmt: skip
    add("--sigma", "S", "width of the Gaussian for fixed_sigma", float)
    add("--pca", "D", "reduce to D principal components first (50 if there are more features "
        "and the metric is Euclidean; 0: never)", int)  # fmt: skip
    add("--n-components", "D", "dimensions of the map (2)", int, 2)
    add("--method", "NAME", either(choices.FORCES), *_first(choices.FORCES))
    add("--theta", "T", "accuracy of Barnes-Hut; 0 is exact (0.5)", float, 0.5)
    add("--force-error", "E", "choose theta by the measured error", float)
    add("--dof", "A", "degrees of freedom of the kernel (1)", float, 1.0)
    add("--init", "NAME", f"{either(choices.INITIAL_MAPS)} (auto: pca, or spectral for "
        "distances)", *_first(choices.INITIAL_MAPS))  # fmt: skip
    add("--exaggeration", "X", "attraction, after the early phase (1)", float, 1.0)
    add("--early-exaggeration", "X", "attraction, in the early phase (12)", number_or_auto, "auto")
    add("--n-iter", "N", "iterations after early exaggeration (the schedule's)", int)
    add("--min-kl-rate", "R", "go on until the divergence falls by less than this part of itself "
        "an iteration", float, 0.0)  # fmt: skip
    add("--learning-rate", "R", "factor of the gradient (N / exaggeration)", number_or_auto, "auto")
    add("--schedule", "NAME", "fast, or opentsne: its 750 iterations (fast)",
        *_first(choices.SCHEDULES))  # fmt: skip
    metric = add("--metric", "NAME", "distance between points (euclidean)", str, "euclidean")
    completed(metric, _metrics)
    add("--seed", "N", "same seed, same map (0)", int, 0)


def _first(
    words: tuple[str, ...], *aliases: str
) -> tuple[Callable[[str], str], str, tuple[str, ...]]:
    """Return the type, the default, which is the first word, and the completions of the shell."""
    return one_of((*words, *aliases)), words[0], words


def reduced(X: Any, arguments: argparse.Namespace) -> tuple[Any, int | None]:
    """Return the points, or their principal components; and the number of these, if any."""
    from bhtsne import initial
    from bhtsne.tables.frames import as_points

    X = as_points(X)
    n_components = components_of(arguments.pca, arguments.metric, X.shape[1])
    if n_components == 0 or min(X.shape) <= n_components:
        return X, None
    components = initial.principal_components(X, n_components, random_state=arguments.seed)
    return components, n_components


def components_of(pca: int | None, metric: str, n_features: int) -> int:
    """Return how many principal components are taken, 0 where they do not keep the metric."""
    if pca is None:
        return _PCA if n_features > _PCA and metric in _KEPT else 0
    if pca < 0:
        raise ValueError(f"--pca must be 0 or more, got {pca}.")
    if pca and metric not in _KEPT + _ANGLES:
        raise ValueError(
            f"--pca must be 0 for --metric {metric}, which principal components do not keep, got "
            f"{pca}; leave --pca out."
        )
    return pca


def recall(
    X: Any, model: Any, k: int, arguments: argparse.Namespace, is_reduced: bool
) -> tuple[float, int]:
    """Return the part of k neighbours by the user's metric that a map keeps, of how many points.

    Where the map is of principal components, a sample of the points themselves is looked at.
    """
    import numpy as np

    from bhtsne import metrics, neighbors

    Y, found, metric, n = model.embedding_, model.neighbors_, arguments.metric, X.shape[0]
    if not is_reduced:
        known = found is not None and found.indices.shape[1] >= k
        return metrics.neighbor_recall(found if known else X, Y, k, metric=metric), n
    some = np.sort(np.random.default_rng(0).choice(n, min(n, _SAMPLE), replace=False))
    truth = _others(neighbors.query(X, X[some], k + 1, metric=metric).indices, some)
    kept = _others(neighbors.query(Y, Y[some], k + 1).indices, some)
    shared = [len(np.intersect1d(*rows)) for rows in zip(truth, kept, strict=True)]
    return float(np.mean(shared)) / k, len(some)


def _others(indices: Any, rows: Any) -> list[Any]:
    """Return each row's nearest points but itself, which duplicates may crowd out."""
    return [near[near != i][: len(near) - 1] for near, i in zip(indices, rows, strict=True)]


def of_features(summary: dict[str, Any], n_features: int) -> str:
    """Return what a summary says of the features."""
    if summary["pca"] is None:
        return f"{n_features} features"
    return f"{n_features} features reduced to {summary['pca']} principal components"


def estimator(arguments: argparse.Namespace, **others: Any) -> Any:
    """Return a `TSNE` of the options, and of other parameters by name."""
    from bhtsne import TSNE, forces, optimizer

    theta = arguments.theta
    if arguments.force_error is not None:
        theta = forces.AdaptiveTheta(arguments.force_error, theta)
    return TSNE(
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
    ).set_params(**others)


def _affinities(arguments: argparse.Namespace) -> Any:
    """Return the kind of affinities, which a width goes with if it is "fixed_sigma"."""
    if (arguments.affinities == "fixed_sigma") != (arguments.sigma is not None):
        raise ValueError(
            "--sigma goes with --affinities fixed_sigma, and with no other, got --affinities "
            f"{arguments.affinities} and --sigma {arguments.sigma}."
        )
    if arguments.sigma is None:
        return arguments.affinities
    from bhtsne.affinities import FixedSigma

    return FixedSigma(arguments.sigma)


def _metrics(**_: Any) -> list[str]:
    from bhtsne.neighbors import measures

    return sorted(measures.NAMES)
