"""Fits by 1 … all threads, in turns: seconds of each stage, and what eight cores would give.

    python bench/threads.py [--points N ...] [--rounds N ...] [--threads T ...] [--json FILE]
        [--figure FILE]

MNIST, and beyond 70,000 its deformed digits. A round runs each number of threads once, and the
median of the rounds counts. The serial share s is that of Amdahl's law,
``T(p) = T(1) (s + (1 - s) / p)``, at the most threads measured; with it and T(p) the law gives the
time on 4 and 8 cores.

Of the optimization and of the fit, s comes from the share of the time of all threads in which they
wait, ``idle = 1 - processor time / (p T(p))``, which is ``1 - 1 / (1 + s (p - 1))`` by the law. A
clock that is higher while one core works alone, and whatever else shares the cores, change the
processor time and T(p) alike. Of the other stages it comes from T(1) and T(p), and these make it
larger. So "at once" is measured as well, up to 300,000 points: as many fits of one thread each, at
the same time in processes of their own, which wait for nothing but the machine.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import matplotlib.pyplot as plt
import numpy as np
from deformed import deformed

from bhtsne import TSNE

_STAGES = ("neighbors", "affinities", "optimization")
_BESIDE = 300_000  # points up to which several fits at once find memory
_CORES = 4, 8  # for which the law gives a time


class Idle:
    """Callback of a fit: the share of an optimization in which a thread waits."""

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def __call__(self, record, Y) -> None:
        """Do nothing."""

    def begin(self, state) -> None:
        """Read both clocks."""
        self._start = time.perf_counter(), time.process_time()

    def end(self, state) -> None:
        """Compute the share from the time since then."""
        seconds, processor = time.perf_counter() - self._start[0], time.process_time()
        self.share = 1 - (processor - self._start[1]) / (self._threads * seconds)


def seconds(X: np.ndarray, threads: int) -> dict[str, float]:
    """Return the seconds of each stage of a fit and of the whole, and the idle shares."""
    part, whole = Idle(threads), Idle(threads)
    model = TSNE(n_jobs=threads, random_state=0, callbacks=part)
    whole.begin(None)
    timings = model.fit(X).timings_
    whole.end(None)
    times = {name: timings[name] for name in _STAGES} | {"fit": sum(timings.values())}
    return times | {"idle optimization": part.share, "idle fit": whole.share}


def at_once(X: np.ndarray, processes: int) -> dict[str, float]:
    """Return the mean seconds of fits of one thread each, which begin at the same time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "X.npy")
        np.save(path, X)
        command = [sys.executable, __file__, "--alone", str(path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        running = [subprocess.Popen(command, **pipes) for _ in range(processes)]
        for one in running:
            assert one.stdout.readline() == "ready\n"
        for one in running:
            one.stdin.write("begin\n")
            one.stdin.flush()
        fits = [json.loads(one.communicate()[0]) for one in running]
    return {name: float(np.mean([fit[name] for fit in fits])) for name in fits[0]}


def alone(path: str) -> None:
    """Fit points by one thread as soon as the standard input has a line; print the seconds."""
    X = np.load(path)
    seconds(X[:6000], 1)  # loads the code
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(seconds(X, 1)))


def law(share: float, threads: int) -> float:
    """Return T(p) / T(1) by Amdahl's law."""
    return share + (1 - share) / threads


def serial_share(one: float, many: float, threads: int) -> float:
    """Return s of Amdahl's law for the times of one thread and of many, at least 0."""
    return max((threads * many / one - 1) / (threads - 1), 0.0)


def stage(times: dict[int, float], idle: float | None = None) -> dict:
    """Return seconds by threads, the serial share, and the times that follow from it."""
    most = max(times)
    # Without waiting, one thread would take as long as all threads compute.
    one = times[1] if idle is None else most * times[most] * (1 - idle)
    share = serial_share(one, times[most], most)
    figures = {} if idle is None else {"idle": idle}
    expected = {c: times[most] * law(share, c) / law(share, most) for c in _CORES}
    return figures | {"seconds": times, "serial_share": share, "expected": expected}


def row(points: int, rounds: list[dict]) -> dict:
    """Return the median figures of each stage."""
    counts = [count for count in rounds[0] if count != "at once"]
    stages = {}

    def median(count: Any, name: str) -> float:
        return float(np.median([turn[count][name] for turn in rounds]))

    names = list(rounds[0][counts[0]])
    for name in (name for name in names if not name.startswith("idle ")):
        idle = median(counts[-1], f"idle {name}") if f"idle {name}" in names else None
        stages[name] = stage({t: median(t, name) for t in counts}, idle)
        if "at once" in rounds[0]:
            stages[name]["at_once"] = median("at once", name)
    return {"points": points, "rounds": len(rounds), "stages": stages}


def draw(rows: list[dict], path: Path) -> None:
    """Draw the time of a fit against points by cores: measured, and as the law gives it."""
    _, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
    points, fits = [r["points"] for r in rows], [r["stages"]["fit"] for r in rows]
    for kind, style, note in (("seconds", "-", ""), ("expected", "--", ", by Amdahl's law")):
        for cores in fits[0][kind]:
            label = f"{cores} core{'s' * (cores > 1)}{note}"
            ax.plot(points, [fit[kind][cores] for fit in fits], style, marker="o", label=label)
    ax.set(xscale="log", yscale="log", xlabel="points", ylabel="time of a fit")
    ax.set_xticks(points, [f"{n:,}" for n in points])
    longest = max(fits[-1]["seconds"].values())
    ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200, 500) if t <= 2 * longest]
    ax.set_yticks(ticks, [f"{t} s" for t in ticks])
    ax.minorticks_off()
    ax.grid(color="#dddddd", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    plt.savefig(path, dpi=150, metadata={"Software": None})


def main() -> None:
    """Run all sizes and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    sizes = [10_000, 70_000, 300_000, 1_000_000]
    parser.add_argument("--points", type=int, nargs="+", default=sizes)
    parser.add_argument("--rounds", type=int, nargs="+", default=[5, 5, 3, 1], help="of each size")
    every = len(os.sched_getaffinity(0))
    powers = [2**i for i in range(every.bit_length()) if 2**i < every]
    parser.add_argument("--threads", type=int, nargs="+", default=[*powers, every])
    parser.add_argument("--json", type=Path, default="bench/threads.json")
    parser.add_argument("--figure", type=Path, default="bench/figures/threads.png")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        alone(arguments.alone)
        return
    counts = sorted({1, *arguments.threads})
    if len(counts) < 2:
        parser.error("one thread alone shows no serial share: give --threads, or use more cores.")
    X, rows = deformed(max(arguments.points))[0], []
    TSNE(n_jobs=counts[-1], random_state=0).fit(X[:6000])
    for points, rounds in zip(arguments.points, arguments.rounds, strict=True):
        some = X[np.random.default_rng(0).permutation(len(X))[:points]]
        turns = [
            {t: seconds(some, t) for t in counts}
            | ({"at once": at_once(some, counts[-1])} if points <= _BESIDE else {})
            for _ in range(rounds)
        ]
        rows.append(row(points, turns))
        print(json.dumps(rows[-1]), flush=True)
    machine.write(arguments.json, {"rows": rows})
    draw(rows, arguments.figure)


if __name__ == "__main__":
    main()
