"""The sum of conditional affinities and their transpose: by this library's threads and by SciPy.

    python bench/addition.py [--points N ...] [--perplexity P] [--rounds N] [--json FILE]

MNIST, and beyond 70,000 its deformed digits, by default at the perplexity of 30. All ways run in
turns, and the median of the rounds counts; the sums are compared bit by bit.
"""

import argparse
import json
import os
import time
from pathlib import Path

import machine
import numpy as np
from deformed import deformed
from scipy import sparse

from bhtsne import affinities, jit, neighbors
from bhtsne.affinities.addition import plus_transpose


def by_scipy(C: sparse.csr_array) -> sparse.csr_array:
    """Return C + Cᵀ with sorted columns."""
    transposed = C.T.tocsr()
    return transposed.T.tocsr() + transposed  # transposing back sorts the columns


def seconds(function, *arguments) -> float:
    """Return the seconds of a call."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def measured(X: np.ndarray, perplexity: float, rounds: int, threads: int) -> dict:
    """Return the median seconds of each way."""
    near = neighbors.find(X, round(3 * perplexity))
    C = affinities.conditional(near, len(X), perplexity)
    ways = {
        "scipy": (by_scipy, 1), "one_thread": (plus_transpose, 1),
        "all_threads": (plus_transpose, threads),
    }  # fmt: skip
    times = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (function, count) in ways.items():
            with jit.threads(count):
                times[name].append(seconds(function, C))
    return {
        "points": len(X),
        "perplexity": perplexity,
        "same_bits": (plus_transpose(C) != by_scipy(C)).nnz == 0,
        **{name: float(np.median(some)) for name, some in times.items()},
    }


def main() -> None:
    """Measure all sizes and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, nargs="+", default=[20_000, 70_000, 1_000_000])
    parser.add_argument("--perplexity", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default="bench/addition.json")
    arguments = parser.parse_args()
    threads, rows = len(os.sched_getaffinity(0)), []
    measured(deformed(3000)[0], arguments.perplexity, 1, threads)  # which compiles
    for points in arguments.points:
        X = deformed(points)[0]
        rows.append(measured(X, arguments.perplexity, arguments.rounds, threads))
        print(json.dumps(rows[-1]), flush=True)
    machine.write(arguments.json, {"threads": threads, "rows": rows})


if __name__ == "__main__":
    main()
