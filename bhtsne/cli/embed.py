"""Data set or file → map, figure and summary: the command `bhtsne embed`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bhtsne.cli import animate, fitting, partwise, resume
from bhtsne.cli.parser import (
    Parser,
    Usage,
    add_command,
    add_common,
    add_input,
    add_output,
    add_table,
)
from bhtsne.cli.points import (
    Points,
    Watch,
    check_targets,
    load,
    output_paths,
    print_summary,
    table_of,
    write_map,
)
from bhtsne.cli.streams import is_stream

_EXAMPLES = """
bhtsne embed digits --plot digits.png
bhtsne embed mnist -o mnist.csv --html mnist.html
bhtsne embed points.csv --labels species --keep id --perplexity 50 -o map.parquet
bhtsne embed train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz --plot map.png
bhtsne embed points.csv --affinities multiscale --perplexity 30,300 --force-error 1e-3
bhtsne embed clusters:100000 --quiet --json
bhtsne embed - < points.csv > map.csv
bhtsne embed big.parquet --landmarks 50000 --labels kind -o map.parquet   # larger than memory
bhtsne embed points.npy --checkpoint run -o map.npy   # interrupted
bhtsne resume run
embedding-atlas map.parquet --x tsne1 --y tsne2 --text label   # another program for maps
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "embed", run, _EXAMPLES,
        help="compute a map of a data set or a file",
        description="Compute a t-SNE map of a data set or a file, and print its quality.",
    )  # fmt: skip
    add_fit(command)
    partwise.add_options(command)
    add_common(command)


def add_fit(command: Parser) -> None:
    """Add the input, the output files and the options of a fit."""
    add_input(command)
    group = add_output(command)
    option = group.add_argument
    option("--film", metavar="FILM", type=Path, help="film of the optimisation, .gif, or .mp4 if "
           "ffmpeg is installed")  # fmt: skip
    option("--save", metavar="MODEL", type=Path, help="fitted model with the labels, .npz, for "
           "`bhtsne transform`, `plot` and `report`; the default of --pca is then 0")  # fmt: skip
    option("--report", metavar="FILE", type=Path, help="page on how far the map can be trusted, "
           ".html")  # fmt: skip
    option("--checkpoint", metavar="RUN", type=Path, help="folder of checkpoints, for `bhtsne "
           "resume RUN`")  # fmt: skip
    add_table(command)
    fitting.add_options(command)


def run(arguments: argparse.Namespace) -> int:
    """Compute the map; return the exit status."""
    if partwise.is_requested(arguments):
        return partwise.run(arguments)
    check(arguments)
    watch = Watch()
    points, features, X, pca = loaded(arguments, watch)
    model, film = fitted(X, arguments)
    return conclude(model, points, features, X, pca, arguments, watch, film)


def check(arguments: argparse.Namespace) -> None:
    """Raise an error for invalid outputs before any computation, and begin a checkpoint."""
    check_targets(arguments)
    if arguments.save is not None:
        if arguments.standardize:
            raise Usage("--save stores no scales, which `bhtsne transform` would need; standardize "
                        "the columns of IN, or leave out --standardize")  # fmt: skip
        if arguments.pca is None:
            arguments.pca = 0  # `transform` takes points with all features
    if arguments.checkpoint is not None:
        if is_stream(arguments.input):
            raise Usage("--checkpoint needs points that can be read again, got - for IN; use a "
                        "file")  # fmt: skip
        resume.note(arguments)


def loaded(arguments: argparse.Namespace, watch: Watch) -> tuple[Points, Any, Any, int | None]:
    """Return the points as they are read, and the results of `fitting.prepared`."""
    from bhtsne.fitting import compilation

    if arguments.method == "barnes_hut":
        compilation.start(arguments.n_components, arguments.dof, arguments.threads)
    points = load(arguments)
    watch.lap("load")
    features, X, pca = fitting.prepared(points.X, arguments)
    watch.lap("pca")
    return points, features, X, pca


def conclude(
    model: Any,
    points: Points,
    features: Any,
    X: Any,
    pca: int | None,
    arguments: argparse.Namespace,
    watch: Watch,
    film: Any = None,
    kept: Sequence[Any] = (),
) -> int:
    """Write the outputs of a fit and print its summary; return the exit status."""
    from bhtsne import memory

    watch.seconds |= model.timings_
    watch.restart()
    recall = _recall(model, features, arguments, pca)
    watch.lap("recall")
    if arguments.save is not None:
        _save(model, points, X, arguments.save)
    write_map(
        model.embedding_, points, arguments, kept,
        neighbors=model.neighbors_, kl_per_point=model.kl_per_point_,
    )  # fmt: skip
    if film is not None:
        animate.write_film(arguments.film, film, points.labels)
    if arguments.report is not None:
        _report(model, points, arguments)
    watch.lap("write")
    summary = {
        "input": arguments.input,
        "table": table_of(points.report),
        "points": X.shape[0],
        "features": X.shape[1],
        "pca": pca,
        "n_iter": model.n_iter_,
        "stopped": model.stopped_,
        "kl_divergence": model.kl_divergence_,
        "neighbor_recall": recall,
        **watch.summary(),
        "peak_memory_bytes": memory.peak(),
        **output_paths(arguments),
    }
    print_summary(summary, _lines(summary, points.X.shape[1]), arguments)
    return 130 if model.stopped_ == "interrupt" or recall is None else 0


def fitted(X: Any, arguments: argparse.Namespace, *callbacks: Any) -> tuple[Any, Any]:
    """Return the fit, and the recorder of its maps if --film is given."""
    film: Any = None
    recording: dict[str, Any] = {"callbacks": callbacks}
    if arguments.film is not None:
        from bhtsne.recorder import Recorder

        film = Recorder()
        recording = {"callbacks": [*callbacks, film], "callback_every": fitting.RECORD_EVERY}
    model = fitting.parameters(arguments, checkpoint=arguments.checkpoint, **recording)
    return model.run(X), film


def _save(model: Any, points: Any, X: Any, path: Path) -> None:
    """Write the fitted model to a file, with labels and names of features if there are any."""
    import numpy as np

    from bhtsne.tsne import saving

    if points.features is not None and X.shape[1] == len(points.features):
        model.feature_names_in_ = np.array(points.features, object)
    saving.save(model, path, points.labels)


def _report(model: Any, points: Points, arguments: argparse.Namespace) -> None:
    from bhtsne import reporting

    reporting.write(
        arguments.report, model, points.labels, title=arguments.input,
        verbose=not arguments.quiet,
    )  # fmt: skip


def _recall(model: Any, X: Any, arguments: Any, pca: int | None) -> dict[str, float] | None:
    """Return the neighbour recall, or None after a signal, which leaves the map to be written."""
    from bhtsne import jit

    k = min(10, X.shape[0] - 1)
    with jit.threads(model.n_jobs):
        try:
            recall, n = fitting.recall(X, model, k, arguments, pca is not None)
        except KeyboardInterrupt:
            return None
    return {"k": k, "recall": round(recall, 4), "points": n}


def _lines(summary: dict[str, Any], n_features: int) -> list[str]:
    """Return the summary as lines of text."""
    recall = summary["neighbor_recall"]
    interrupted = " (interrupted)" if summary["stopped"] == "interrupt" else ""
    lines = [
        f"{summary['points']:,} points, {fitting.features_text(summary, n_features)}, "
        f"{summary['n_iter']} iterations{interrupted} in {summary['total_seconds']:.1f} s",
        "  " + ", ".join(f"{stage} {s:.2f}" for stage, s in summary["seconds"].items()),
        f"KL divergence {summary['kl_divergence']:.4f}",
    ]
    if recall is not None:
        whole = recall["points"] == summary["points"]
        sample = "" if whole else f" (of {recall['points']:,} points)"
        lines[-1] += (
            f"; of each point's {recall['k']} nearest neighbours, {recall['recall']:.1%} are among "
            f"its {recall['k']} nearest in the map{sample}"
        )
    if summary["peak_memory_bytes"]:
        lines.append(f"peak memory {summary['peak_memory_bytes'] / 2**20:,.0f} MiB")
    return lines
