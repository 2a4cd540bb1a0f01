"""Options → `TSNE`: what all commands share that make a map."""

import argparse
from typing import Any

from bhtsne.cli.parser import Parser, completed, number_or_auto, numbers, offer

EVERY = 10  # iterations between the maps that a recorder is offered
_PCA = 50
_AFFINITIES = ("perplexity", "multiscale", "mixture", "uniform", "fixed_sigma")
_METHODS = ("barnes_hut", "exact")
_STARTS = ("pca", "spectral", "random")


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
    add("--affinities", "KIND", f"{_either(_AFFINITIES)} (perplexity)", str, *_first(_AFFINITIES))
    add("--sigma", "S", "width of the Gaussian for fixed_sigma", float)
    add("--pca", "D", "reduce to D principal components first (50 if there are more features; "
        "0: never)", int)  # fmt: skip
    add("--n-components", "D", "dimensions of the map (2)", int, 2)
    add("--method", "NAME", _either(_METHODS), str, *_first(_METHODS))
    add("--theta", "T", "accuracy of Barnes-Hut; 0 is exact (0.5)", float, 0.5)
    add("--force-error", "E", "choose theta by the measured error", float)
    add("--dof", "A", "degrees of freedom of the kernel (1)", float, 1.0)
    add("--init", "NAME", f"{_either(_STARTS)} (pca)", str, *_first(_STARTS))
    add("--exaggeration", "X", "attraction, after the early phase (1)", float, 1.0)
    add("--early-exaggeration", "X", "attraction, in the early phase (12)", number_or_auto, "auto")
    add("--n-iter", "N", "iterations after early exaggeration (the schedule's)", int)
    add("--min-kl-rate", "R", "go on until the divergence falls by less than this part of itself "
        "an iteration", float, 0.0)  # fmt: skip
    add("--learning-rate", "R", "factor of the gradient (N / exaggeration)", number_or_auto, "auto")
    add("--schedule", "NAME", "fast, or opentsne: its 750 iterations (fast)", str,
        *_first(("fast", "opentsne")))  # fmt: skip
    metric = add("--metric", "NAME", "distance between points (euclidean)", str, "euclidean")
    completed(metric, _metrics)
    add("--seed", "N", "same seed, same map (0)", int, 0)


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _first(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the default and what the shell offers."""
    return words[0], words


def reduced(X: Any, arguments: argparse.Namespace) -> Any:
    """Return the points, by principal components if there are many features."""
    from bhtsne import initial
    from bhtsne.neighbors import checked_points

    X = checked_points(X)
    n_components = components_of(arguments.pca, X.shape[1])
    if n_components == 0 or min(X.shape) <= n_components:
        return X
    return initial.principal_components(X, n_components, random_state=arguments.seed)


def components_of(pca: int | None, n_features: int) -> int:
    """Return how many principal components --pca asks for, 0 for none."""
    if pca is None:
        return _PCA if n_features > _PCA else 0
    if pca < 0:
        raise ValueError(f"--pca must be 0 or more, got {pca}.")
    return pca


def estimator(arguments: argparse.Namespace, **others: Any) -> Any:
    """Return a `TSNE` of the options, and of others by their names."""
    from bhtsne import TSNE

    return TSNE(
        arguments.n_components,
        perplexity=arguments.perplexity,
        affinities=arguments.affinities,
        sigma=arguments.sigma,
        early_exaggeration=arguments.early_exaggeration,
        exaggeration=arguments.exaggeration,
        n_iter="auto" if arguments.n_iter is None else arguments.n_iter,
        learning_rate=arguments.learning_rate,
        min_kl_rate=arguments.min_kl_rate,
        schedule=arguments.schedule,
        init=arguments.init,
        metric=arguments.metric,
        method=arguments.method,
        theta=arguments.theta,
        force_error=arguments.force_error,
        dof=arguments.dof,
        random_state=arguments.seed,
        n_jobs=arguments.threads,
        verbose=not arguments.quiet,
    ).set_params(**others)


def _metrics(**_: Any) -> list[str]:
    from sklearn.metrics.pairwise import distance_metrics

    return [name for name in distance_metrics() if name != "precomputed"]
