"""First and later runs of `bhtsne embed`, by this checkout and by another commit, in turns.

    python bench/starting.py [--input IN] [--before COMMIT] [--rounds N] [--json FILE]

The first run has an empty cache of kernels; the later ones have what it left. Times are of whole
processes, from their start to their end. With `--input mnist` the later runs compare two commits on
MNIST.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine
import numpy as np

_HERE = Path(__file__).parent.parent
_LATER = 3  # later runs a round


def seconds(package: Path, points: str, cache: str, folder: str) -> float:
    """Return the time of one run of the command of a checkout."""
    environment = os.environ | {"PYTHONPATH": str(package), "NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-m", "bhtsne", "embed", points, "--quiet", "-o", "map.csv"]
    start = time.perf_counter()
    subprocess.run(
        command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - start


def measured(package: Path, points: str) -> dict[str, float]:
    """Return the time of a first run, and the median of later ones."""
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as folder:
        first = seconds(package, points, cache, folder)
        later = [seconds(package, points, cache, folder) for _ in range(_LATER)]
    return {"first": first, "later": float(np.median(later))}


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--input", default="digits", help="points, as bhtsne embed takes them")
    parser.add_argument("--before", help="a commit to compare with, checked out in a new folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checkouts = {"now": _HERE}
        if arguments.before:
            checkouts = {"before": Path(folder, "before")} | checkouts
            git = ["git", "-C", str(_HERE), "worktree"]
            path = str(checkouts["before"])
            subprocess.run([*git, "add", "-q", "--detach", path, arguments.before], check=True)
        rounds = []
        for _ in range(arguments.rounds):
            rounds.append(
                {name: measured(path, arguments.input) for name, path in checkouts.items()}
            )
            print(rounds[-1], flush=True)
        if arguments.before:
            subprocess.run([*git, "remove", "--force", path], check=True)
    medians = {}
    for run in ("first", "later"):
        times = {name: [turn[name][run] for turn in rounds] for name in checkouts}
        medians[run] = {name: float(np.median(values)) for name, values in times.items()}
        print(f"{run} run, median seconds: {medians[run]}")
        if arguments.before:
            ratio = np.median(np.divide(times["now"], times["before"]))
            print(f"  {ratio:.2f} of the time before (median of the rounds)")
    if arguments.json:
        machine.write(arguments.json, {"rounds": rounds, "medians": medians})


if __name__ == "__main__":
    main()
