"""Searches for neighbours side by side: this library's, pynndescent's, and brute force.

    python bench/neighbors.py [--points N ...] [--features D ...] [--methods NAME ...] [--json FILE]

Brute force is scikit-learn's, with and without scikit-learn-intelex. The data are MNIST's 50
principal components, or, where points are asked for, generated clusters, which show where the
approximate search overtakes the exact one. Every search runs in a process of its own, in turns, and
the median of three is reported. The kernels of this library are compiled before; pynndescent
compiles in each process, as for its user. Recall is against exact distances in float64, on 300
points.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import machine
import numpy as np
from main_job import prepared

from bhtsne import datasets

_SEARCH = """
import sys, time
import numpy as np
from bhtsne import neighbors
X, method, k, threads = np.load(sys.argv[1]), sys.argv[2], 90, int(sys.argv[3])
def own(X):
    return neighbors.find(X, k, method=method, random_state=0).indices
def brute(X):
    search = NearestNeighbors(n_neighbors=k, algorithm="brute", n_jobs=threads)
    return search.fit(X).kneighbors(return_distance=True)[1]
find = brute if method.startswith("sklearn") else own
if method == "sklearnex":
    from sklearnex import patch_sklearn
    patch_sklearn(verbose=False)
if find is brute:
    from sklearn.neighbors import NearestNeighbors
    assert NearestNeighbors.__module__.startswith(method), NearestNeighbors.__module__
if method != "pynndescent":
    find(X[:2000])
start = time.perf_counter()
found = find(X)
seconds = time.perf_counter() - start
rows = np.linspace(0, len(X) - 1, 300).astype(int)
Z = X.astype(np.float64)
recall = []
for i in rows:
    squared = ((Z - Z[i]) ** 2).sum(axis=1)
    squared[i] = np.inf
    recall.append(np.isin(np.argpartition(squared, k - 1)[:k], found[i]).mean())
print(seconds, np.mean(recall))
"""
_METHODS = ["exact", "forest", "pynndescent", "sklearnex", "sklearn"]


def search(points: Path, method: str, threads: int) -> tuple[float, float]:
    """Return seconds and recall of one search in a new process."""
    command = [sys.executable, "-c", _SEARCH, str(points), method, str(threads)]
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), str(threads))
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    seconds, recall = map(float, said.stdout.split())
    return seconds, recall


def compared(X: np.ndarray, methods: list[str], repeats: int, threads: int) -> list[dict]:
    """Return a row for each method."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "X.npy"
        np.save(path, X.astype(np.float32))
        runs = [[search(path, method, threads) for method in methods] for _ in range(repeats)]
    rows = []
    for method, seen in zip(methods, zip(*runs, strict=True), strict=True):
        seconds, recall = np.median(seen, axis=0)
        shape = {"points": X.shape[0], "features": X.shape[1], "threads": threads}
        rows.append(shape | {"method": method, "seconds": seconds, "recall": recall})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def main() -> None:
    """Compare the methods on every size and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, nargs="+", help="sizes of generated clusters")
    parser.add_argument("--features", type=int, nargs="+", default=[50])
    parser.add_argument("--methods", nargs="+", default=_METHODS, choices=_METHODS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", type=Path, default="bench/neighbors.json")
    arguments = parser.parse_args()
    sizes = [(n, d) for d in arguments.features for n in arguments.points or ()]
    data = (datasets.clusters(n, d, random_state=0).X for n, d in sizes)
    rows = []
    for X in data if sizes else [prepared(None)[0]]:
        rows += compared(X, arguments.methods, arguments.repeats, arguments.threads)
    machine.write(arguments.json, {"rows": rows}, arguments.threads)


if __name__ == "__main__":
    main()
