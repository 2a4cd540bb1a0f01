"""Exact search against pynndescent, compilation included: where `neighbors.find` changes over.

    python bench/neighbors.py [--points N ...] [--features D ...]

Every search runs in a process of its own, as a user's first would: pynndescent compiles each time.
"""

import argparse
import json
import subprocess
import sys

_SEARCH = """
import sys, time
from bhtsne import datasets, neighbors
n, d, method = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
X = datasets.clusters(n, d, random_state=0).X
neighbors.find(X[:1000], 90, method="exact")
start = time.perf_counter()
neighbors.find(X, 90, method=method, random_state=0)
print(time.perf_counter() - start)
"""


def seconds(n: int, d: int, method: str) -> float:
    """Return the seconds of one search in a new process."""
    command = [sys.executable, "-c", _SEARCH, str(n), str(d), method]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print a line of JSON for each size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, nargs="+", default=[70_000, 140_000, 210_000])
    parser.add_argument("--features", type=int, nargs="+", default=[50, 200])
    arguments = parser.parse_args()
    for d in arguments.features:
        for n in arguments.points:
            row = {method: seconds(n, d, method) for method in ("exact", "pynndescent")}
            print(json.dumps({"points": n, "features": d, "work": n**2 * (d + 40.0)} | row))


if __name__ == "__main__":
    main()
