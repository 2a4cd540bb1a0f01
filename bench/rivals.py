"""KL divergence against wall-clock: this library and its peers on the same data and threads.

    python bench/rivals.py [--data X.npy --labels y.npy] [--peers NAME[:ITERATIONS] ...]
                           [--json FILE] [--figure FILE]

Every peer runs in a process of its own, at its defaults (see `peers.py`) or for as many iterations
as stand after its name. Seconds count from the start of the process, with imports, and compilation
where nothing is cached: this library runs three times, "cold" with an empty cache, then twice with
what it compiled. The divergence of each map seen on the way is exact, on the P of exact neighbours
at perplexity 30. scikit-learn's estimators show no map on the way: their runs of several lengths
are the points of their curve.
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
from judge import Judge
from main_job import prepared
from sections.tables import NAMES

_ALL = [
    *("bhtsne", "bhtsne", "bhtsne_slow", "opentsne_fft", "opentsne_bh"),
    *("sklearnex:1000", "sklearnex:2500", "sklearn"),
]


def run(name: str, points: Path, folder: Path, threads: int, limit: float, cache: Path) -> dict:
    """Run a peer in a process of its own; return its maps and figures, or what went wrong."""
    peer, _, iterations = name.partition(":")
    out = folder / "out.npz"
    command = [sys.executable, str(Path(__file__).parent / "peers.py"), peer, str(points), str(out)]
    command += ["--threads", str(threads)] + (["--n-iter", iterations] if iterations else [])
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), str(threads))
    start = time.time()
    try:
        subprocess.run(
            [*command, "--started", str(start)], check=True, timeout=limit, env=environment,
            capture_output=True, text=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"name": name, "failed": f"not done after {limit:.0f} s"}
    except subprocess.CalledProcessError as error:
        return {"name": name, "failed": error.stderr.strip().splitlines()[-1]}
    process = time.time() - start
    with np.load(out) as seen:
        return {
            "name": name,
            "process_seconds": process,
            "maps": seen["maps"],
            "seconds": seen["seconds"].tolist(),
            "iterations": seen["iterations"].tolist(),
            **json.loads(str(seen["summary"])),
        }


def time_to(target: float, seconds: list[float], kl: list[float]) -> float | None:
    """Return the seconds at which the divergence falls to a target, between maps by a line."""
    for k, value in enumerate(kl):
        if value <= target:
            if k == 0:
                return seconds[0]
            part = (kl[k - 1] - target) / (kl[k - 1] - value)
            return seconds[k - 1] + part * (seconds[k] - seconds[k - 1])
    return None


def judged(record: dict, judge: Judge, target: float) -> dict:
    """Replace the maps of a run by their divergence and the measures of the last."""
    if "failed" in record:
        return record
    maps = record.pop("maps")
    record["kl"] = [judge.kl(Y) for Y in maps]
    record["seconds_to_target"] = time_to(target, record["seconds"], record["kl"])
    return record | {"final": judge.measures(maps[-1])}


def draw(result: dict, path: Path) -> None:
    """Draw divergence against seconds, one line a peer."""
    figure, ax = plt.subplots(figsize=(8.5, 4.5), layout="constrained")
    lines: dict[str, list[tuple[float, float]]] = {}
    for record in result["runs"]:
        peer = record["name"].partition(":")[0]
        if "failed" not in record and peer != "bhtsne_cold":
            seen = list(zip(record["seconds"], record["kl"], strict=True))
            # Runs of several lengths that show no map on the way are the points of one curve.
            lines[peer] = lines.get(peer, []) + seen if len(seen) == 1 else seen
    for peer, seen in lines.items():
        label = NAMES[peer].replace("*", "").replace("`", "")
        ax.plot(*zip(*sorted(seen), strict=True), marker="o", markersize=3, label=label)
    ax.axhline(result["target"], color="0.7", linewidth=1)
    ax.set(
        xscale="log", xlabel="seconds from the start of the process",
        ylabel="exact KL divergence", ylim=(2.5, 4),
    )  # fmt: skip
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right center", frameon=False)
    plt.savefig(path, dpi=150)


def main() -> None:
    """Run all peers, judge their maps, and print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help=".npy of shape (N, D) (MNIST, 50 components)")
    parser.add_argument("--labels", type=Path, help=".npy of shape (N,)")
    parser.add_argument("--points", type=int, help="only the first N points")
    parser.add_argument("--peers", nargs="+", default=_ALL, metavar="NAME[:ITERATIONS]")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--target", type=float, default=2.8, help="KL divergence (2.8)")
    parser.add_argument("--limit", type=float, default=900, help="seconds for a run (900)")
    parser.add_argument("--json", type=Path, default="bench/rivals.json")
    parser.add_argument("--figure", type=Path, default="bench/figures/rivals.png")
    arguments = parser.parse_args()
    if arguments.data is None:
        X, labels = prepared(arguments.points)
    else:
        X = np.load(arguments.data)[: arguments.points]
        labels = np.load(arguments.labels)[: arguments.points] if arguments.labels else None
    judge = Judge(X, labels)
    runs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "X.npy", X)
        for k, peer in enumerate(["bhtsne", *arguments.peers]):
            record = run(
                peer, folder / "X.npy", folder, arguments.threads, arguments.limit, folder / "cache"
            )
            record = judged(
                record | ({"name": "bhtsne_cold"} if k == 0 else {}), judge, arguments.target
            )
            runs.append(record)
            shown = ("name", "process_seconds", "seconds_to_target", "final", "failed")
            brief = {key: record[key] for key in shown if key in record}
            print(json.dumps(brief), file=sys.stderr, flush=True)
    result = {
        "points": len(X), "features": X.shape[1], "threads": arguments.threads,
        "target": arguments.target, "runs": runs,
    }  # fmt: skip
    machine.write(arguments.json, result, arguments.threads)
    draw(result, arguments.figure)


if __name__ == "__main__":
    main()
