"""One library makes one map in this process; `rivals.py` and `scaling.py` start it for each.

    python bench/peers.py PEER X.npy OUT.npz [--threads N] [--n-iter N] [--started SECONDS]

OUT holds the maps seen on the way, the seconds from the start of the process to each, and a JSON
text with the seconds of the stages that the library tells and the peak memory. Each library runs
at its defaults but for the seed, the threads and, where it is asked for, the iterations.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bhtsne.memory import peak as peak_memory


class Watch:
    """Maps and seconds; the time spent on copying a map is taken off."""

    def __init__(self, started: float) -> None:
        self.started, self.paused = started, 0.0
        self.maps: list[np.ndarray] = []
        self.seconds: list[float] = []
        self.iterations: list[int] = []

    def see(self, iteration: int, Y) -> None:
        """Keep a copy of a map."""
        now = time.time()
        self.maps.append(np.array(Y, np.float32))
        self.seconds.append(now - self.started - self.paused)
        self.iterations.append(iteration)
        self.paused += time.time() - now


def bhtsne(X, watch: Watch, threads: int, n_iter: int | None, **options) -> dict:
    """Run this library, at its defaults or by other parameters."""
    from bhtsne import TSNE

    def see(record, Y) -> None:
        watch.see(record.iteration, Y)

    if n_iter is not None:
        options["n_iter"] = n_iter
    model = TSNE(random_state=0, n_jobs=threads, callbacks=[see], **options).fit(X)
    watch.seconds[-1] = time.time() - watch.started - watch.paused
    return model.timings_


def bhtsne_slow(X, watch: Watch, threads: int, n_iter: int | None) -> dict:
    """Run this library on the schedule of openTSNE."""
    return bhtsne(X, watch, threads, n_iter, schedule="opentsne")


def _opentsne(X, watch: Watch, threads: int, n_iter: int | None, method: str) -> dict:
    import openTSNE

    done = [0]

    def see(iteration, error, embedding) -> None:
        # openTSNE counts anew in each phase.
        done[0] += 50
        watch.see(done[0], embedding)

    options = {} if n_iter is None else {"n_iter": n_iter}
    model = openTSNE.TSNE(
        negative_gradient_method=method, n_jobs=threads, random_state=0,
        callbacks=[see], callbacks_every_iters=50, **options,
    )  # fmt: skip
    watch.see(done[0], model.fit(X))
    return {}


def opentsne_fft(X, watch: Watch, threads: int, n_iter: int | None) -> dict:
    """Run openTSNE with repulsion by interpolation, its default for large data."""
    return _opentsne(X, watch, threads, n_iter, "fft")


def opentsne_bh(X, watch: Watch, threads: int, n_iter: int | None) -> dict:
    """Run openTSNE with repulsion by Barnes-Hut."""
    return _opentsne(X, watch, threads, n_iter, "bh")


def sklearn(X, watch: Watch, threads: int, n_iter: int | None) -> dict:
    """Run the TSNE of scikit-learn."""
    from sklearn.manifold import TSNE

    options = {} if n_iter is None else {"max_iter": n_iter}
    model = TSNE(random_state=0, n_jobs=threads, **options)
    watch.see(0, model.fit_transform(X))
    watch.iterations[-1] = int(model.n_iter_) + 1
    return {}


def sklearnex(X, watch: Watch, threads: int, n_iter: int | None) -> dict:
    """Run the TSNE of scikit-learn, patched by scikit-learn-intelex."""
    from sklearnex import patch_sklearn

    patch_sklearn(verbose=False)
    return sklearn(X, watch, threads, n_iter)


def umap(X, watch: Watch, threads: int, n_iter: int | None) -> dict:
    """Run UMAP: another objective, so that its KL divergence says little."""
    from umap import UMAP

    watch.see(0, UMAP(n_jobs=threads).fit_transform(X))
    return {}


PEERS: dict[str, Callable[..., dict]] = {
    function.__name__: function
    for function in (bhtsne, bhtsne_slow, opentsne_fft, opentsne_bh, sklearn, sklearnex, umap)
}


def main() -> None:
    """Make the map and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("points", type=Path, help="X, .npy")
    parser.add_argument("out", type=Path, help=".npz")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--n-iter", type=int, help="iterations, as the library counts them")
    parser.add_argument("--started", type=float, default=time.time(), help="since 1970")
    arguments = parser.parse_args()
    watch = Watch(arguments.started)
    X = np.load(arguments.points, mmap_mode="r" if arguments.peer.startswith("bh") else None)
    stages = PEERS[arguments.peer](X, watch, arguments.threads, arguments.n_iter)
    summary = {"stage_seconds": stages, "peak_memory_bytes": peak_memory()}
    np.savez(
        arguments.out, maps=np.array(watch.maps), seconds=watch.seconds,
        iterations=watch.iterations, summary=json.dumps(summary),
    )  # fmt: skip


if __name__ == "__main__":
    main()
