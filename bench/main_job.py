"""The main job on MNIST: array to map at the defaults; seconds, divergence, memory, force error.

    python bench/main_job.py [--points N] [--json FILE] [--map FILE.npy] [--plot FILE.png]

Compilation is kept out of the figures by a first run on 2,000 points. The exact KL divergence is on
the affinities of exact neighbours; Z and the forces are compared with float64 sums over all pairs.
"""

import argparse
import json
import platform
import time

import numpy as np

from bhtsne import TSNE, datasets, forces, initial, jit, metrics, plot
from bhtsne.memory import peak as peak_memory


def prepared(points: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return MNIST's pixels / 255, reduced to 50 principal components, and the labels."""
    data = datasets.mnist()
    X = initial.principal_components(data.X / np.float32(255), 50)
    return np.ascontiguousarray(X[:points]), data.y[:points]


def repulsion(Y: np.ndarray, repeats: int = 15) -> dict:
    """Return the median time of one evaluation, tree included, and its errors."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        fast = forces.repulsion(Y)
        seconds.append(time.perf_counter() - start)
    oracle = forces.repulsion(Y, method="exact")
    error = np.linalg.norm(fast.force / fast.z - oracle.force / oracle.z, axis=1)
    size = np.linalg.norm(oracle.force / oracle.z, axis=1)
    return {
        "milliseconds_median": 1e3 * float(np.median(seconds)),
        "milliseconds_min": 1e3 * min(seconds),
        "relative_rms_error": float(np.sqrt((error**2).sum() / (size**2).sum())),
        "relative_median_error": float(np.median(error / size)),
        "relative_z_error": fast.z / oracle.z - 1,
    }


def main() -> None:
    """Run the job and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, help="only the first N points")
    parser.add_argument("--threads", type=int, help="threads (all)")
    parser.add_argument("--json", help="write the figures to this file, too")
    parser.add_argument("--map", help="write the map to this .npy file")
    parser.add_argument("--plot", help="draw the map into this file")
    arguments = parser.parse_args()
    X, y = prepared(arguments.points)
    TSNE(random_state=0, n_iter=20, early_exaggeration_iter=20).fit(X[:2000])
    forces.repulsion(X[:2000, :2].astype(np.float64), method="exact")
    start = time.perf_counter()
    model = TSNE(random_state=0, n_jobs=arguments.threads).fit(X)
    seconds = time.perf_counter() - start
    peak = peak_memory()
    with jit.threads(arguments.threads) as threads:
        Y = model.embedding_
        figures = {
            "points": len(X),
            "threads": threads,
            "processor": platform.processor() or platform.machine(),
            "array_to_map_seconds": seconds,
            "stage_seconds": model.timings_,
            "peak_memory_mib": peak and peak / 2**20,
            "kl_divergence_exact": forces.kl_divergence(model.affinities_, Y),
            "kl_divergence_reported": model.kl_divergence_,
            "neighbor_recall_at_10": metrics.neighbor_recall(model.neighbors_, Y, 10),
            "repulsion": repulsion(Y),
            "history": [record._asdict() for record in model.history_],
        }
    text = json.dumps(figures, indent=1)
    print(text)
    if arguments.json:
        with open(arguments.json, "w") as file:
            file.write(text + "\n")
    if arguments.map:
        np.save(arguments.map, Y)
    if arguments.plot:
        plot.save(arguments.plot, Y, y)


if __name__ == "__main__":
    main()
