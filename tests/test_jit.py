"""Threads are counted, restored and locked; kernels are cached, or compiled in each process."""

import json
import os
import subprocess
import sys
import threading
import time

import filelock
import numba
import numpy as np
import pytest
import threadpoolctl
from numba import prange
from numba.core.codegen import CPUCodeLibrary

from bhtsne import forces, jit, numba_internals
from bhtsne.forces.counting import advance

ALL = numba.config.NUMBA_NUM_THREADS


def run(code, seconds=1200, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize(
    ("n_jobs", "expected"),
    [
        (None, ALL),
        (-1, ALL),
        (1, 1),
        (2, min(2, ALL)),
        (np.int64(1), 1),
        (10**9, ALL),
        (-2, max(ALL - 1, 1)),
        (-(10**9), 1),
    ],
)
def test_n_jobs_counts_as_in_scikit_learn(n_jobs, expected, monkeypatch):
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    before = numba.get_num_threads()
    with jit.threads(n_jobs) as n:
        assert n == expected == numba.get_num_threads() == jit.n_threads()
    assert numba.get_num_threads() == before


@pytest.mark.parametrize("n_jobs", [0, True, False, 2.0, 1.5, np.nan, np.inf])
def test_impossible_n_jobs_are_refused(n_jobs):
    before = numba.get_num_threads()
    with pytest.raises(ValueError, match=r"n_jobs must be None or a whole number other than 0"):
        jit.threads(n_jobs).__enter__()
    assert numba.get_num_threads() == before


def test_the_number_of_threads_is_restored_on_every_way_out():
    def fail():
        with jit.threads(1):
            raise KeyboardInterrupt

    with jit.threads(ALL):
        with jit.threads(1):
            with jit.threads(ALL):
                assert numba.get_num_threads() == ALL
            assert numba.get_num_threads() == 1
            with pytest.raises(ZeroDivisionError), jit.threads(ALL):
                _ = 1 / 0
            assert numba.get_num_threads() == 1
        with pytest.raises(KeyboardInterrupt):
            fail()
        assert numba.get_num_threads() == ALL


def test_a_guarded_library_cannot_keep_its_number_of_threads():
    def careless():
        with jit.guarded():
            numba.set_num_threads(1)
            raise KeyError

    with jit.threads(ALL):
        with jit.guarded():
            numba.set_num_threads(1)
        assert numba.get_num_threads() == ALL
        with pytest.raises(KeyError):
            careless()
        assert numba.get_num_threads() == ALL


def blas_threads():
    pools = threadpoolctl.threadpool_info()
    return [pool["num_threads"] for pool in pools if pool["user_api"] == "blas"]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(("n", "block"), [(10, 3), (9, 3), (1, 5), (5, 1)])
def test_map_blocks_covers_the_range_in_order(n, block, n_jobs):
    def late_first(start, stop):
        time.sleep(0.01 if start == 0 else 0)
        return list(range(start, stop))

    with jit.threads(n_jobs):
        parts = jit.map_blocks(late_first, n, block)
    assert [i for part in parts for i in part] == list(range(n))
    assert [len(part) for part in parts[:-1]] == [block] * (len(parts) - 1)
    assert jit.map_blocks(late_first, 0, block) == []


def test_map_blocks_holds_blas_to_one_thread_and_then_lets_go():
    before = blas_threads()
    assert before
    inside = jit.map_blocks(lambda *_: blas_threads(), 3, 1)
    assert all(set(count) == {1} for count in inside)
    assert blas_threads() == before


def test_map_blocks_passes_an_exception_on_and_starts_nothing_after_it():
    before, begun = blas_threads(), []

    def fail(start, stop):
        begun.append(start)
        time.sleep(0.001)
        if start == 2:
            raise ValueError("the third")

    with jit.threads(1), pytest.raises(ValueError, match="the third"):
        jit.map_blocks(fail, 1000, 1)
    assert len(begun) < 100
    assert blas_threads() == before
    assert jit.map_blocks(lambda start, stop: start, 2, 1) == [0, 1]  # the lock is free again


def test_map_blocks_uses_as_many_threads_as_kernels_do():
    def name(start, stop):
        if start < n:
            together.wait(60)  # until each thread has one of the first blocks
        return threading.get_ident()

    for n_jobs in (1, 2):
        with jit.threads(n_jobs) as n:
            together = threading.Barrier(n)
            assert len(set(jit.map_blocks(name, 8, 1))) == n


@jit.parallel
def doubled(x):
    for i in numba.prange(len(x)):
        x[i] *= 2


CALLS_IN_A_BLOCK = {
    "a parallel kernel": lambda: doubled(np.ones(3)),
    "map_blocks": lambda: jit.map_blocks(lambda *_: 0, 2, 1),
    "guarded": lambda: jit.guarded().__enter__(),
}


@pytest.mark.parametrize("call", CALLS_IN_A_BLOCK.values(), ids=CALLS_IN_A_BLOCK)
def test_parallel_code_inside_a_block_is_an_error_and_no_deadlock(call):
    with jit.threads(2), pytest.raises(AssertionError, match="must call no parallel kernel"):
        jit.map_blocks(lambda *_: call(), 2, 1)
    x = np.ones(3)
    doubled(x)  # outside a block it runs, and the lock is free again
    np.testing.assert_array_equal(x, [2, 2, 2])


# The workqueue layer is the one that aborts the process when two threads launch parallel code.
TOGETHER = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from bhtsne import affinities, neighbors

sys.setswitchinterval(1e-5)
X = np.random.default_rng(0).normal(size=(3, 400, 12))
found = [neighbors.find(x, 60) for x in X]
alone = [affinities.perplexity(f, 20).toarray() for f in found]
start = threading.Barrier(3)

def work(i):
    start.wait()
    return all(np.array_equal(affinities.perplexity(found[i], 20).toarray(), alone[i])
               for _ in range(20))

with ThreadPoolExecutor(3) as pool:
    print(*pool.map(work, range(3)))
"""


@pytest.mark.full
def test_kernels_may_be_called_from_several_threads_at_once():
    out = run(TOGETHER, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS="2")
    assert out.split() == ["True"] * 3


# Imports of libraries hold a lock of the system's loader, as does the lookup of thread pools.
IMPORTING = """
import importlib, threading
from bhtsne import jit

imported = threading.Event()

def look_up():
    while not imported.is_set():
        jit._libraries.cache_clear()
        jit.map_blocks(lambda start, stop: None, 1, 1)

thread = threading.Thread(target=look_up)
thread.start()
for name in ("scipy.spatial", "scipy.optimize", "scipy.ndimage", "scipy.stats", "pandas"):
    importlib.import_module(name)
imported.set()
thread.join()
"""


def test_blocks_run_while_another_thread_imports_libraries():
    run(IMPORTING, seconds=120)


SOURCE = """
def add(x):
    for i in numba.prange(len(x)):
        x[i] += 1
"""


@pytest.mark.parametrize("decorator", [jit.serial, jit.parallel])
def test_where_nothing_can_be_cached_kernels_run_all_the_same(decorator):
    space = {"numba": numba}
    exec(compile(SOURCE, "<nowhere>", "exec"), space)
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(space["add"])
    x = np.zeros(3)
    decorator(space["add"])(x)
    np.testing.assert_array_equal(x, [1, 1, 1])


# What numba counts for each kernel of the package, after a small fit.
FIT = """
import importlib, json, pkgutil, warnings
import numpy as np
from numba import NumbaWarning
import bhtsne

warnings.simplefilter("error", NumbaWarning)
X = np.random.default_rng(0).normal(size=(60, 9)).astype(np.float32)
for method in ("barnes_hut", "exact"):
    bhtsne.TSNE(perplexity=5, method=method, n_iter=20, random_state=0).fit(X)
stats = {}
for module in pkgutil.walk_packages(bhtsne.__path__, "bhtsne."):
    for name, value in vars(importlib.import_module(module.name)).items():
        kernel = getattr(value, "dispatcher", value)
        if hasattr(kernel, "stats") and kernel.__module__ == module.name:
            found = kernel.stats
            stats[f"{module.name}.{name}"] = [
                found.cache_path is not None,
                sum(found.cache_hits.values()),
                sum(found.cache_misses.values()),
            ]
print(json.dumps(stats))
"""


@pytest.mark.full
def test_every_kernel_comes_from_the_cache_in_the_next_process():
    run(FIT)
    stats = json.loads(run(FIT))
    assert len(stats) > 20
    assert [name for name, (has_path, _, _) in stats.items() if not has_path] == []
    assert [name for name, (_, _, misses) in stats.items() if misses] == []
    assert sum(hits for _, hits, _ in stats.values()) > 8


# Two maps: every loop in which threads share a sum.
BITS = """
import hashlib
import numpy as np
import bhtsne

X = np.random.default_rng(0).normal(size=(300, 9)).astype(np.float32)
for options in ({}, {"method": "exact"}):
    model = bhtsne.TSNE(perplexity=5, n_iter=20, random_state=0, **options).fit(X)
    parts = model.embedding_, model.kl_per_point_, model.transform(X[:50])
    print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
"""


@pytest.mark.full
def test_the_process_that_compiles_has_the_bits_of_those_that_do_not(tmp_path):
    first, second = (run(BITS, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first == second


def each_once(seen, n, fails_at=None):
    """Return a function that threads call together to count to n."""
    counter = np.zeros(1, np.int64)

    def count():
        i = advanced_by_one(counter)
        while i < n:
            if i == fails_at:
                raise ValueError("from a call")
            seen.append(i)
            i = advanced_by_one(counter)

    return count


@jit.serial
def advanced_by_one(counter):
    return advance(counter, 1)


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_each_part_is_done_once_beside_other_work(n_jobs, alone):
    seen, here = [], []
    with jit.threads(n_jobs):
        result = jit.run_beside(
            lambda: here.append(threading.get_ident()) or "done", each_once(seen, 1003), alone=alone
        )
    assert (result, here) == ("done", [threading.get_ident()])
    assert sorted(seen) == list(range(1003))


def test_a_thread_that_has_not_begun_is_not_waited_for():
    begun, free = threading.Event(), threading.Event()

    def hold():  # the only other thread
        begun.set()
        free.wait(10)

    with jit.threads(2):
        holding = jit._helpers(1).submit(hold)
        begun.wait(60)
        seen = []
        assert jit.run_beside(lambda: "done", each_once(seen, 100)) == "done"
        assert not holding.done()
        free.set()
        holding.result()
    assert sorted(seen) == list(range(100))


@pytest.mark.parametrize("fails", ["work", "call"])
def test_an_error_beside_other_work_is_raised_when_all_threads_are_idle(fails):
    seen = []

    def work():
        if fails == "work":
            raise ValueError("from the work")

    call = each_once(seen, 1000, 500 if fails == "call" else None)
    with jit.threads(2), pytest.raises(ValueError, match=f"from .* {fails}"):
        jit.run_beside(work, call)
    count = len(seen)
    with jit.threads(2):
        assert jit.run_beside(lambda: 1, each_once(seen, 3)) == 1  # the threads still serve
    assert len(seen) == count + 3


@jit.parallel
def _numbers(counter, step, times, out):
    for task in prange(len(out)):
        for k in range(times):
            out[task, k] = advance(counter, step)


def test_threads_that_advance_a_counter_never_get_the_same_number():
    counter, out = np.array([5]), np.empty((8, 20_000), np.int64)
    with jit.threads(2):
        _numbers(counter, 3, out.shape[1], out)
    assert counter[0] == 5 + 3 * out.size
    np.testing.assert_array_equal(np.sort(out, axis=None), np.arange(5, counter[0], 3))


SIGNATURES = """
from bhtsne import TSNE, datasets
from bhtsne.fitting import compilation
from bhtsne.forces import barnes_hut, edges, objective
from bhtsne.optimizer import step

options = dict(n_components=int(sys.argv[1]), dof=float(sys.argv[2]))
kernels = [barnes_hut.sum_groups, edges._sum_rows, objective._combine, step._step]
compilation.compile_kernels(**options)
early = [list(getattr(kernel, "dispatcher", kernel).signatures) for kernel in kernels]
TSNE(n_iter=3, random_state=0, **options).fit(datasets.digits().X[:300])
assert early == [getattr(kernel, "dispatcher", kernel).signatures for kernel in kernels]
assert [len(signatures) for signatures in early] == [1] * 4
"""


@pytest.mark.full(after=1)
@pytest.mark.parametrize("options", [("2", "1"), ("3", "0.7"), ("1", "1")])
def test_kernels_compiled_early_are_those_of_a_fit(options):
    code = f"import sys; sys.argv[1:] = {options}{SIGNATURES}"
    run(code)


@pytest.mark.full
def test_a_process_waits_for_the_kernel_that_another_compiles(tmp_path):
    code = (
        "from bhtsne import jit, numba_internals; numba_internals._PATIENCE = 1.0\n"
        "from bhtsne.forces import sums; calls = []\n"
        "with jit.when_compiling(calls.append): sums._power(2.0, -1.0)\n"
        "print(calls.count(0))"  # calls before anything is compiled here
    )
    assert run(code, NUMBA_CACHE_DIR=str(tmp_path)).strip() == "0"
    (index,) = tmp_path.rglob("sums._power*.nbi")
    index.unlink()
    with filelock.FileLock(f"{index}.lock"):  # of a process that has stopped
        assert int(run(code, NUMBA_CACHE_DIR=str(tmp_path))) > 1


@pytest.mark.full
def test_compiling_is_reported_and_loading_is_not(tmp_path):
    code = (
        "from bhtsne import jit, forces; calls = []\n"
        "with jit.when_compiling(calls.append): "
        "forces.repulsion([[0., 1.], [2., 3.]], method='exact')\n"
        "print(calls == list(range(1, len(calls) + 1)), bool(calls))"
    )
    said = [run(code, NUMBA_CACHE_DIR=str(tmp_path)).strip() for _ in range(2)]
    assert said == ["True True", "True False"]


@pytest.mark.full(after=1)
@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, "2000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, "None")],
)
def test_waiting_threads_do_not_hold_up_others_unless_they_are_to(
    environment, expected, monkeypatch
):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    code = "import os, bhtsne.jit; print(os.environ.get('GOMP_SPINCOUNT'))"
    assert run(code, **environment).strip() == expected


def test_this_version_of_numba_has_every_part():
    assert numba_internals.SUPPORT == (True, True, True)


def test_a_code_library_without_its_private_parts_is_noticed(monkeypatch):
    assert numba_internals._found(numba_internals._dispatcher) is not None
    monkeypatch.delattr(CPUCodeLibrary, "_finalize_final_module")
    assert numba_internals._found(numba_internals._dispatcher) is None


def test_a_function_is_compiled_for_python_after_a_kernel_has_linked_it(monkeypatch):
    monkeypatch.setattr(numba_internals, "_CACHE", None)  # where nothing is loaded instead

    def half(x):
        return x / 2

    half = jit.serial(half)
    quarter = jit.serial(lambda x: half(half(x)))
    assert quarter(10.0) == 2.5
    (linked,) = half.overloads.values()
    assert not linked.library.get_pointer_to_function(linked.fndesc.llvm_cpython_wrapper_name)
    assert half(10.0) == 5.0
    assert quarter(6.0) == 1.5
    assert half(10) == 5.0


# Another version of Numba: a part that a probe looks for is missing.
WITHOUT = """
import json
import numpy as np
from numba.core import caching, event, typed_passes

module, name = {part}
part = getattr(module, name)
delattr(module, name)
from bhtsne import numba_internals
setattr(module, name, part)  # Numba itself needs it
from bhtsne import cli, forces, jit

calls = []
Y = np.random.default_rng(0).normal(size=(500, 2))
with jit.when_compiling(calls.append):
    force, z = forces.repulsion(Y, method="exact")  # a kernel that calls others, soon compiled
print(json.dumps([numba_internals.SUPPORT, len(calls), z, force.tolist(), jit.cache_folders()]))
cli.main(["info"])
cli.main(["info", "--json"])
"""
PARTS = {
    "reproducible_code": "(typed_passes, 'AnnotateTypes')",
    "cache": "(caching, 'FunctionCache')",
    "compilation_events": "(event, 'install_listener')",
}
OFF = {
    "reproducible_code": "off: the same bits in every process",
    "cache": "off: cached kernels",
    "compilation_events": "off: progress of compilation",
}


@pytest.mark.full
@pytest.mark.parametrize("missing", PARTS)
def test_without_a_private_part_kernels_run_and_the_promise_is_off(missing, tmp_path):
    code = WITHOUT.format(part=PARTS[missing])
    first, *rows, last = run(code, NUMBA_CACHE_DIR=str(tmp_path)).splitlines()
    support, calls, z, force, folders = json.loads(first)
    expected = {name: name != missing for name in PARTS}
    assert dict(zip(PARTS, support, strict=True)) == expected
    assert json.loads(last)["numba_internals"] == expected
    assert any(OFF[missing] in row for row in rows)
    assert not any(text in row for row in rows for name, text in OFF.items() if name != missing)
    assert (calls > 0) == (missing != "compilation_events")
    assert bool(folders) == any(tmp_path.rglob("*.nbi")) == (missing != "cache")
    Y = np.random.default_rng(0).normal(size=(500, 2))
    truth = forces.repulsion(Y, method="exact")
    np.testing.assert_allclose(force, truth.force, atol=1e-4 * abs(truth.force).max())
    assert z == pytest.approx(truth.z, rel=1e-6)


CALLER = """
import numpy as np
from bhtsne import jit
from constants import FACTOR

@jit.serial
def times(x):
    return x * FACTOR
"""


@pytest.mark.full
def test_a_change_in_another_file_of_the_folder_renews_a_cached_kernel(tmp_path):
    (tmp_path / "caller.py").write_text(CALLER)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import caller; print(caller.times(10), sum(caller.times.stats.cache_hits.values()))"
    )
    found = []
    for factor in (2, 2, 33):
        (tmp_path / "constants.py").write_text(f"FACTOR = {factor}\n")
        os.utime(tmp_path / "constants.py", (1, factor))
        found.append(run(code, PYTHONDONTWRITEBYTECODE="1").split())
    assert found == [["20", "0"], ["20", "1"], ["330", "0"]]
