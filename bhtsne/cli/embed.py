"""`bhtsne embed`: from a data set or a file to a map, a picture and a summary."""

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from bhtsne.cli import resume
from bhtsne.cli.points import Watch, check_targets, keep, load, written

_PCA = 50


def run(arguments: argparse.Namespace) -> int:
    """Make a map of a data set or a file; return the exit status."""
    name, points = Path(arguments.input).name.split(".")[0].replace(":", "-"), arguments.input
    if arguments.output is arguments.plot is arguments.save is None:
        arguments.output = Path(f"{name}-tsne.npy")
    check_targets(arguments)
    if arguments.save is not None and arguments.pca is None:
        arguments.pca = 0  # new points come with all their features
    if arguments.checkpoint is not None:
        resume.note(arguments)
    watch = Watch()
    X, labels = load(points, arguments.labels)
    watch.lap("load")
    X = _reduce(X, arguments.pca, arguments.seed)
    watch.lap("pca")
    model = _fit(X, arguments)
    watch.seconds |= model.timings_
    watch.restart()
    recall = _recall(model, X)
    watch.lap("recall")
    keep(model.embedding_, labels, arguments)
    if arguments.save is not None:
        model.save(arguments.save)
    watch.lap("write")
    summary = {
        "input": points,
        "points": X.shape[0],
        "features": X.shape[1],
        "n_iter": model.n_iter_,
        "kl_divergence": model.kl_divergence_,
        "neighbor_recall": recall,
        "seconds": {stage: round(seconds, 3) for stage, seconds in watch.seconds.items()},
        "total_seconds": round(watch.total(), 3),
        "peak_memory_bytes": peak_memory(),
        **written(arguments),
        "model": str(arguments.save) if arguments.save else None,
    }
    print(json.dumps(summary) if arguments.json else _told(summary))
    return 130 if model.stopped_ == "interrupt" else 0


def _reduce(X: Any, n_components: int | None, seed: int) -> Any:
    from bhtsne import initial
    from bhtsne.neighbors import checked_points

    X = checked_points(X)
    if n_components is None:
        n_components = _PCA if X.shape[1] > _PCA else 0
    if n_components < 0:
        raise ValueError(f"--pca must be 0 or more, got {n_components}.")
    if n_components == 0 or min(X.shape) <= n_components:
        return X
    return initial.principal_components(X, n_components, random_state=seed)


def _fit(X: Any, arguments: argparse.Namespace) -> Any:
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
        checkpoint=arguments.checkpoint,
    ).fit(X)


def _recall(model: Any, X: Any) -> dict[str, float]:
    from bhtsne import jit, metrics

    k = min(10, X.shape[0] - 1)
    known = model.neighbors_ is not None and model.neighbors_.indices.shape[1] >= k
    with jit.threads(model.n_jobs):
        truth = model.neighbors_ if known else X
        recall = metrics.neighbor_recall(truth, model.embedding_, k, metric=model.metric)
    return {"k": k, "recall": round(recall, 4)}


def peak_memory() -> int | None:
    """Return the most memory that the process has held, in bytes, where the system tells."""
    with suppress(OSError, StopIteration), open("/proc/self/status") as lines:
        # Linux's ru_maxrss counts what a parent held as it started the process.
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _told(summary: dict[str, Any]) -> str:
    recall = summary["neighbor_recall"]
    lines = [
        f"{summary['points']:,} points, {summary['features']} features, "
        f"{summary['n_iter']} iterations in {summary['total_seconds']:.1f} s",
        "  " + ", ".join(f"{stage} {s:.2f}" for stage, s in summary["seconds"].items()),
        f"KL divergence {summary['kl_divergence']:.4f}; of each point's {recall['k']} nearest "
        f"neighbours, {recall['recall']:.1%} are among its {recall['k']} nearest in the map",
    ]
    if summary["peak_memory_bytes"]:
        lines.append(f"peak memory {summary['peak_memory_bytes'] / 2**20:,.0f} MiB")
    places = (summary[name] for name in ("output", "plot", "model"))
    lines += [f"written to {path}" for path in places if path]
    return "\n".join(lines)
