"""Schedules side by side on data of many kinds: "fast", "opentsne", and openTSNE itself.

    python bench/schedules.py [--kinds NAME ...] [--seeds N] [--json FILE] [--figure FILE]
                              [--sheets FOLDER] [--methods NAME ...]

Each seed draws the data anew (`kinds.py`). All maps of one data set are judged on one P, at
perplexity 30 (`judge.py`); both schedules of this library start from that P as well, openTSNE from
X, at its defaults. Beyond 50,000 points openTSNE runs on the first seed alone, since it takes
minutes. The figure shows the maps of the first seed if all kinds are run, the sheets those of every
seed.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import kinds
import machine
import matplotlib.pyplot as plt
import numpy as np
from judge import Judge
from scipy import sparse

from bhtsne import TSNE, plot

_METHODS = ("fast", "opentsne", "openTSNE")
_LARGE = 50_000


def embed(method: str, X, judge: Judge, threads: int, seed: int) -> np.ndarray:
    """Return a map by a schedule of this library, or by openTSNE."""
    if method != "openTSNE":
        model = TSNE(schedule=method, neighbors=judge.near, random_state=seed, n_jobs=threads)
        return model.fit_transform(X)
    import openTSNE

    dense = X.toarray() if sparse.issparse(X) else X
    return np.array(openTSNE.TSNE(n_jobs=threads, random_state=seed).fit(dense), np.float32)


def show(maps: dict[tuple[str, str], tuple], path: Path) -> None:
    """Draw maps, rows × columns by the two parts of their names."""
    rows, columns = (list(dict.fromkeys(name[k] for name in maps)) for k in (0, 1))
    size = (2.6 * len(columns), 2.7 * len(rows))
    figure, axes = plt.subplots(
        len(rows), len(columns), figsize=size, squeeze=False, layout="constrained"
    )
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            axes[i, j].set_axis_off()
            if (row, column) in maps:
                Y, labels = maps[row, column]
                plot.scatter(Y, labels, ax=axes[i, j], legend=None)
                axes[i, j].set_title(f"{row}: {column}", fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def compared(kind: str, seed: int, threads: int, methods: list[str]) -> tuple[list[dict], dict]:
    """Return the measures and the maps of some methods on one data set."""
    X, labels = kinds.draw(kind, seed)
    judge = Judge(X, labels)
    rows, maps = [], {}
    for method in methods:
        if method == "openTSNE" and len(labels) > _LARGE and seed > 0:
            continue
        start = time.perf_counter()
        Y = embed(method, X, judge, threads, seed)
        row = {"kind": kind, "points": len(labels), "seed": seed, "method": method}
        rows.append(row | {"seconds": time.perf_counter() - start} | judge.measures(Y))
        maps[method] = (Y, labels)
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows, maps


def main() -> None:
    """Compare the methods on every kind and seed, write the measures, and draw the maps."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kinds", nargs="+", default=list(kinds.KINDS), choices=kinds.KINDS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", type=Path, default="bench/schedules.json")
    parser.add_argument("--figure", type=Path, default="bench/figures/schedules.png")
    parser.add_argument(
        "--methods", nargs="+", default=list(_METHODS), choices=_METHODS,
        help="those that are run anew; the rows of others stay as the file has them",
    )  # fmt: skip
    parser.add_argument("--sheets", type=Path, help="a folder for a sheet of maps of each kind")
    arguments = parser.parse_args()
    machines, rows = _others(arguments)
    here = machine.describe(arguments.threads)
    machines += [here] if here not in machines else []
    first = {}
    for kind in arguments.kinds:
        sheet = {}
        for seed in range(arguments.seeds):
            measured, maps = compared(kind, seed, arguments.threads, arguments.methods)
            rows += [{"machine": machines.index(here)} | row for row in measured]
            sheet |= {(f"seed {seed}", method): shown for method, shown in maps.items()}
            if seed == 0:
                first |= {(kind, method): shown for method, shown in maps.items()}
            arguments.json.write_text(
                json.dumps({"machines": machines, "rows": rows}, indent=1) + "\n"
            )
        if arguments.sheets:
            show(sheet, arguments.sheets / f"{kind.replace(' ', '-')}.png")
        if len(arguments.kinds) == len(kinds.KINDS) and len(arguments.methods) > 1:
            show(first, arguments.figure)


def _others(arguments: argparse.Namespace) -> tuple[list[dict], list[dict]]:
    """Return the rows of the file that are not measured anew, and their machines, each once."""
    if len(arguments.methods) == len(_METHODS) or not arguments.json.exists():
        return [], []
    result = json.loads(arguments.json.read_text())
    anew = {(kind, method) for kind in arguments.kinds for method in arguments.methods}
    rows = [row for row in result["rows"] if (row["kind"], row["method"]) not in anew]
    measured_on = [result["machines"][row["machine"]] for row in rows]
    machines = [each for k, each in enumerate(measured_on) if each not in measured_on[:k]]
    pairs = zip(rows, measured_on, strict=True)
    return machines, [row | {"machine": machines.index(each)} for row, each in pairs]


if __name__ == "__main__":
    main()
