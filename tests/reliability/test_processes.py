"""Several threads and processes at once: each gets its own map, and its number of threads back."""

import importlib.util
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numba
import numpy as np
import pytest

from bhtsne import TSNE, jit

X = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
QUICK = {"perplexity": 10, "n_iter": 30, "early_exaggeration_iter": 20}
LAYERS = ["omp", "workqueue", *(["tbb"] if importlib.util.find_spec("tbb") else [])]


def fitted(seed, n_jobs=None):
    return TSNE(random_state=seed, n_jobs=n_jobs, init="random", **QUICK).fit_transform(X)


@pytest.fixture(scope="module")
def alone():
    return [fitted(seed) for seed in range(4)]


def same(maps, alone):
    return all(np.array_equal(*pair) for pair in zip(maps, alone, strict=True))


@pytest.mark.full
def test_several_threads_fit_at_once_each_with_its_own_number(alone):
    before, start = numba.get_num_threads(), threading.Barrier(4)

    def work(seed):
        start.wait()
        mine = numba.get_num_threads()
        maps = fitted(seed, n_jobs=1 + seed % 2)
        return maps, numba.get_num_threads() == mine

    with ThreadPoolExecutor(4) as pool:
        maps, restored = zip(*pool.map(work, range(4)), strict=True)
    assert same(maps, alone)
    assert all(restored)
    assert numba.get_num_threads() == before


@pytest.mark.full
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_joblib_fits_at_once(backend, alone):
    with joblib.parallel_config(backend, n_jobs=2):
        maps = joblib.Parallel()(joblib.delayed(fitted)(seed) for seed in range(4))
    assert same(maps, alone)


@pytest.mark.full
def test_processes_that_are_spawned_fit_at_once(alone):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert same(pool.map(fitted, range(4)), alone)


FORKED = """
import os, signal, sys, threading, warnings
import numba
import numpy as np
from bhtsne import TSNE, jit

warnings.simplefilter("ignore", DeprecationWarning)  # of forks where there are threads
X = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
metric, first = sys.argv[1:]

def fit():
    return TSNE(perplexity=10, n_iter=30, early_exaggeration_iter=20, random_state=0,
                metric=metric).fit_transform(X)

if first == "used":
    mine = fit()
held = threading.Event()

def hold():  # a fork in the midst of another thread's kernel
    with jit._lock:
        held.set()
        os.read(reader, 1)

reader, writer = os.pipe()
threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if child == 0:
    signal.alarm(100)
    try:
        np.save(sys.stdout.buffer, fit())
    except RuntimeError as error:
        print(error, file=sys.stderr)
        os._exit(7)
    sys.stdout.flush()
    os._exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
os.write(writer, b"x")
if first == "used" and status == 0:
    np.save(sys.stdout.buffer, mine)
os._exit(status)
"""


@pytest.mark.full(after=1)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize(("first", "metric"), [("used", "manhattan"), ("unused", "euclidean")])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_forked_process_works_or_says_why_not(layer, first, metric):
    """Numba would end it, or scikit-learn's OpenMP wait forever, or a lock never be let go."""
    done = subprocess.run(
        [sys.executable, "-c", FORKED, metric, first],
        capture_output=True, timeout=1200, env=os.environ | {"NUMBA_THREADING_LAYER": layer},
    )  # fmt: skip
    if layer == "omp" and first == "used":
        assert done.returncode == 7, done.stderr
        assert b'start processes by "spawn"' in done.stderr
    else:
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(b"\x93NUMPY")
        if first == "used":
            child, parent = (
                done.stdout[: len(done.stdout) // 2],
                done.stdout[len(done.stdout) // 2 :],
            )
            assert child == parent


def test_a_container_is_taken_at_its_word(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # as a container's limit counts
    with jit.threads(None) as n:
        assert n == 1
    with jit.threads(-1) as n:
        assert n == 1
    with jit.threads(2) as n:  # who names a number gets it
        assert n == min(2, numba.config.NUMBA_NUM_THREADS)


# Seconds of all processors together, and on the clock, of a fit by one thread.
USED = """
import sys, time
import numpy as np
from bhtsne import TSNE

X = np.random.default_rng(0).normal(size=(6000, 20)).astype(np.float32)
options = eval(sys.argv[1])
quick = {"perplexity": 10, "n_iter": 100, "early_exaggeration_iter": 50, "random_state": 0}
TSNE(**quick | options).fit(X[:500])
start = time.process_time(), time.perf_counter()
TSNE(**quick | options, n_jobs=1).fit(X).transform(X[:500])
print(time.process_time() - start[0], time.perf_counter() - start[1])
"""


@pytest.mark.full
@pytest.mark.parametrize(
    "options", [{}, {"neighbors": "forest"}, {"metric": "manhattan"}, {"init": "spectral"}]
)
def test_every_stage_obeys_n_jobs(options):
    """One thread at a time uses no more than the clock tells, however busy the machine is."""
    done = subprocess.run(
        [sys.executable, "-c", USED, repr(options)], capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, done.stderr
    used, passed = map(float, done.stdout.split())
    assert used < 1.1 * passed + 0.05
