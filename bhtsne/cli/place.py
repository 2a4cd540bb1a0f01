"""`bhtsne transform`: from a kept map and new points to their places on it."""

import argparse
import json
from pathlib import Path

from bhtsne.cli.points import Watch, check_targets, keep, load, written


def run(arguments: argparse.Namespace) -> int:
    """Place new points; return the exit status."""
    from bhtsne import TSNE

    if arguments.output is None and arguments.plot is None:
        name = Path(arguments.input).name.split(".")[0].replace(":", "-")
        arguments.output = Path(f"{name}-tsne.npy")
    check_targets(arguments)
    watch = Watch()
    model = TSNE.load(arguments.model)
    X, labels = load(arguments.input, arguments.labels)
    watch.lap("load")
    model.set_params(n_jobs=arguments.threads, verbose=not arguments.quiet)
    Y = model.transform(X, n_iter=arguments.n_iter, init=arguments.init)
    watch.lap("transform")
    keep(Y, labels, arguments)
    summary = {
        "model": str(arguments.model),
        "input": arguments.input,
        "points": len(Y),
        "seconds": {stage: round(seconds, 3) for stage, seconds in watch.seconds.items()},
        "total_seconds": round(watch.total(), 3),
        **written(arguments),
    }
    if arguments.json:
        print(json.dumps(summary))
        return 0
    print(f"{len(Y):,} points placed in {summary['total_seconds']:.1f} s")
    for path in (summary["output"], summary["plot"]):
        if path:
            print(f"written to {path}")
    return 0
