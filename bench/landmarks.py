"""Points that are never held whole, placed on a map of landmarks: speed, memory, and what is lost.

    python bench/landmarks.py [--points N] [--landmarks M] [--json FILE] [--figure FILE] [--only …]

- placed: N × 50 points, made block by block, placed against M landmarks by one process; what it
  holds at the most, and a picture of all.
- dask: the same on processes of one thread each; by rounds in turns, of which medians are reported.
- mnist: 70,000 digits from 10,000 landmarks, chosen in each way, and refined; beside a full fit.
- killed: a worker that is killed half-way; the places are to have the same bits.
"""

import argparse
import json
import os
import signal
import statistics
import time
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import machine
import numpy as np
from judge import Judge

from bhtsne import TSNE, LandmarkTSNE, datasets, initial, memory, plot
from bhtsne.dask import clusters

BLOCK, FEATURES, KINDS, CLUSTERS = 65_536, 50, 20, 600
_OF_MNIST = 10_000


def block(number: int, rows: int = BLOCK) -> tuple[np.ndarray, np.ndarray]:
    """Return points and their kinds, which depend on nothing but the number of the block.

    Each kind has clusters of its own, of many sizes and widths.
    """
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(KINDS, FEATURES)) * 1.5
    of = rng.integers(0, KINDS, CLUSTERS)
    centres = (kinds[of] + 0.6 * rng.normal(size=(CLUSTERS, FEATURES))).astype(np.float32)
    width = rng.uniform(0.4, 1.0, CLUSTERS).astype(np.float32)
    share = rng.dirichlet(np.full(CLUSTERS, 0.7))
    rng = np.random.default_rng([1, number])
    which = rng.choice(CLUSTERS, rows, p=share)
    noise = rng.standard_normal((rows, FEATURES), np.float32)
    return centres[which] + width[which, None] * noise, of[which].astype(np.int8)


def blocks(n: int) -> Iterator[np.ndarray]:
    """Yield n points."""
    for number, start in enumerate(range(0, n, BLOCK)):
        yield block(number)[0][: n - start]


def timed(points: Iterator[np.ndarray], took: list[float]) -> Iterator[np.ndarray]:
    """Yield what an iterator yields, and note how long it takes to make it."""
    while True:
        begin = time.perf_counter()
        some = next(points, None)
        took.append(time.perf_counter() - begin)
        if some is None:
            return
        yield some


def placed(n: int, landmarks: int, figure: Path, threads: int | None) -> dict:
    """Return how fast points are placed by one process, and what it holds; and draw all of them."""
    begin = time.perf_counter()
    model = LandmarkTSNE(landmarks, random_state=0, n_jobs=threads, verbose=True)
    model.fit(partial(blocks, n))
    fitted = time.perf_counter()
    model.place(block(0)[0][:500])  # what has to be compiled is
    made: list[float] = []
    begun = time.perf_counter()
    maps = list(model.place(timed(blocks(n), made)))
    seconds = time.perf_counter() - begun
    Y, peak = np.concatenate(maps), memory.peak()
    kinds = np.concatenate([block(i)[1] for i in range(len(maps))])[:n]
    plot.save(figure, Y, kinds, legend=None)
    return {
        "points": n,
        "landmarks": landmarks,
        "fit_seconds": fitted - begin,
        "making_seconds": sum(made),
        "placing_seconds": seconds - sum(made),
        "points_per_second": n / (seconds - sum(made)),
        "peak_memory_bytes": peak,
        "peak_memory_with_picture_bytes": memory.peak(),
    }


def collection(n: int, rows: int):
    """Return points as a dask array, whose partitions the workers make."""
    import dask
    import dask.array as da

    make = dask.delayed(lambda number: block(number, rows)[0])
    parts = [make(number) for number in range(-(-n // rows))]
    return da.concatenate([da.from_delayed(p, (rows, FEATURES), np.float32) for p in parts])


def by_workers(model: LandmarkTSNE, n: int, rows: int, workers: int) -> float:
    """Return seconds that workers, warm, take to make and to place points."""
    with clusters.client("local", workers) as client:
        client.run(_warmed, model)
        begin = time.perf_counter()
        model.transform(collection(n, rows)).compute()
        return time.perf_counter() - begin


def _warmed(model: LandmarkTSNE) -> None:
    """Let a worker load what it needs."""
    model.transform(block(0, 1000)[0])


def alone(model: LandmarkTSNE, n: int, rows: int) -> float:
    """Return seconds that a plain loop on one thread takes for the same."""
    model = model.set_params(n_jobs=1)
    model.tsne_.set_params(n_jobs=1)
    begin = time.perf_counter()
    for number in range(-(-n // rows)):
        model.transform(block(number, rows)[0])
    return time.perf_counter() - begin


def on_dask(n: int, landmarks: int, rounds: int) -> dict:
    """Return points per second by workers, and what Dask costs against a plain loop."""
    rows = BLOCK // 2
    n = -(-n // rows) * rows
    model = LandmarkTSNE(landmarks, random_state=0).fit(partial(blocks, 4 * landmarks))
    alone(model, rows, rows)
    found: dict[str, list[float]] = {"loop": [], "1": [], "2": []}
    for _ in range(rounds):
        found["loop"].append(alone(model, n, rows))
        for workers in (1, 2):
            found[str(workers)].append(by_workers(model, n, rows, workers))
    seconds = {name: statistics.median(times) for name, times in found.items()}
    pairs = zip(found["loop"], found["1"], found["2"], strict=True)
    costs, gains = zip(*((one / loop - 1, one / two) for loop, one, two in pairs), strict=True)
    return {
        "points": n,
        "landmarks": landmarks,
        "rounds": rounds,
        "points_per_second": {name: n / s for name, s in seconds.items()},
        "overhead": statistics.median(costs),
        "gain_by_second_worker": statistics.median(gains),
    }


def mnist(n: int, landmarks: int, threads: int | None) -> dict:
    """Return what maps from landmarks are worth beside a full fit."""
    X, y, _ = datasets.load("mnist")
    X = initial.principal_components(X.astype(np.float32) / 255, 50)[:n]
    y, judge, rows = y[:n], Judge(X, y[:n]), []
    TSNE(n_iter=10).fit(X[:1000]).transform(X[:9])  # what has to be compiled is
    ways = {
        "a full fit": None,
        "uniform": {},
        "coreset": {"landmarks": "coreset"},
        "stratified": {"landmarks": "stratified"},
        "uniform, refined": {"refine_iter": 200},
    }
    for name, options in ways.items():
        model: TSNE | LandmarkTSNE = TSNE(random_state=0, n_jobs=threads)
        if options is not None:
            model = LandmarkTSNE(landmarks, random_state=0, n_jobs=threads, **options)
        begin = time.perf_counter()
        Y = model.fit_transform(X, y)
        seconds = time.perf_counter() - begin
        rows.append({"map": name, "seconds": seconds, **judge.measures(Y)})
        print(json.dumps(rows[-1]))
    return {"points": len(X), "landmarks": landmarks, "rows": rows}


def killed(n: int, landmarks: int) -> dict:
    """Return whether points come to the same bits where a worker is killed half-way."""
    from distributed import futures_of

    rows = 4096
    n = -(-n // rows) * rows
    model = LandmarkTSNE(landmarks, random_state=0).fit(partial(blocks, 4 * landmarks))
    expected = np.concatenate([model.transform(block(i, rows)[0]) for i in range(n // rows)])
    with clusters.client("local", 2) as client:
        lazy = model.transform(collection(n, rows)).persist()
        futures = futures_of(lazy)
        while sum(future.done() for future in futures) < len(futures) / 2:
            time.sleep(0.05)
        before = sum(future.done() for future in futures)
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        Y = lazy.compute()
    return {
        "points": n,
        "parts": len(futures),
        "done_before": before,
        "same_bits": bool((expected == Y).all()),
    }


def main() -> None:
    """Measure, write and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--landmarks", type=int, default=50_000)
    parser.add_argument("--dask-points", type=int, default=524_288)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mnist", type=int, default=70_000)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", nargs="*", choices=["placed", "dask", "mnist", "killed"])
    parser.add_argument("--json", type=Path, default="bench/landmarks.json")
    parser.add_argument("--figure", type=Path, default="bench/figures/landmarks.png")
    arguments = parser.parse_args()
    n, landmarks = arguments.points, arguments.landmarks
    parts = {
        "placed": lambda: placed(n, landmarks, arguments.figure, arguments.threads),
        "dask": lambda: on_dask(min(n, arguments.dask_points), landmarks, arguments.rounds),
        "killed": lambda: killed(min(n, arguments.dask_points) // 2, landmarks),
        "mnist": lambda: mnist(
            arguments.mnist, min(_OF_MNIST, arguments.mnist // 7), arguments.threads
        ),
    }
    path, result = arguments.json, {}
    if path.exists() and arguments.only:
        result = json.loads(path.read_text())
    for name, measure in parts.items():  # placed first: the peak memory of the process is reported
        if name in (arguments.only or parts):
            with warnings.catch_warnings(action="ignore"):
                result[name] = {"machine": machine.describe(arguments.threads)} | measure()
            print(name, json.dumps(result[name]), flush=True)
            path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
