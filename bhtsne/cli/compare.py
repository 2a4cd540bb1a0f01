"""`bhtsne compare`: from one start, what Barnes-Hut comes to and what all pairs do."""

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
from bhtsne.cli.points import Watch, check_picture, load, table_of, tell, written

_EXAMPLES = """
bhtsne compare digits
bhtsne compare points.csv --labels species --theta 0.8 --plot compared.png
bhtsne compare mnist --points 5000 --json
"""
_MOST = 10_000  # points that are taken without being asked: some two minutes on two cores
_THETAS = (0.2, 0.3, 0.5, 0.7, 1.0, 1.3)
_REPEATS = 3


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "compare", run, _EXAMPLES,
        help="run Barnes-Hut and all pairs from one start, and compare them",
        description="Make a map by Barnes-Hut and one by the forces of all pairs of points, from "
        "one start and the same affinities. Say how far forces, divergences and maps differ, and "
        "what each takes.",
    )  # fmt: skip
    add_input(command)
    add = command.add_argument
    add("--points", type=count, metavar="N", help=f"take so many, drawn by --seed (all, up to "
        f"{_MOST:,}: time grows with the square)")  # fmt: skip
    add("--plot", metavar="PNG", type=Path, help="draw both maps, and the error by theta: .png, "
        ".pdf or .svg")  # fmt: skip
    add_theme(command)
    add_table(command)
    fitting.add_options(command)
    add_common(command)


def run(arguments: argparse.Namespace) -> int:
    """Compare; return the exit status."""
    if arguments.method == "exact" or arguments.force_error is not None:
        raise Usage("compare runs both methods, at --theta: --method and --force-error are embed's")
    if arguments.plot is not None:
        check_picture(arguments.plot)
    watch = Watch()
    points = load(arguments)
    X, pca = fitting.reduced(points.X, arguments)
    some = _drawn(X.shape[0], arguments)
    X, own, labels = (_rows(of, some) for of in (X, points.X, points.labels))
    watch.lap("load")
    told, maps, tables = _compared(X, own if pca else X, pca is not None, arguments)
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
        **told,
        "total_seconds": round(watch.total(), 3),
        **written(arguments),
    }
    tell(summary, _told(summary, own.shape[1]), arguments)
    return 0


def _drawn(n: int, arguments: argparse.Namespace) -> Any:
    """Return the rows that were asked for, or None for all."""
    import numpy as np

    wanted = arguments.points
    if wanted is None and n > _MOST:
        raise Usage(f"all pairs of {n:,} points take too long: their time grows with the square; "
                    f"take a part by --points {_MOST}")  # fmt: skip
    if wanted is None or wanted >= n:
        return None
    return np.sort(np.random.default_rng(arguments.seed).choice(n, wanted, replace=False))


def _rows(of: Any, some: Any) -> Any:
    return of if some is None or of is None else of[some]


def _compared(
    X: Any, own: Any, is_reduced: bool, arguments: argparse.Namespace
) -> tuple[dict[str, Any], list, dict]:
    """Return what is told, both maps, and the forces' errors by θ at the start and the end."""
    from bhtsne import forces, initial, jit, metrics

    if arguments.init in ("auto", "pca") and arguments.metric != "precomputed":
        start = initial.pca(X, arguments.n_components, random_state=arguments.seed)
    else:
        start = fitting.estimator(arguments, n_iter=0, early_exaggeration_iter=0).fit(X).embedding_
    tree = fitting.estimator(arguments, init=start).fit(X)
    interrupts.check_fit(tree)
    P = tree.affinities_
    # loads or compiles what the second needs, which is not to count
    fitting.estimator(arguments, init=start, method="exact", affinities=P, n_iter=0,
                      early_exaggeration_iter=1, verbose=False).fit(X)  # fmt: skip
    pairs = fitting.estimator(arguments, init=start, method="exact", affinities=P).fit(X)
    interrupts.check_fit(pairs)
    runs, maps = {"barnes_hut": tree, "exact": pairs}, [tree.embedding_, pairs.embedding_]
    k = min(10, X.shape[0] - 1)
    with jit.threads(arguments.threads):
        tables = {"start": errors(start, arguments.dof), "end": errors(maps[0], arguments.dof)}
        kept = {
            name: fitting.recall(own, model, k, arguments, is_reduced)
            for name, model in runs.items()
        }
        told = {
            name: {
                "kl_divergence": forces.kl_divergence(P, model.embedding_, dof=arguments.dof),
                "optimization_seconds": round(model.timings_["optimization"], 3),
                "neighbor_recall": round(kept[name][0], 4),
            }
            for name, model in runs.items()
        }
        overlap = metrics.neighbor_recall(maps[0], maps[1], k)
    return {
        "theta": arguments.theta,
        "n_iter": tree.n_iter_,
        "k": k,
        "recall_points": kept["exact"][1],
        **told,
        "map_neighbor_overlap": round(overlap, 4),
        "map_distance_correlation": round(
            metrics.distance_correlation(*maps, random_state=arguments.seed), 4
        ),
        "force_errors": tables,
    }, maps, tables  # fmt: skip


def errors(Y: Any, dof: float) -> list[dict[str, float]]:
    """Return, for each θ, the error of the forces on a map, and the time that they take.

    The error is ``‖F/Z − F*/Z*‖ / ‖F*/Z*‖`` over all points, F* and Z* being those of all pairs.
    """
    import numpy as np

    from bhtsne import forces

    exact, seconds = _timed(lambda: forces.repulsion(Y, method="exact", dof=dof), 1)
    right, rows = exact.force / exact.z, []
    for theta in _THETAS:
        tree, took = _timed(lambda theta=theta: forces.repulsion(Y, theta=theta, dof=dof), _REPEATS)
        wrong = np.linalg.norm(tree.force / tree.z - right) / np.linalg.norm(right)
        rows.append(
            {"theta": theta, "error": float(wrong), "seconds": took, "exact_seconds": seconds}
        )
    return rows


def _timed(call: Any, repeats: int) -> tuple[Any, float]:
    """Return what a call comes to, and the least seconds that it takes."""
    result, best = call(), float("inf")  # the first may load what was compiled
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
        raise Usage("--plot draws maps of 2 dimensions; leave it, or --n-components, out")
    *pair, last = figures.panels(3)
    titles = (f"Barnes-Hut, θ = {arguments.theta:g}", "all pairs")
    plot.compare(maps[0], maps[1], labels, axes=pair, titles=titles, theme=arguments.theme)
    plot.force_errors(maps[0], dof=arguments.dof, ax=last, theme=arguments.theme)
    last.set_box_aspect(0.8)  # no taller than the maps
    figures.write(arguments.plot, last.figure)


def _told(told: dict[str, Any], n_features: int) -> list[str]:
    tree, pairs, k, theta = (told[name] for name in ("barnes_hut", "exact", "k", "theta"))
    n = told["recall_points"]
    sample = "" if n == told["points"] else f", {n:,} points"
    lines = [
        f"{told['points']:,} points, {fitting.of_features(told, n_features)}, {told['n_iter']} "
        f"iterations from one start, in {told['total_seconds']:.1f} s",
        f"{'':<33}{f'Barnes-Hut, θ {theta:g}':>18}{'all pairs':>14}",
    ]
    for what, name, form in (
        ("KL divergence, by all pairs", "kl_divergence", ".4f"),
        ("seconds of the optimisation", "optimization_seconds", ".2f"),
        (f"neighbours kept, of {k}{sample}", "neighbor_recall", ".1%"),
    ):
        lines.append(f"{what:<33}{format(tree[name], form):>18}{format(pairs[name], form):>14}")
    lines += [
        f"of each point's {k} neighbours in one map, {told['map_neighbor_overlap']:.1%} are among "
        f"its {k} in the other; distances correlate by {told['map_distance_correlation']:.3f}",
        "error of the forces, by all of them, and milliseconds of one evaluation:",
        f"  {'θ':<10}{'start':>10}{'end':>10}{'ms':>10}",
    ]
    tables = told["force_errors"]
    for first, last in zip(tables["start"], tables["end"], strict=True):
        lines.append(f"  {first['theta']:<10g}{first['error']:>10.1e}{last['error']:>10.1e}"
                     f"{1e3 * last['seconds']:>10.2f}")  # fmt: skip
    milliseconds = 1e3 * tables["end"][0]["exact_seconds"]
    return [*lines, f"  {'all pairs':<10}{'0':>10}{'0':>10}{milliseconds:>10.2f}"]
