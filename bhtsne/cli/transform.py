"""`bhtsne transform`: from a kept map and new points to their places on it."""

import argparse
from pathlib import Path
from typing import Any

from bhtsne.cli.parser import (
    add_command,
    add_common,
    add_input,
    add_output,
    add_table,
    offer,
)
from bhtsne.cli.points import Watch, check_targets, keep, load, table_of, tell, written

_EXAMPLES = """
bhtsne embed points.csv --labels species --save map.npz   # and then, of other points:
bhtsne transform map.npz new.csv --labels species -o new-map.csv
bhtsne transform map.npz - < new.csv > new-map.csv
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "transform", run, _EXAMPLES,
        help="place new points on a map that embed --save has kept",
        description="Place new points on a fitted map, each on its own; the map stays.",
    )  # fmt: skip
    command.add_argument("model", metavar="MODEL", type=Path, help="what embed --save wrote")
    add_input(command, help="new points, with the features of the fitted ones: as for embed")
    add_output(command, "IN-tsne.npy if no other file is named")
    add_table(command)
    command.add_argument("--n-iter", type=int, default=30, help="iterations (30)")
    starts = ("weighted", "median", "random")
    offer(command.add_argument("--init", default="weighted", help="weighted, median or random "
                               "(weighted)"), *starts)  # fmt: skip
    add_common(command)


def _in_order(points: Any, model: Any) -> Any:
    """Return the points with the features of the model in its order, where both have names."""
    from bhtsne.tables import frames

    # Dropped here, since scikit-learn warns of an array that it has no names.
    known = vars(model).pop("feature_names_in_", None)
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
    keep(Y, points, arguments)
    watch.lap("write")
    summary = {
        "model": str(arguments.model),
        "input": arguments.input,
        "table": table_of(points.report),
        "points": len(Y),
        **watch.told(),
        **written(arguments),
    }
    tell(summary, [f"{len(Y):,} points placed in {summary['total_seconds']:.1f} s"], arguments)
    return 0
