"""Points → differences between Barnes-Hut and all pairs: the command `bhtsne compare`."""

import argparse
import time
from pathlib import Path
from typing import Any

from bhtsne import interrupts
from bhtsne.cli import fitting
from bhtsne.cli.parser import (
    Usage,
    add_command,
    add_common,
    add_input,
    add_table,
    add_theme,
    count,
)
from bhtsne.cli.points import (
    Watch,
    check_figure,
    load,
    output_paths,
    print_summary,
    table_of,
)

_EXAMPLES = """
bhtsne compare digits
bhtsne compare points.csv --labels species --theta 0.8 --plot compared.png
bhtsne compare mnist --points 5000 --json
"""
_LIMIT = 10_000  # points that need no --points, since the time grows with their square
_THETAS = (0.2, 0.3, 0.5, 0.7, 1.0, 1.3)
_REPEATS = 3  # the least time of these counts


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "compare", run, _EXAMPLES,
        help="compare Barnes-Hut with the forces of all pairs of points",
        description="Compute one map by Barnes-Hut and one by the forces of all pairs of points, "
        "from the same start and affinities. Print the differences of forces, KL divergences and "
        "maps, and the run times.",
    )  # fmt: skip
    add_input(command)
    add = command.add_argument
    add("--points", type=count, metavar="N", help="number of points, drawn at random with --seed "
        f"(all if at most {_LIMIT:,}, as the time grows with the square)")  # fmt: skip
    add("--plot", metavar="PNG", type=Path, help="figure of both maps and of the error by theta: "
        ".png, .pdf or .svg")  # fmt: skip
    add_theme(command)
    add_table(command)
    fitting.add_options(command)
    add_common(command)


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison; return the exit status."""
    if arguments.method == "exact" or arguments.force_error is not None:
        raise Usage("compare runs both methods, at --theta; leave out --method and --force-error")
    if arguments.plot is not None:
        check_figure(arguments.plot)
    watch = Watch()
    points = load(arguments)
    features, X, pca = fitting.prepared(points.X, arguments)
    rows = _sample(X.shape[0], arguments)
    X, features, labels = (_take(array, rows) for array in (X, features, points.labels))
    watch.lap("load")
    results, maps, tables = _compared(X, features, pca is not None, arguments)
    watch.restart()
    if arguments.plot is not None:
        _draw(maps, labels, tables, arguments)
        watch.lap("plot")
    summary = {
        "input": arguments.input,
        "table": table_of(points.report),
        "points": X.shape[0],
        "features": X.shape[1],
        "pca": pca,
        **results,
        "total_seconds": round(watch.total(), 3),
        **output_paths(arguments),
    }
    print_summary(summary, _lines(summary, features.shape[1]), arguments)
    return 0


def _sample(n: int, arguments: argparse.Namespace) -> Any:
    """Return --points rows in random choice, or None for all rows."""
    import numpy as np

    count = arguments.points
    if count is None and n > _LIMIT:
        raise Usage(f"compare takes at most {_LIMIT:,} points, as the time grows with the square, "
                    f"got {n:,}; take a sample by --points {_LIMIT}")  # fmt: skip
    if count is None or count >= n:
        return None
    return np.sort(np.random.default_rng(arguments.seed).choice(n, count, replace=False))


def _take(array: Any, rows: Any) -> Any:
    return array if rows is None or array is None else array[rows]


def _compared(
    X: Any, features: Any, is_reduced: bool, arguments: argparse.Namespace
) -> tuple[dict[str, Any], list, dict]:
    """Return the results, both maps, and the errors of the forces by θ at the start and the end."""
    from bhtsne import forces, initial, jit, metrics

    if arguments.init in ("auto", "pca") and arguments.metric != "precomputed":
        start = initial.pca(X, arguments.n_components, random_state=arguments.seed)
    else:
        start = fitting.parameters(arguments, n_iter=0, early_exaggeration_iter=0).run(X).embedding_
    tree = fitting.parameters(arguments, init=start).run(X)
    interrupts.check_fit(tree)
    P = tree.affinities_
    # This run loads or compiles the kernels of the next one, whose time is measured.
    fitting.parameters(arguments, init=start, method="exact", affinities=P, n_iter=0,
                       early_exaggeration_iter=1, verbose=False).run(X)  # fmt: skip
    pairs = fitting.parameters(arguments, init=start, method="exact", affinities=P).run(X)
    interrupts.check_fit(pairs)
    runs, maps = {"barnes_hut": tree, "exact": pairs}, [tree.embedding_, pairs.embedding_]
    k = min(10, X.shape[0] - 1)
    with jit.threads(arguments.threads):
        tables = {"start": errors(start, arguments.dof), "end": errors(maps[0], arguments.dof)}
        recalls = {
            name: fitting.recall(features, model, k, arguments, is_reduced)
            for name, model in runs.items()
        }
        results = {
            name: {
                "kl_divergence": forces.kl_divergence(P, model.embedding_, dof=arguments.dof),
                "optimization_seconds": round(model.timings_["optimization"], 3),
                "neighbor_recall": round(recalls[name][0], 4),
            }
            for name, model in runs.items()
        }
        overlap = metrics.neighbor_recall(maps[0], maps[1], k)
    return {
        "theta": arguments.theta,
        "n_iter": tree.n_iter_,
        "k": k,
        "recall_points": recalls["exact"][1],
        **results,
        "map_neighbor_overlap": round(overlap, 4),
        "map_distance_correlation": round(
            metrics.distance_correlation(*maps, random_state=arguments.seed), 4
        ),
        "force_errors": tables,
    }, maps, tables  # fmt: skip


def errors(Y: Any, dof: float) -> list[dict[str, float]]:
    """Return the relative error of the repulsive forces on a map, and their time, for each θ.

    The error is ``‖F/Z − F*/Z*‖ / ‖F*/Z*‖`` over all points, where F* and Z* are the exact forces
    and their normalisation.
    """
    import numpy as np

    from bhtsne import forces

    exact, seconds = _timed(lambda: forces.repulsion(Y, method="exact", dof=dof), 1)
    reference, rows = exact.force / exact.z, []
    for theta in _THETAS:
        tree, took = _timed(lambda theta=theta: forces.repulsion(Y, theta=theta, dof=dof), _REPEATS)
        difference = np.linalg.norm(tree.force / tree.z - reference)
        error = float(difference / np.linalg.norm(reference))
        rows.append({"theta": theta, "error": error, "seconds": took, "exact_seconds": seconds})
    return rows


def _timed(call: Any, repeats: int) -> tuple[Any, float]:
    """Return the result of a call, and its least time in seconds over some repeats."""
    result, best = call(), float("inf")  # the first call may compile or load a kernel
    for _ in range(repeats):
        interrupts.check()
        begin = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begin)
    return result, best


def _draw(maps: list, labels: Any, tables: dict, arguments: argparse.Namespace) -> None:
    """Draw both maps with lines between the same points, and the errors by θ."""
    from bhtsne import plot
    from bhtsne.plot import figures

    if maps[0].shape[1] != 2:
        raise Usage(f"--plot needs a map of 2 dimensions, got {maps[0].shape[1]}; leave out "
                    "--plot or --n-components")  # fmt: skip
    *pair, last = figures.panels(3)
    titles = (f"Barnes-Hut, θ = {arguments.theta:g}", "all pairs")
    plot.compare(maps[0], maps[1], labels, axes=pair, titles=titles, theme=arguments.theme)
    plot.force_errors(maps[0], dof=arguments.dof, ax=last, theme=arguments.theme)
    last.set_box_aspect(0.8)  # no taller than the maps
    figures.write(arguments.plot, last.figure)


def _lines(summary: dict[str, Any], n_features: int) -> list[str]:
    """Return the summary as lines of text."""
    tree, pairs, k, theta = (summary[name] for name in ("barnes_hut", "exact", "k", "theta"))
    n = summary["recall_points"]
    sample = "" if n == summary["points"] else f" ({n:,} points)"
    lines = [
        f"{summary['points']:,} points, {fitting.features_text(summary, n_features)}, "
        f"{summary['n_iter']} iterations from the same start, in {summary['total_seconds']:.1f} s",
        f"{'':<33}{f'Barnes-Hut, θ {theta:g}':>18}{'all pairs':>14}",
    ]
    for title, name, form in (
        ("exact KL divergence", "kl_divergence", ".4f"),
        ("seconds of the optimisation", "optimization_seconds", ".2f"),
        (f"neighbour recall at {k}{sample}", "neighbor_recall", ".1%"),
    ):
        lines.append(f"{title:<33}{format(tree[name], form):>18}{format(pairs[name], form):>14}")
    lines += [
        f"between the maps: neighbour recall at {k} {summary['map_neighbor_overlap']:.1%}, rank "
        f"correlation of distances {summary['map_distance_correlation']:.3f}",
        "relative error of the forces, and milliseconds of one evaluation:",
        f"  {'θ':<10}{'start':>10}{'end':>10}{'ms':>10}",
    ]
    tables = summary["force_errors"]
    for first, last in zip(tables["start"], tables["end"], strict=True):
        lines.append(f"  {first['theta']:<10g}{first['error']:>10.1e}{last['error']:>10.1e}"
                     f"{1e3 * last['seconds']:>10.2f}")  # fmt: skip
    milliseconds = 1e3 * tables["end"][0]["exact_seconds"]
    return [*lines, f"  {'all pairs':<10}{'0':>10}{'0':>10}{milliseconds:>10.2f}"]
