"""The command: `bhtsne embed IN`, from a data set or a file to a map, a picture and a summary."""

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any, NoReturn

from bhtsne import __version__

_EPILOG = """examples:
  bhtsne embed digits --plot digits.png
  bhtsne embed mnist -o mnist.csv --plot mnist.png
  bhtsne embed points.csv --labels species --perplexity 50 -o map.parquet
  bhtsne embed train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz --plot map.png
  bhtsne embed clusters:100000 --quiet --json
"""
_PCA = 50


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def run() -> NoReturn:
    """Run the command as a process of its own."""
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing is left to do, and taking LLVM and the thread pools apart would last another 0.6 s.
    os._exit(status)


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        0; 2 for bad input, after one sentence on stderr; 130 after Ctrl-C.
    """
    arguments = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            return _embed(arguments)
    except KeyboardInterrupt:
        print("bhtsne: interrupted before there was a map.", file=sys.stderr)
        return 130
    except (ArithmeticError, ImportError, MemoryError, OSError, TypeError, ValueError) as error:
        print(f"bhtsne: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def _warn(message, *_: Any, **__: Any) -> None:
    print(f"bhtsne: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="bhtsne", description="Barnes-Hut t-SNE, compiled with Numba.")
    parser.add_argument("--version", action="version", version=f"bhtsne {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    embed = commands.add_parser(
        "embed",
        help="make a map of a data set or a file",
        description="Make a t-SNE map of a data set or a file, and say how good it is.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = embed.add_argument
    add("input", metavar="IN", help="digits, mnist, clusters:N, or a file: .npy .npz .csv .tsv "
        ".parquet or IDX, also .gz")  # fmt: skip
    add("-o", "--output", metavar="OUT", type=Path, help=".npy, .csv, .tsv or .parquet; "
        "IN-tsne.npy if there is no --plot either")  # fmt: skip
    add("--plot", metavar="PNG", type=Path, help="draw the map: .png, .pdf or .svg")
    add("--labels", metavar="NAME", help="column of IN, array of an .npz, or a file of its own")
    add("--perplexity", type=float, default=30.0, help="neighbours that count (30)")
    add("--pca", type=int, metavar="D", help="reduce to D principal components first (50 if "
        "there are more features; 0: never)")  # fmt: skip
    add("--n-components", type=int, default=2, metavar="D", help="dimensions of the map (2)")
    add("--method", default="barnes_hut", help="barnes_hut or exact")
    add("--theta", type=float, default=0.5, help="accuracy of Barnes-Hut; 0 is exact (0.5)")
    add("--n-iter", type=int, help="iterations after early exaggeration (the schedule's)")
    add("--schedule", default="fast", help="fast, or opentsne: its 750 iterations (fast)")
    add("--metric", default="euclidean", help="distance between points (euclidean)")
    add("--seed", type=int, default=0, help="same seed, same map (0)")
    add("--threads", type=int, metavar="N", help="threads (all)")
    add("--quiet", action="store_true", help="no progress bar")
    add("--json", action="store_true", help="print the summary as JSON")
    return parser


def _embed(arguments: argparse.Namespace) -> int:
    name, points = Path(arguments.input).name.split(".")[0].replace(":", "-"), arguments.input
    if arguments.output is None and arguments.plot is None:
        arguments.output = Path(f"{name}-tsne.npy")
    _check_targets(arguments)
    watch = _Watch()
    X, labels = _load(points, arguments.labels)
    watch.lap("load")
    X = _reduce(X, arguments.pca, arguments.seed)
    watch.lap("pca")
    model = _fit(X, arguments)
    watch.seconds |= model.timings_
    watch.restart()
    recall = _recall(model, X)
    watch.lap("recall")
    _keep(model.embedding_, labels, arguments)
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
        "peak_memory_bytes": _peak_memory(),
        "output": str(arguments.output) if arguments.output else None,
        "plot": str(arguments.plot) if arguments.plot else None,
    }
    print(json.dumps(summary) if arguments.json else _told(summary))
    return 130 if model.stopped_ == "interrupt" else 0


def _check_targets(arguments: argparse.Namespace) -> None:
    """Refuse before the work what could not be written after it."""
    from bhtsne import files, plot

    if arguments.output is not None:
        files.check_target(arguments.output, files.SUFFIXES)
    if arguments.plot is not None:
        files.check_target(arguments.plot, plot.SUFFIXES)


def _load(name: str, labels: str | None) -> tuple[Any, Any]:
    from bhtsne import datasets, files

    if name.partition(":")[0] in datasets.NAMES and not Path(name).exists():
        data = datasets.load(name)
        if labels is not None:
            raise ValueError(f"--labels goes with a file, got {labels!r}; {name} has its own.")
        X = data.X / 255.0 if name == "mnist" else data.X
        return X.astype("float32"), data.y
    if not Path(name).exists():
        raise FileNotFoundError(
            f"IN must be a file or one of {', '.join(datasets.NAMES)}, got {name!r}."
        )
    table = files.read(name, labels=labels)
    return table.X, table.labels


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
        n_iter="auto" if arguments.n_iter is None else arguments.n_iter,
        schedule=arguments.schedule,
        metric=arguments.metric,
        method=arguments.method,
        theta=arguments.theta,
        random_state=arguments.seed,
        n_jobs=arguments.threads,
        verbose=not arguments.quiet,
    ).fit(X)


def _recall(model: Any, X: Any) -> dict[str, float]:
    from bhtsne import jit, metrics

    k = min(10, X.shape[0] - 1)
    known = model.neighbors_ is not None and model.neighbors_.indices.shape[1] >= k
    with jit.threads(model.n_jobs):
        truth = model.neighbors_ if known else X
        recall = metrics.neighbor_recall(truth, model.embedding_, k, metric=model.metric)
    return {"k": k, "recall": round(recall, 4)}


def _keep(Y: Any, labels: Any, arguments: argparse.Namespace) -> None:
    if arguments.output is not None:
        from bhtsne import files

        files.write(arguments.output, Y, labels=labels)
    if arguments.plot is not None:
        from bhtsne import plot

        plot.save(arguments.plot, Y, labels)


class _Watch:
    """Seconds of each stage, and in all."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begin = self._last = time.perf_counter()

    def restart(self) -> None:
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        self.seconds[stage] = time.perf_counter() - self._last
        self.restart()

    def total(self) -> float:
        return time.perf_counter() - self._begin


def _peak_memory() -> int | None:
    """Return the most memory that the process has held, in bytes, where the system tells."""
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
    lines += [f"written to {path}" for path in (summary["output"], summary["plot"]) if path]
    return "\n".join(lines)
