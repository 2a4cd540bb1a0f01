"""What it costs a fit to be kept as it goes on: with and without a checkpoint, in turns.

    python bench/checkpoint.py [--points N] [--repeats N] [--folder DIR] [--json FILE]

MNIST at the defaults, in one process, whose first fit of 2,000 points has loaded all code. Each fit
with a checkpoint writes to a new folder, and its time ends when all is on the disk.
"""

import argparse
import tempfile
import time
from pathlib import Path

import machine
import numpy as np
from main_job import prepared

from bhtsne import TSNE


def seconds(X: np.ndarray, checkpoint: str | None) -> float:
    """Return how long a fit takes."""
    start = time.perf_counter()
    TSNE(random_state=0, checkpoint=checkpoint).fit(X)
    return time.perf_counter() - start


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, help="only the first N points")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--folder", help="on the disk that is written to (the system's for files "
                        "that do not last)")  # fmt: skip
    parser.add_argument("--json", type=Path, default="bench/checkpoint.json")
    arguments = parser.parse_args()
    X, _ = prepared(arguments.points)
    seconds(X[:2000], None)
    pairs, size = [], 0
    for _ in range(arguments.repeats):
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            pairs.append((seconds(X, None), seconds(X, f"{folder}/run")))
            size = sum(path.stat().st_size for path in Path(folder, "run").iterdir())
        print("without {:.2f} s, with {:.2f} s".format(*pairs[-1]))
    without, kept = np.median(pairs, axis=0)
    cost = float(np.median([b / a for a, b in pairs])) - 1
    print(f"{len(X):,} points, {size / 2**20:.0f} MiB kept: median of the pairs {cost:+.1%}")
    result = {"points": len(X), "without": without, "with": kept, "cost": cost, "bytes": size}
    machine.write(arguments.json, result)


if __name__ == "__main__":
    main()
