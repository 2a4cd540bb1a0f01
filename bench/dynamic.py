"""A sequence of maps: what coherence costs, from a blur to digits, by the penalty of movement.

    python bench/dynamic.py [--points N] [--snapshots N] [--json FILE] [--figure FILE]

Snapshot t are the same MNIST digits under a Gaussian blur that falls from 4 pixels to none, each
reduced to 50 principal components. The time is that of the whole fit.
"""

import argparse
import json
from pathlib import Path

import machine
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter

from bhtsne import DynamicTSNE, datasets, initial, jit, metrics, plot

PENALTIES = [0.0, 0.001, 0.01, 0.1, 1.0, 10.0]
SHOWN = (0.0, 0.01)
_WIDEST = 4.0  # pixels


def blurred(images: np.ndarray, snapshots: int) -> list[np.ndarray]:
    """Return the images under less and less blur, as points of 50 features."""
    tables = [
        gaussian_filter(images, (0, width, width)).reshape(len(images), -1)
        for width in np.linspace(_WIDEST, 0, snapshots)
    ]
    return [initial.principal_components(X, 50) for X in tables]


def measured(model: DynamicTSNE, penalty: float, labels: np.ndarray) -> dict:
    """Return what a sequence of maps is worth."""
    hits = [metrics.neighbor_hit(Y, labels) for Y in model.embeddings_]
    return {
        "penalty": penalty,
        "seconds": sum(model.timings_.values()),
        "kl": float(model.kl_divergences_.mean()),
        "kl_first": float(model.kl_divergences_[0]),
        "kl_last": float(model.kl_divergences_[-1]),
        "movement": float(model.movement_.mean()),
        "neighbor_hit_first": hits[0],
        "neighbor_hit_last": hits[-1],
    }


def draw(rows: list[dict], models: dict, labels: np.ndarray, path: Path) -> None:
    """Draw some of the maps by penalty, and divergence against movement."""
    figure = plt.figure(figsize=(13, 4.6), layout="constrained")
    sheets, beside = figure.subfigures(1, 2, width_ratios=[3, 1.3])
    axes = sheets.subplots(len(SHOWN), 5)
    for line, penalty in zip(axes, SHOWN, strict=True):
        maps = models[penalty].embeddings_
        width = 1.02 * max(abs(Y).max() for Y in maps)
        for ax, t in zip(line, np.linspace(0, len(maps) - 1, 5).astype(int), strict=True):
            plot.scatter(maps[t], labels, ax=ax, size=0.6, alpha=0.7, legend=None)
            ax.set(xlim=(-width, width), ylim=(-width, width))
            ax.set_title(f"λ = {penalty:g}, snapshot {t + 1}", fontsize=9)
    ax = beside.subplots()
    ax.plot([r["movement"] for r in rows], [r["kl"] for r in rows], "o-", color=plot.PALETTE[0])
    for r in rows:
        ax.annotate(
            f"λ = {r['penalty']:g}", (r["movement"], r["kl"]), (6, 4), textcoords="offset points"
        )
    ax.set(xlabel="movement, part of the extent", ylabel="mean KL divergence, nats")
    ax.set_xscale("log")
    ax.margins(x=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Fit under each penalty, write the figures, and draw the maps."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--snapshots", type=int, default=10)
    parser.add_argument("--json", type=Path, default="bench/dynamic.json")
    parser.add_argument("--figure", type=Path, default="bench/figures/dynamic.png")
    arguments = parser.parse_args()
    X, labels, _ = datasets.load("mnist")
    images = X[-arguments.points :].reshape(-1, 28, 28).astype(np.float32) / 255
    labels = labels[-arguments.points :]
    parts = blurred(images, arguments.snapshots)
    DynamicTSNE(n_iter=5, early_exaggeration_iter=5, random_state=0).fit([parts[0][:500]] * 2)
    models = {p: DynamicTSNE(movement_penalty=p, random_state=0).fit(parts) for p in PENALTIES}
    rows = [measured(model, penalty, labels) for penalty, model in models.items()]
    result = {
        "points": arguments.points,
        "snapshots": arguments.snapshots,
        "threads": jit.n_threads(),
        "rows": rows,
    }
    machine.write(arguments.json, result)
    print(json.dumps(result, indent=1))
    draw(rows, models, labels, arguments.figure)


if __name__ == "__main__":
    main()
