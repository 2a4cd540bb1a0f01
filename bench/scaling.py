"""Growth with the number of points and of threads: seconds of each stage, peak memory, exponents.

    python bench/scaling.py [--sizes N ...] [--peers NAME ...] [--json FILE] [--figure FILE]

MNIST, and beyond 70,000 its deformed digits. Each run is a process of its own; a peer is left out
from the size on at which the last run took so long that the next would pass the limit. Exponents
are fitted to the logarithms from 70,000 points on, neighbours, affinities and an iteration apart.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import machine
import matplotlib.pyplot as plt
import numpy as np
from deformed import deformed
from rivals import run

_SIZES = (1_000, 3_000, 10_000, 30_000, 70_000, 150_000, 300_000, 1_000_000)
_COMPILED = 70_000  # points by which all ways of searching are compiled
_FOREVER = 1e5  # seconds
_STAGES = ("neighbors", "affinities", "initial", "optimization", "divergence")


def row(record: dict, peer: str, points: int, threads: int) -> dict:
    """Return the figures of a run."""
    row = {"peer": peer, "points": points, "threads": threads}
    if "failed" in record:
        return row | {"failed": record["failed"]}
    row |= {"seconds": record["process_seconds"], "peak_memory_bytes": record["peak_memory_bytes"]}
    row |= record["stage_seconds"]
    if "optimization" in row:
        row["iteration"] = row["optimization"] / record["iterations"][-1]
    return row


def exponents(rows: list[dict]) -> dict[str, float]:
    """Return the power of N with which each figure of this library grows."""
    whole = [r for r in rows if r["peer"] == "bhtsne" and "seconds" in r and r["points"] >= 70_000]
    most = max((r["threads"] for r in whole), default=0)
    whole = [r for r in whole if r["threads"] == most]
    if len({r["points"] for r in whole}) < 2:
        return {}
    n = np.log([r["points"] for r in whole])
    names = ("seconds", "iteration", "peak_memory_bytes", *_STAGES)
    return {name: float(np.polyfit(n, np.log([r[name] for r in whole]), 1)[0]) for name in names}


def draw(rows: list[dict], path: Path) -> None:
    """Draw seconds, stages and peers, against points."""
    _, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    most = max(r["threads"] for r in rows)
    done = [r for r in rows if "seconds" in r and r["threads"] == most]
    for peer in dict.fromkeys(r["peer"] for r in done):
        some = [r for r in done if r["peer"] == peer]
        x = [r["points"] for r in some]
        ax.plot(x, [r["seconds"] for r in some], marker="o", label=peer)
        if peer == "bhtsne":
            for stage in ("neighbors", "affinities", "optimization"):
                ax.plot(x, [r[stage] for r in some], linestyle=":", linewidth=1, label=stage)
    ax.set(xscale="log", yscale="log", xlabel="points", ylabel="seconds, process start to map")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    plt.savefig(path, dpi=150)


def main() -> None:
    """Run all sizes and print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES)
    parser.add_argument("--data", type=Path, help=".npy of points of your own")
    parser.add_argument("--peers", nargs="*", default=["opentsne_fft", "sklearnex", "sklearn"])
    parser.add_argument("--limit", type=float, default=900, help="seconds for a peer's run (900)")
    parser.add_argument("--threads", type=int, nargs="+", help="1 … all, at 70,000 points")
    parser.add_argument("--json", type=Path, default="bench/scaling.json")
    parser.add_argument("--figure", type=Path, default="bench/figures/scaling.png")
    parser.add_argument("--maps", type=Path, help="a folder to keep this library's maps in")
    arguments = parser.parse_args()
    every = len(os.sched_getaffinity(0))
    X = np.load(arguments.data) if arguments.data else deformed(max(arguments.sizes))[0]
    rows, last = [], dict.fromkeys(arguments.peers, 0.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def measure(peer: str, n: int, threads: int, limit: float) -> dict:
            some = np.random.default_rng(0).permutation(len(X))[:n] if n < len(X) else slice(None)
            np.save(folder / "X.npy", X[some])
            record = run(peer, folder / "X.npy", folder, threads, limit, folder / "cache")
            if arguments.maps and peer == "bhtsne" and "failed" not in record:
                np.save(arguments.maps / f"map-{n}.npy", record["maps"][-1])
            rows.append(row(record, peer, n, threads))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
            return rows[-1]

        for n in sorted(arguments.sizes):
            if n <= max(_COMPILED, min(arguments.sizes)):
                measure("bhtsne", n, every, _FOREVER)  # compiles
        rows.clear()
        for n in sorted(arguments.sizes):
            measure("bhtsne", n, every, _FOREVER)
            for peer in arguments.peers:
                if 3 * last[peer] < arguments.limit:
                    last[peer] = measure(peer, n, every, arguments.limit).get("seconds", np.inf)
        for threads in arguments.threads or sorted({1, every}):
            if threads != every:
                measure("bhtsne", min(70_000, max(arguments.sizes)), threads, _FOREVER)
    result = {"exponents": exponents(rows), "rows": rows}
    print(json.dumps(result["exponents"]))
    machine.write(arguments.json, result)
    draw(rows, arguments.figure)


if __name__ == "__main__":
    main()
