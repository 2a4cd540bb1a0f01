"""Pieces of MNIST's classes by "fast" and "opentsne": fresh subsets, and a spectral start.

    python bench/pieces.py [--sizes N ...] [--subsets N] [--methods NAME ...] [--json FILE]

A class is torn where a piece of at least a twentieth of it lies apart, see `judge.py`: ten classes
in one piece each make 10. Both schedules start from the same neighbours.
"""

import argparse
import json
import sys
from pathlib import Path

import machine
import numpy as np
from deformed import deformed
from judge import Judge

from bhtsne import TSNE

_METHODS = ("fast", "opentsne")
_ALL = 70_000


def compared(points: int, seed: int, init: str, methods: list[str]) -> list[dict]:
    """Return the measures of one map by each schedule."""
    X, labels = deformed(points, seed)
    judge = Judge(X, labels)
    rows = []
    for method in methods:
        model = TSNE(schedule=method, init=init, neighbors=judge.near, random_state=0)
        row = {"points": points, "seed": seed, "init": init, "method": method}
        rows.append(row | judge.measures(np.asarray(model.fit_transform(X))))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def main() -> None:
    """Compare all subsets, print a table, and write the measures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[45_000, 55_000, 60_000])
    parser.add_argument("--subsets", type=int, default=10)
    parser.add_argument("--json", type=Path, default="bench/pieces.json")
    parser.add_argument(
        "--methods", nargs="+", default=list(_METHODS), choices=_METHODS,
        help="those that are run anew; the rows of others stay as the file has them",
    )  # fmt: skip
    arguments = parser.parse_args()
    cases = [(n, seed, "pca") for n in arguments.sizes for seed in range(arguments.subsets)]
    cases.append((_ALL, 0, "spectral"))
    rows = [row for case in cases for row in compared(*case, arguments.methods)]
    if len(arguments.methods) < len(_METHODS):
        before = json.loads(arguments.json.read_text())["rows"]
        rows += [row for row in before if row["method"] not in arguments.methods]
    machine.write(arguments.json, {"rows": rows})
    print("points    start      schedule   pieces of each map")
    for n, init in [*((n, "pca") for n in arguments.sizes), (_ALL, "spectral")]:
        for method in _METHODS:
            of = [r for r in rows if (r["points"], r["init"], r["method"]) == (n, init, method)]
            counts = " ".join(str(row["class_pieces"]) for row in of)
            print(f"{n:<9,} {init:10} {method:10} {counts}")


if __name__ == "__main__":
    main()
