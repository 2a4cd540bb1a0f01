"""Error of the repulsion and of Z against time, θ from 0.2 to 1.5, beside openTSNE's two methods.

    python bench/accuracy.py [--points N] [--json FILE] [--figure FILE]

Layouts: MNIST's map after 50 iterations, which is exaggerated, and at the end; and bad ones: points
spread evenly, on a line, on few spots. The truth is the float64 sum over all pairs, Z over all
points and the forces over a sample of 2,000. Compared is F_rep / Z, which enters the gradient, so
peers are compared at equal error and not at equal θ. Times are medians, the tree's included.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import machine
import matplotlib.pyplot as plt
import numpy as np
from main_job import prepared

from bhtsne import TSNE, forces
from bhtsne.forces import exact

_THETAS = (0.2, 0.3, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5)
_THEIRS = (0.3, 0.5, 0.7, 1.0, 1.5)
_SAMPLE = 2000


def layouts(points: int | None) -> Iterator[tuple[str, np.ndarray]]:
    """Yield names and maps of one size."""
    X, _ = prepared(points)
    seen: dict[int, np.ndarray] = {}

    def see(record, Y) -> None:
        seen[record.iteration] = Y

    final = TSNE(random_state=0, callbacks=[see]).fit_transform(X)
    yield "final map", final
    yield "early map", seen[50]
    rng, n = np.random.default_rng(0), len(X)
    yield "even", rng.uniform(-100, 100, (n, 2)).astype(np.float32)
    yield "line", (rng.uniform(-100, 100, (n, 1)) * np.ones(2)).astype(np.float32)
    yield "1000 spots", (100 * rng.normal(size=(1000, 2)))[rng.integers(1000, size=n)].astype("f4")


def ours(Y: np.ndarray, theta: float) -> tuple[np.ndarray, float]:
    """Return F / Z and Z by this library."""
    force, z = forces.repulsion(Y, theta=theta)
    return force / z, z


def opentsne(Y: np.ndarray, theta: float | None) -> tuple[np.ndarray, float]:
    """Return F / Z and Z by openTSNE: Barnes-Hut at θ, or interpolation for None."""
    from openTSNE import _tsne
    from openTSNE.quad_tree import QuadTree

    Y = np.ascontiguousarray(Y, np.float64)
    gradient = np.zeros_like(Y)
    if theta is None:
        z = _tsne.estimate_negative_gradient_fft_2d(Y, gradient)
    else:
        threads = len(os.sched_getaffinity(0))
        z = _tsne.estimate_negative_gradient_bh(
            QuadTree(Y), Y, gradient, theta=theta, num_threads=threads
        )
    return -gradient, z


def methods() -> Iterator[tuple[str, float | None, Callable]]:
    """Yield name, θ and function of all that is compared and installed."""
    for theta in _THETAS:
        yield "bhtsne", theta, lambda Y, theta=theta: ours(Y, theta)
    try:
        import openTSNE  # noqa: F401  # asked only whether it is installed
    except ImportError:
        return
    for theta in _THEIRS:
        yield "openTSNE Barnes-Hut", theta, lambda Y, theta=theta: opentsne(Y, theta)
    yield "openTSNE FFT", None, lambda Y: opentsne(Y, None)


def compared(function: Callable, Y, sample, truth, z: float, repeats: int) -> dict:
    """Return time and errors of one method on one layout."""
    function(Y)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        found, found_z = function(Y)
        seconds.append(time.perf_counter() - start)
    found = found[sample]
    if (found * truth).sum() < 0:  # a library's sign is its own
        found = -found
    error, size = np.linalg.norm(found - truth, axis=1), np.linalg.norm(truth, axis=1)
    relative = error / np.maximum(size, 1e-3 * np.sqrt((size**2).mean()))
    return {
        "milliseconds": 1e3 * float(np.median(seconds)),
        "rms": float(np.sqrt((error**2).sum() / (size**2).sum())),
        "median": float(np.median(relative)),
        "p99": float(np.quantile(relative, 0.99)),
        "max": float(relative.max()),
        "z": found_z / z - 1,
    }


def draw(rows: list[dict], path: Path) -> None:
    """Draw error against time, one panel a layout."""
    names = list(dict.fromkeys(row["layout"] for row in rows))
    _, axes = plt.subplots(1, len(names), figsize=(3 * len(names), 3.4), sharey=True, sharex=True,
                           layout="constrained", squeeze=False)  # fmt: skip
    for name, ax in zip(names, axes[0], strict=True):
        for method in dict.fromkeys(row["method"] for row in rows):
            some = [r for r in rows if (r["layout"], r["method"]) == (name, method)]
            x, y = [r["milliseconds"] for r in some], [r["rms"] for r in some]
            ax.plot(x, y, marker="o", markersize=3, label=method)
        ax.set(xscale="log", yscale="log", title=name, xlabel="milliseconds")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("relative RMS error of F / Z")
    axes[0, 0].legend(frameon=False, fontsize=7)
    plt.savefig(path, dpi=150)


def main() -> None:
    """Compare all methods on all layouts and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, help="only the first N points of MNIST")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path, default="bench/accuracy.json")
    parser.add_argument("--figure", type=Path, default="bench/figures/accuracy.png")
    arguments = parser.parse_args()
    rows = []
    for layout, Y in layouts(arguments.points):
        sample = np.unique(np.linspace(0, len(Y) - 1, _SAMPLE).astype(np.int64))
        force, _ = exact.repulsion(Y.astype(np.float64), 1.0, sample)
        z = forces.repulsion(Y.astype(np.float64), method="exact").z
        for method, theta, function in methods():
            row = compared(function, Y, sample, force / z, z, arguments.repeats)
            rows.append({"layout": layout, "method": method, "theta": theta} | row)
            print(json.dumps(rows[-1]), flush=True)
    machine.write(arguments.json, {"points": len(Y), "rows": rows})
    draw(rows, arguments.figure)


if __name__ == "__main__":
    main()
