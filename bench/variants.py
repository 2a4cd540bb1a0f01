"""From SNE to t-SNE: every variant on digits and on MNIST, over all pairs of points.

    python bench/variants.py [--points N] [--json FILE] [--figure FILE]

Crowded are points whose nearest neighbour of another class is not three times as far as that of
their own. Divergences of "sne" are given by point, to be of the size of the others'; what p and q
are differs from variant to variant, so that they do not compare.
"""

import argparse
import json
from pathlib import Path

import machine
import matplotlib.pyplot as plt
import numpy as np

from bhtsne import SNE, affinities, datasets, initial, metrics, neighbors, plot


def variants(X: np.ndarray) -> dict[str, dict]:
    """Return the parameters of each variant, by the name under which it is shown."""
    return {
        "SNE, one σ": {"variant": "sne", "sigma": affinities.shared_sigma(X, 30)},
        "SNE": {"variant": "sne"},
        "symmetric SNE": {"variant": "symmetric"},
        "UNI-SNE": {"variant": "uni-sne"},
        "t-SNE": {"variant": "t-sne"},
    }


def crowded(Y: np.ndarray, labels: np.ndarray) -> float:
    """Return the part of points that another class is close to."""
    close = 0
    for label in np.unique(labels):
        inside = labels == label
        own = neighbors.find(Y[inside], 1, method="exact").distances
        other = neighbors.query(Y[~inside], Y[inside], 1).distances
        close += int((other < 3 * own).sum())
    return close / len(Y)


def main() -> None:
    """Fit every variant to both, write the figures, and draw the maps."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--json", type=Path, default="bench/variants.json")
    parser.add_argument("--figure", type=Path, default="bench/figures/variants.png")
    arguments = parser.parse_args()
    small, large = datasets.load("digits"), datasets.load("mnist")
    some = slice(-arguments.points, None)
    X = initial.principal_components(large.X[some].astype(np.float32) / 255, 50)
    sets = {"digits": (small.X, small.y), "MNIST": (X, large.y[some])}
    SNE(n_iter=2, early_exaggeration_iter=2).fit(small.X)  # which compiles
    rows = []
    figure, axes = plt.subplots(2, 5, figsize=(13, 5.6), layout="constrained")
    for line, (data, (X, y)) in zip(axes, sets.items(), strict=True):
        for ax, (name, options) in zip(line, variants(X).items(), strict=True):
            model = SNE(random_state=0, **options).fit(X)
            Y = model.embedding_
            by = len(X) if options["variant"] == "sne" else 1
            rows.append({
                "data": data,
                "points": len(X),
                "variant": name,
                "seconds": sum(model.timings_.values()),
                "divergence": model.kl_divergence_ / by,
                "last_change": 1 - model.history_[-1].kl / model.history_[-3].kl,
                "recall_at_10": metrics.neighbor_recall(X, Y, k=10),
                "neighbor_hit": metrics.neighbor_hit(Y, y),
                "crowded": crowded(Y, y),
            })  # fmt: skip
            print(json.dumps(rows[-1]))
            plot.scatter(Y, y, ax=ax, legend=None)
            ax.set_title(f"{name}, {data}", fontsize=9)
    machine.write(arguments.json, {"rows": rows})
    figure.savefig(arguments.figure, dpi=110)


if __name__ == "__main__":
    main()
