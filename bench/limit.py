"""How far each stage is from what the machine can do: bytes, operations, and the floor they set.

    python bench/limit.py [--points N] [--json FILE]

Measured first, on all threads: bytes read from memory a second, packed float32 operations a second
(multiply-add, from registers), packed float32 divisions, and float32 matrix product. Then, on
MNIST's final map: the bytes that a stage has to move from and to memory, the operations and the
divisions that it has to do, the slowest of the three as its floor, and its time. The floor of an
iteration is the sum of its stages', which run one after another.

What is counted. Neighbours: N² (D + 1) multiply-adds as a matrix product. Attraction: 8 bytes an
edge (a column and an affinity), 10 operations and a division. Repulsion: what the walk at hand
chooses: 12 operations for a point that feels a point, 36 for one that feels a cell, and a division
in each. Tree: keys and places, 12 bytes a point, read and written in each of 4 passes. Step: 4
arrays of the size of the map read, 3 written.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import machine
import numba
import numpy as np
from main_job import prepared
from numba import prange

from bhtsne import TSNE, jit, neighbors, optimizer, tree
from bhtsne.forces import barnes_hut, edges, walk
from bhtsne.forces.objective import KLDivergence
from bhtsne.optimizer.step import advanced


@numba.njit(parallel=True, fastmath=True)
def _read(x):
    total = np.float32(0)
    for i in prange(len(x)):
        total += x[i]
    return total


@numba.njit(parallel=True, fastmath=True, error_model="numpy")
def _multiply_add(x, rounds, tasks):
    out = np.zeros(tasks, np.float32)
    for task in prange(tasks):
        a = x[:256].copy()
        for r in range(rounds):
            c = np.float32(1) / np.float32(r + 1)
            for i in range(256):
                # Eight in a row for a load and a store, so that arithmetic is what takes the time.
                v = a[i]
                for _ in range(8):
                    v = v * c + np.float32(0.5)
                a[i] = v
        out[task] = a.sum()
    return out


@numba.njit(parallel=True, error_model="numpy")
def _divide(x, rounds, tasks):
    out = np.zeros(tasks, np.float32)
    for task in prange(tasks):
        a = x[:256].copy()
        for _ in range(rounds):
            for i in range(256):
                a[i] = np.float32(3) / a[i]
        out[task] = a.sum()
    return out


@numba.njit
def _chosen(start, stop, boxes, count, seen, links, theta2, ids):
    """Return how many points feel how many points, cells, and at nodes cells."""
    near = far = flat = 0
    for g in range(len(start)):
        n = stop[g] - start[g]
        n_flat, n_far, n_leaves = walk._choose(n > count, boxes[g], seen, links, theta2, ids)
        for leaf in ids[3, :n_leaves]:
            near += n * (links[leaf, 1] - links[leaf, 0])
        far += n * n_far
        flat += count * n_flat
    return near, far, flat


def median(function: Callable, repeats: int = 9) -> float:
    """Return the median seconds of a call, after one that does not count."""
    function()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def peak_rates() -> dict[str, float]:
    """Return bytes, operations, divisions and operations of a matrix product, a second."""
    x = np.ones(2**27, np.float32)
    A = np.ones((4096, 4096), np.float32)
    rounds, tasks = 200_000, jit.n_threads()
    return {
        "read": x.nbytes / median(lambda: _read(x)),
        "float32": tasks * rounds * 256 * 16 / median(lambda: _multiply_add(x, rounds, tasks), 3),
        "division": tasks * rounds * 256 / median(lambda: _divide(x, rounds, tasks), 3),
        "product": 2 * 4096**3 / median(lambda: A @ A, 3),
    }


def interactions(Y: np.ndarray, theta: float = 0.5) -> tuple[int, int, int]:
    """Return what the walk over a map chooses (see `_chosen`)."""
    t = tree.build(Y)
    start, stop = t.start[t.groups], t.stop[t.groups]
    seen, links, boxes, nodes = barnes_hut.prepare(t)
    ids = np.empty((4, len(links)), np.int32)
    return _chosen(start, stop, boxes, nodes.shape[2], seen, links, np.float32(theta**2), ids)


def main() -> None:
    """Print the machine's rates, then a line for each stage."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, help="only the first N points of MNIST")
    parser.add_argument("--json", type=Path, default="bench/limit.json")
    arguments = parser.parse_args()
    rates = peak_rates()
    print(json.dumps({name: f"{rate / 1e9:.1f} G/s" for name, rate in rates.items()}))
    X, _ = prepared(arguments.points)
    model = TSNE(random_state=0).fit(X)
    Y, P, n = model.embedding_, model.affinities_, len(X)
    objective = KLDivergence(P, "barnes_hut", 0.5, 1.0)
    gradient, state = objective.gradient(Y, 1.0), optimizer.State(Y.copy())
    start = state.Y, state.velocity, state.gains
    in_order = Y[objective._order]
    sorted_points = tree.build(Y)
    near, far, flat = interactions(Y)
    felt = near + far + flat
    stages = {
        # name: bytes, operations, divisions, and what is timed
        "tree": (12 * n * 2 * 4, 0, 0, lambda: tree.build(Y)),
        "repulsion": (0, 12 * near + 36 * (far + flat), felt,
                      lambda: barnes_hut.repulsion(sorted_points, 0.5)),
        "attraction": (8 * P.nnz, 10 * P.nnz, P.nnz,
                       lambda: edges.attract(objective._sorted_P, in_order, 1.0)),
        "step": (7 * Y.nbytes, 0, 0, lambda: advanced(*start, gradient, n, 0.95)),
    }  # fmt: skip
    product = 2 * n**2 * (X.shape[1] + 1)
    seconds = median(lambda: neighbors.find(X, 90, method="exact"), 1)
    rows = [row("neighbours", (0, product, 0), product / rates["product"], seconds)]
    for name, (moved, operations, divisions, function) in stages.items():
        floor = max(
            moved / rates["read"], operations / rates["float32"], divisions / rates["division"]
        )
        rows.append(row(name, (moved, operations, divisions), floor, median(function, 25)))
    whole = [sum(stage[k] for stage in stages.values()) for k in range(3)]
    floor = sum(r["floor_milliseconds"] for r in rows[1:]) / 1e3
    # A real one: the map goes on, from the state that the one before left.
    moving = list(start)

    def iterate() -> None:
        moving[:] = advanced(*moving, objective.gradient(moving[0], 1.0), n, 0.95)

    seconds = median(iterate, 75)
    rows.append(row("iteration", whole, floor, seconds))
    result = {
        "points": n, "rates": rates, "stages": rows, "interactions_per_point": {
            "points": near / n, "cells": far / n, "cells_at_nodes": flat / n,
        },
    }  # fmt: skip
    machine.write(arguments.json, result)


def row(name: str, counted, floor: float, seconds: float) -> dict:
    """Print and return what is told of a stage."""
    told = {"stage": name}
    told |= dict(zip(("megabytes", "mega_operations", "mega_divisions"), counted, strict=True))
    told = {k: v if k == "stage" else v / 1e6 for k, v in told.items()}
    told |= {"floor_milliseconds": 1e3 * floor, "milliseconds": 1e3 * seconds}
    told |= {"times_floor": seconds / floor}
    print(json.dumps({k: round(v, 2) if isinstance(v, float) else v for k, v in told.items()}))
    return told


if __name__ == "__main__":
    main()
