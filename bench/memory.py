"""Memory that each stage of a fit was estimated to need, and what it took at its fullest.

    python bench/memory.py [--sizes N ...] [--json FILE]

Generated clusters of 50 features. Each fit is a process of its own, in which a small one has loaded
all code before, and whose freed memory is returned to the system. Linux tells the largest memory
since its counter was set back, which is done before each stage; what the process held before the
fit is taken off both.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import machine
import numpy as np

from bhtsne import TSNE, datasets, memory, progress

_SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
_SHORT = {"early_exaggeration_iter": 20, "n_iter": 15, "random_state": 0}
# Beside the defaults, at the second size.
_OPTIONS = {
    "perplexity 100": {"perplexity": 100},
    "forest": {"neighbors": "forest"},
    "spectral start": {"init": "spectral"},
    "Manhattan": {"metric": "manhattan", "neighbors": "pynndescent"},
}


def status(name: str) -> int:
    """Return the bytes that Linux tells of this process under a name."""
    with open("/proc/self/status") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


def measure(points: int, options: dict) -> dict:
    """Return what each stage was estimated to need and took."""
    X = datasets.clusters(points, random_state=0).X.astype(np.float32)
    model, peaks = TSNE(**_SHORT, **options), {}
    model.fit(X[:1500])
    timed = progress.Progress.timed

    @contextmanager
    def watched(self, stage: str, *rest) -> Iterator[None]:
        Path("/proc/self/clear_refs").write_text("5")  # sets the largest back to what is held
        with timed(self, stage, *rest):
            yield
        peaks[stage] = status("VmHWM") - held

    progress.Progress.timed = watched
    memory.release()  # which the fit would use again, uncounted
    estimated, held = model.needed_memory(X), status("VmRSS")
    model.fit(X)
    return {"estimated": estimated, "measured": peaks, "held": held}


def row(points: int, name: str, options: dict) -> dict:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--one", str(points), json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row = {"points": points, "options": name, **json.loads(done.stdout.splitlines()[-1])}
    most, need = (max(row[kind].values()) for kind in ("measured", "estimated"))
    print(f"{points:>9,}  {name:15}  estimated {need / 2**20:7,.0f} MiB, measured "
          f"{most / 2**20:7,.0f} MiB, {need / most:.2f} times")  # fmt: skip
    return row


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES)
    parser.add_argument("--json", type=Path, default="bench/memory.json")
    parser.add_argument("--one", nargs=2, metavar=("N", "OPTIONS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(int(arguments.one[0]), json.loads(arguments.one[1]))))
        return
    rows = [row(points, "defaults", {}) for points in arguments.sizes]
    second = sorted(arguments.sizes)[min(1, len(arguments.sizes) - 1)]
    rows += [row(second, name, options) for name, options in _OPTIONS.items()]
    machine.write(arguments.json, {"rows": rows})


if __name__ == "__main__":
    main()
