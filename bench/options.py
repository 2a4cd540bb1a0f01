"""What options cost: MNIST under each, beside the defaults, in turns; and what checks cost.

    python bench/options.py [--points N] [--rounds N] [--json FILE] [--figure FILE]

All start from the same 70,000 × 50 points. The time is that of the whole fit, the median over the
rounds. A check costs what measuring the force's error and the divergence take at the final map,
times the number of checks, by the time of the fit.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import machine
import matplotlib.pyplot as plt
import numpy as np

from bhtsne import TSNE, datasets, forces, initial, optimizer, plot, schedules
from bhtsne.forces import exact
from bhtsne.forces.objective import KLDivergence

OPTIONS: dict[str, dict] = {
    "defaults": {},
    "multiscale 10, 30": {"affinities": "multiscale", "perplexity": [10, 30]},
    "multiscale 10, 100": {"affinities": "multiscale", "perplexity": [10, 100]},
    "uniform 15": {"affinities": "uniform", "perplexity": 15},
    "dof 0.5": {"dof": 0.5},
    "dof 2": {"dof": 2.0},
    "spectral": {"init": "spectral"},
    "AdaptiveTheta(1e-3)": {"theta": forces.AdaptiveTheta(1e-3)},
    "Stopping(1e-4)": {"stopping": optimizer.Stopping(1e-4)},
}


def with_schedule(n: int) -> dict[str, dict]:
    """Return all options for n points."""
    phases = schedules.phases("fast", n, theta=TSNE().theta)
    anew = [phase._replace(repulsion_every=1) for phase in phases]
    return OPTIONS | {"a repulsion for each iteration": {"schedule": anew}}


def median(function, rounds: int = 9) -> float:
    """Return the median of the seconds that a function takes."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def cost_of_checks(model: TSNE) -> dict[str, float]:
    """Return the parts of a fit's time that its checks took."""
    Y, n = model.embedding_, len(model.embedding_)
    sample = np.unique(np.linspace(0, n - 1, 200).astype(np.int64))
    objective = KLDivergence(model.affinities_, "barnes_hut", 0.45, 1.0)
    objective.gradient(Y, 1.0)
    checks, whole = len(model.history_), sum(model.timings_.values())
    return {
        "force_error": checks * median(lambda: exact.repulsion(Y, 1.0, sample)) / whole,
        "check": checks * median(lambda: objective.check(Y)) / whole,
    }


def main() -> None:
    """Fit under each option in turns, write the figures, and draw the maps."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=70_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default="bench/options.json")
    parser.add_argument("--figure", type=Path, default="bench/figures/options.png")
    arguments = parser.parse_args()
    X, y, _ = datasets.load("mnist")
    X, y = X[: arguments.points], y[: arguments.points]
    X = initial.principal_components(X.astype(np.float32) / 255, 50)
    for options in OPTIONS.values():  # which compiles
        TSNE(random_state=0, early_exaggeration_iter=5, n_iter=5, **options).fit(X[:2000])
    compared = with_schedule(len(X))
    seconds: dict[str, list] = {name: [] for name in compared}
    models = {}
    for _ in range(arguments.rounds):
        for name, options in compared.items():
            models[name] = TSNE(random_state=0, **options).fit(X)
            seconds[name].append(sum(models[name].timings_.values()))
    base = statistics.median(seconds["defaults"])
    rows = [
        {
            "option": name,
            "seconds": statistics.median(seconds[name]),
            "by_defaults": statistics.median(seconds[name]) / base,
            "iterations": model.n_iter_,
            "kl": model.kl_divergence_,
            "force_error": model.history_[-1].force_error,
            "theta": model.theta_,
        }
        for name, model in models.items()
    ]
    result = {"points": len(X), "rows": rows, "checks": cost_of_checks(models["defaults"])}
    machine.write(arguments.json, result)
    print(json.dumps(result, indent=1))
    figure, axes = plt.subplots(2, 5, figsize=(13, 5.6), layout="constrained")
    for ax, (name, model) in zip(axes.flat, models.items(), strict=True):
        plot.scatter(model.embedding_, y, ax=ax, legend=None)
        ax.set_title(name, fontsize=9)
        ax.set_axis_off()
    figure.savefig(arguments.figure, dpi=110)


if __name__ == "__main__":
    main()
