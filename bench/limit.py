"""How far each stage is from what the machine can do: bytes, operations, and the floor they set.

    python bench/limit.py [--points N] [--json FILE]

Measured first, on all threads: bytes read from memory a second, packed float32 operations a second
(multiply-add, from registers), packed float32 divisions, and float32 matrix product. Then, on
MNIST's final map: the bytes that a stage has to move from and to memory, the operations and the
divisions that it has to do, the slowest of the three as its floor, and its time. The floor of an
iteration is the sum of its stages', which run one after another.

What is counted. Neighbours: N² (D + 2) / 2 multiply-adds as a matrix product. Attraction: 8 bytes
an edge (a column and an affinity), 10 operations and a division. Repulsion: the terms that the walk
chooses, 12 operations for a pair of points, 36 for a point or node and a cell, and a division in
each. Tree: keys and places, 12 bytes a point, read and written in each of 4 passes. Step: 4
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
from bhtsne.forces import barnes_hut, edges, nodes, packed
from bhtsne.forces.objective import KLDivergence
from bhtsne.forces.walk import Target, sort_cells
from bhtsne.optimizer.step import Motion, advanced


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


def interactions(Y: np.ndarray, theta: float = 0.45) -> tuple[int, int, int]:
    """Return the pairs of points, of points and cells, and of nodes and cells that are summed."""
    t, axes, cells, _ = packed.pack(tree.build(Y), 1.0)
    lists, n_nodes = np.empty((4, len(cells.links)), np.int32), nodes.NODES ** len(t.points)
    box = np.empty((3, 2), np.float32)
    at = packed.axes(np.empty((len(t.points), n_nodes), np.float32))
    near = far = distant = 0
    for first, last in zip(t.start[t.groups], t.stop[t.groups], strict=True):
        nodes.place(axes, first, last, box, at, 0, n_nodes)
        target, n = Target(first, last, n_nodes, box), int(last - first)
        n_distant, n_far, n_near = sort_cells(target, cells, np.float32(theta**2), lists)
        leaves = cells.links[lists[3, :n_near]]
        near += n * int((leaves[:, 1] - leaves[:, 0]).sum())
        far += n * n_far
        distant += n_nodes * n_distant
    return near, far, distant


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
    objective = KLDivergence(P, "barnes_hut", 0.45, 1.0)
    gradient, state = objective.gradient(Y, 1.0), optimizer.State(Y.copy())
    start = Motion(state.Y, state.velocity, state.gains)
    in_order = Y[objective._order]
    sources = packed.pack(tree.build(Y), 1.0)
    near, far, distant = interactions(Y)
    terms = near + far + distant
    stages = {
        # name: bytes, operations, divisions, and what is timed
        "tree": (12 * n * 2 * 4, 0, 0, lambda: tree.build(Y)),
        "repulsion": (0, 12 * near + 36 * (far + distant), terms,
                      lambda: barnes_hut.repulsion(sources, 0.45)),
        "attraction": (8 * P.nnz, 10 * P.nnz, P.nnz,
                       lambda: edges.attract(objective._sorted_P, in_order, 1.0)),
        "step": (7 * Y.nbytes, 0, 0, lambda: advanced(start, gradient, n, 0.95)),
    }  # fmt: skip
    product = n**2 * (X.shape[1] + 2)  # each pair once, two operations a multiply-add
    seconds = median(lambda: neighbors.find(X, 90, method="exact"), 1)
    rows = [row("neighbours", (0, product, 0), product / rates["product"], seconds)]
    for name, (moved, operations, divisions, function) in stages.items():
        floor = max(
            moved / rates["read"], operations / rates["float32"], divisions / rates["division"]
        )
        rows.append(row(name, (moved, operations, divisions), floor, median(function, 25)))
    whole = [sum(stage[k] for stage in stages.values()) for k in range(3)]
    floor = sum(r["floor_milliseconds"] for r in rows[1:]) / 1e3
    # A real iteration: each starts from the motion that the one before left.
    motion = start

    def iterate() -> None:
        nonlocal motion
        motion = advanced(motion, objective.gradient(motion.Y, 1.0), n, 0.95)

    seconds = median(iterate, 75)
    rows.append(row("iteration", whole, floor, seconds))
    measured = {"points": n, "rates": rates, "stages": rows, "near_points": near / n}
    measured |= {"far_cells": far / n, "distant_cells_at_nodes": distant / n}
    machine.write(arguments.json, measured)


def row(name: str, counted, floor: float, seconds: float) -> dict:
    """Print and return the figures of a stage."""
    figures = {"stage": name}
    figures |= dict(zip(("megabytes", "mega_operations", "mega_divisions"), counted, strict=True))
    figures = {k: v if k == "stage" else v / 1e6 for k, v in figures.items()}
    figures |= {"floor_milliseconds": 1e3 * floor, "milliseconds": 1e3 * seconds}
    figures |= {"times_floor": seconds / floor}
    print(json.dumps({k: round(v, 2) if isinstance(v, float) else v for k, v in figures.items()}))
    return figures


if __name__ == "__main__":
    main()
