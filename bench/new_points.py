"""New points on a fitted map: how long they take, and how well they lie.

    python bench/new_points.py [--points N] [--new M] [--threads N] [--json FILE] [--figure FILE]

MNIST, 70,000 × 50: M digits are placed on the map of the others, which stays. They are judged by
the part of them whose five nearest fitted digits on the map vote for their class, beside the same
digits fitted together with the others; and points that were fitted are placed anew, which should
lie where the fit has them. openTSNE's `transform` does the same, from its own map.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine
import matplotlib.pyplot as plt
import numpy as np

from bhtsne import TSNE, datasets, initial, neighbors, plot

_ELSEWHERE = """import sys; import numpy as np; from bhtsne import TSNE
np.save(sys.argv[3], TSNE.load(sys.argv[1]).transform(np.load(sys.argv[2])))"""


def accuracy(fitted, labels, placed, truth) -> float:
    """Return the part of the placed points whose 5 nearest fitted ones vote for their class."""
    near = neighbors.query(fitted, placed, 5).indices
    votes = np.apply_along_axis(np.bincount, 1, labels[near], minlength=10)
    return float((votes.argmax(axis=1) == truth).mean())


def in_new_process(model: TSNE, new: np.ndarray) -> tuple[np.ndarray, float]:
    """Return where a process that loads the map places new points, and its seconds in all."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, name)) for name in ("map.npz", "new.npy", "placed.npy")]
        model.save(paths[0])
        np.save(paths[1], new)
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", _ELSEWHERE, *paths], check=True)
        seconds = time.perf_counter() - start
        return np.load(paths[2]), seconds


def ours(X, y, old, new, threads) -> dict:
    """Return what this library does, and the two maps."""
    model = TSNE(random_state=0, n_jobs=threads).fit(X[old])
    model.transform(X[new][:200])  # which compiles
    start = time.perf_counter()
    neighbors.query(X[old], X[new], 90)
    searched = time.perf_counter()
    placed = model.transform(X[new])
    done = time.perf_counter()
    extent = float(np.ptp(model.embedding_, axis=0).max())
    again = model.transform(X[old][:10_000])
    moved = np.linalg.norm(again - model.embedding_[:10_000], axis=1)
    together = TSNE(random_state=0, n_jobs=threads).fit(X).embedding_
    elsewhere, seconds = in_new_process(model, X[new])
    return {
        "neighbors_seconds": searched - start,
        "seconds_after_neighbors": done - searched - (searched - start),
        "accuracy": accuracy(model.embedding_, y[old], placed, y[new]),
        "accuracy_fitted_together": accuracy(together[old], y[old], together[new], y[new]),
        "again_by_extent": float(np.median(moved)) / extent,
        "new_process_seconds": seconds,
        "new_process_largest_difference": float(np.abs(elsewhere - placed).max()),
        "maps": (model.embedding_, placed),
    }


def theirs(X, y, old, new, threads) -> dict:
    """Return what openTSNE does at its defaults."""
    import openTSNE

    fitted = openTSNE.TSNE(n_jobs=threads, random_state=0).fit(X[old])
    start = time.perf_counter()
    placed = np.array(fitted.transform(X[new]), np.float32)
    seconds = time.perf_counter() - start
    fitted = np.array(fitted, np.float32)
    return {"seconds": seconds, "accuracy": accuracy(fitted, y[old], placed, y[new])}


def main() -> None:
    """Place, judge, write and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=60_000, help="fitted points")
    parser.add_argument("--new", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path, default="bench/new_points.json")
    parser.add_argument("--figure", type=Path, default="bench/figures/new_points.png")
    arguments = parser.parse_args()
    X, y, _ = datasets.load("mnist")
    X = initial.principal_components(X.astype(np.float32) / 255, 50)
    chosen = np.random.default_rng(0).permutation(len(X))[: arguments.points + arguments.new]
    X, y = X[chosen], y[chosen]
    old, new = np.split(np.arange(len(X)), [arguments.points])
    result = {"points": len(old), "new": len(new), "threads": arguments.threads}
    result["bhtsne"] = ours(X, y, old, new, arguments.threads)
    maps = result["bhtsne"].pop("maps")
    if arguments.peer:
        result["openTSNE"] = theirs(X, y, old, new, arguments.threads)
    machine.write(arguments.json, result, arguments.threads)
    print(json.dumps(result, indent=1))
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.6), layout="constrained")
    titles = (f"{len(old):,} fitted", f"{len(new):,} new ones, placed on their map")
    for ax, Y, labels, title in zip(axes, maps, (y[old], y[new]), titles, strict=True):
        plot.scatter(Y, labels, ax=ax, legend=None)
        ax.set(title=title, xlim=axes[0].get_xlim(), ylim=axes[0].get_ylim())
        ax.set_axis_off()
    figure.savefig(arguments.figure, dpi=110)


if __name__ == "__main__":
    main()
