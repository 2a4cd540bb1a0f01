"""The searches of `neighbors.find` side by side, compilation included: where it changes over.

    python bench/neighbors.py [--points N ...] [--features D ...]

Every search runs in a process of its own, as a user's first would: pynndescent compiles each time.
Recall is against the exact search.
"""

import argparse
import json
import subprocess
import sys

_SEARCH = """
import sys, time
import numpy as np
from bhtsne import datasets, neighbors
n, d, method = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
X = datasets.clusters(n, d, random_state=0).X
for some in ("exact", "forest"):
    neighbors.find(X[:2000], 90, method=some)
start = time.perf_counter()
found = neighbors.find(X, 90, method=method, random_state=0).indices
seconds = time.perf_counter() - start
rows = np.linspace(0, n - 1, 300).astype(int)
squared = (X**2).sum(1) - 2 * X[rows] @ X.T
squared[np.arange(300), rows] = np.inf
true = np.argpartition(squared, 89, axis=1)[:, :90]
recall = np.mean([np.isin(a, b).mean() for a, b in zip(true, found[rows])])
print(seconds, recall)
"""


def search(n: int, d: int, method: str) -> dict[str, float]:
    """Return seconds and recall of one search in a new process."""
    command = [sys.executable, "-c", _SEARCH, str(n), str(d), method]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(zip(("seconds", "recall"), map(float, said.split()), strict=True))


def main() -> None:
    """Print a line of JSON for each size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, nargs="+", default=[70_000, 140_000, 210_000])
    parser.add_argument("--features", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--methods", nargs="+", default=["exact", "forest", "pynndescent"])
    arguments = parser.parse_args()
    for d in arguments.features:
        for n in arguments.points:
            row = {method: search(n, d, method) for method in arguments.methods}
            print(json.dumps({"points": n, "features": d, "work": n**2 * (d + 40.0)} | row))


if __name__ == "__main__":
    main()
