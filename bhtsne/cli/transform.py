"""Saved map and new points → positions of the points on the map: `bhtsne transform`."""

import argparse
from pathlib import Path
from typing import Any

from bhtsne.cli.parser import (
    add_command,
    add_common,
    add_input,
    add_output,
    add_table,
    complete_with,
)
from bhtsne.cli.points import (
    Watch,
    check_targets,
    load,
    output_paths,
    print_summary,
    table_of,
    write_map,
)

_EXAMPLES = """
bhtsne embed points.csv --labels species --save map.npz
bhtsne transform map.npz new.csv --labels species -o new-map.csv
bhtsne transform map.npz - < new.csv > new-map.csv
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "transform", run, _EXAMPLES,
        help="place new points on a map saved by embed --save",
        description="Place new points on a saved map. Each is placed independently of the others, "
        "and the map does not change.",
    )  # fmt: skip
    command.add_argument("model", metavar="MODEL", type=Path, help="a file of embed --save")
    add_input(command, help="new points with the same features, as for embed")
    add_output(command)
    add_table(command)
    command.add_argument("--n-iter", type=int, default=30, help="number of iterations (30)")
    starts = ("weighted", "median", "random")
    action = command.add_argument("--init", default="weighted", help="initial positions: weighted, "
                                  "median or random (weighted)")  # fmt: skip
    complete_with(action, *starts)
    add_common(command)


def _in_order(points: Any, model: Any) -> Any:
    """Return the points with features in the order of the model, if both have names."""
    from bhtsne.tables import frames

    known = getattr(model, "feature_names_in_", None)
    if known is None or points.features is None:
        return points.X
    return points.X[:, frames.order(points.features, list(known), "IN")]


def run(arguments: argparse.Namespace) -> int:
    """Place new points; return the exit status."""
    from bhtsne import TSNE

    check_targets(arguments)
    watch = Watch()
    model = TSNE.load(arguments.model)
    points = load(arguments)
    watch.lap("load")
    model.set_params(n_jobs=arguments.threads, verbose=not arguments.quiet)
    Y = model.transform(_in_order(points, model), n_iter=arguments.n_iter, init=arguments.init)
    watch.lap("transform")
    write_map(Y, points, arguments)
    watch.lap("write")
    summary = {
        "model": str(arguments.model),
        "input": arguments.input,
        "table": table_of(points.report),
        "points": len(Y),
        **watch.summary(),
        **output_paths(arguments),
    }
    line = f"{len(Y):,} points placed in {summary['total_seconds']:.1f} s"
    print_summary(summary, [line], arguments)
    return 0
