"""What it costs to keep the frames of a run, and to make a film of them.

    python bench/film.py [--points N] [--frames N] [--repeats N] [--json FILE]

MNIST at the defaults, recorded every 2 iterations, of which the recorder keeps as many frames as
asked for. The time of a film is the median; an MP4 is made where ffmpeg is on the PATH.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import machine
import numpy as np
from main_job import prepared

from bhtsne import TSNE, Recorder
from bhtsne.plot import animate


class Timed(Recorder):
    """A recorder that knows how long it has taken."""

    seconds = 0.0

    def __call__(self, record, Y) -> None:
        """Keep the map of a check."""
        start = time.perf_counter()
        super().__call__(record, Y)
        self.seconds += time.perf_counter() - start


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, help="only the first N points")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, default="bench/film.json")
    arguments = parser.parse_args()
    X, y = prepared(arguments.points)
    run = Timed(arguments.frames)
    model = TSNE(random_state=0, callbacks=[run], callback_every=2).fit(X)
    result: dict = {
        "points": len(X),
        "frames": len(run),
        "optimization": model.timings_["optimization"],
        "recording": run.seconds,
        "memory": sum(frame.frame.nbytes for frame in run._kept),
    }
    formats = ["gif"] + ["mp4"] * (shutil.which("ffmpeg") is not None)
    with tempfile.TemporaryDirectory() as folder:
        for suffix in formats:
            path, seconds = Path(folder, f"run.{suffix}"), []
            animate(path, [Y[:1000] for Y in run.maps[:2]])  # loads and compiles what it needs
            for _ in range(arguments.repeats):
                start = time.perf_counter()
                animate(path, run, y)
                seconds.append(time.perf_counter() - start)
            result[suffix] = {"seconds": float(np.median(seconds)), "bytes": path.stat().st_size}
    print(json.dumps(result, indent=1))
    machine.write(arguments.json, result)


if __name__ == "__main__":
    main()
