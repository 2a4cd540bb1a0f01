"""Real faults: processes killed at any instant, full disks, too little memory; nothing is lost.

In the long form at least 50 processes are killed, and the stages in which they were are told.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bhtsne import TSNE, datasets

resource = pytest.importorskip("resource", reason="limits and signals are those of POSIX")

LONG = os.environ.get("BHTSNE_LONG") == "1"
KILLS = 50 if LONG else 8
STAGES = ("before", "neighbors", "affinities", "optimization", "end")
LASTS = dict(
    zip(
        STAGES,
        (0.002, 0.4, 0.05, 0.6, 0.01) if LONG else (0.002, 0.02, 0.01, 0.1, 0.005),
        strict=True,
    )
)  # seconds, about
OPTIONS = {"perplexity": 15, "random_state": 5, "init": "spectral", "n_iter": 120,
           "early_exaggeration_iter": 60}  # fmt: skip
LAST_STATE = f"state-{OPTIONS['n_iter'] + OPTIONS['early_exaggeration_iter']:08}.npz"

FIT = """
import resource, sys
import numpy as np
from bhtsne import TSNE, memory
from bhtsne.checkpoint import Checkpointing

points, run, out, options, limit, size = sys.argv[1:]
options, X = eval(options), np.load(points, mmap_mode="r")
TSNE(**options | {"n_iter": 5, "early_exaggeration_iter": 5}).fit(X[:300])  # code is loaded
if limit:
    most = eval(size)
    resource.setrlimit(getattr(resource, limit), (most, most))
print("ready", flush=True)
model = TSNE(**options, checkpoint=Checkpointing(run, 5)).fit(X)
np.save(out, model.embedding_)
"""
BHTSNE = Path(sys.executable).with_name("bhtsne")


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    path = tmp_path_factory.mktemp("points") / "X.npy"
    np.save(path, datasets.clusters(12_000 if LONG else 3000, random_state=0).X.astype(np.float32))
    return path


@pytest.fixture(scope="module")
def whole(points):
    """Return the map of the fit that nothing stops."""
    return TSNE(**OPTIONS).fit(np.load(points)).embedding_


def begun(points, run, out, limit="", size=""):
    """Begin a fit in a process of its own; return that once its code is loaded."""
    process = subprocess.Popen(
        [sys.executable, "-c", FIT, points, run, out, repr(OPTIONS), limit, size],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def names(run):
    return {path.name for path in run.iterdir()} if run.exists() else set()


def half_written(run):
    return {name for name in names(run) if name.endswith(".tmp")}


def stage(run):
    """Return how far the files of a run are."""
    found = names(run)
    if "run.npz" not in found:
        return "before"
    if not any(name.startswith("state") for name in found):
        return "affinities" if "neighbors.npz" in found else "neighbors"
    return "end" if LAST_STATE in found else "optimization"


def wait_for(process, run, aim, rng):
    """Wait for an instant within a stage, or for the end."""
    while process.poll() is None and STAGES.index(stage(run)) < STAGES.index(aim):
        time.sleep(0.0005)
    time.sleep(rng.random() * LASTS[aim])


def check_readable(run):
    """Check that each file is whole, but for those whose name says that they are not."""
    for name in names(run) - half_written(run) - {"command.json", ".lock"}:
        with np.load(run / name, allow_pickle=False) as archive:
            assert all(archive[part] is not None for part in archive.files)


@pytest.mark.full
def test_killed_at_any_instant_a_run_comes_to_the_same_map(points, whole, tmp_path, capsys):
    rng, hit, amid, maps = random.Random(None if LONG else 0), Counter(), 0, 0
    while hit.total() < KILLS or set(hit) < set(STAGES):
        run, out = tmp_path / f"run{maps}", tmp_path / f"map{maps}.npy"
        for aim in [*STAGES, None]:
            process = begun(points, run, out)
            if aim is not None:
                wait_for(process, run, aim, rng)
                process.send_signal(signal.SIGKILL)
            _, said = process.communicate(timeout=1200)
            if process.returncode == 0:
                break
            assert process.returncode == -signal.SIGKILL, said
            hit[stage(run)] += 1
            amid += bool(half_written(run))
            check_readable(run)
        np.testing.assert_array_equal(np.load(out), whole)
        assert len(names(run)) == 6, "whose run, points, two stages and two states, no more"
        maps += 1
    with capsys.disabled():
        told = ", ".join(f"{name} {hit[name]}" for name in STAGES)
        print(f"\n{hit.total()} killed ({told}; {amid} amid a file), {maps} maps of the same bits")


EMBED = ["embed", "--quiet", "--n-iter", "500", "--perplexity", "15"]


@pytest.fixture(scope="module")
def uninterrupted(points, tmp_path_factory):
    """Return the file of a map by the command that nothing stops."""
    path = tmp_path_factory.mktemp("whole") / "whole.npy"
    subprocess.run([BHTSNE, *EMBED, points, "-o", path], check=True)
    return path


@pytest.mark.full(after=1)
@pytest.mark.parametrize(
    ("how", "aim"),
    [
        (signal.SIGKILL, "optimization"),
        (signal.SIGINT, "neighbors"),
        (signal.SIGTERM, "optimization"),
    ],
)
def test_an_interrupted_command_is_resumed_to_the_same_map(
    how, aim, points, uninterrupted, tmp_path
):
    run = tmp_path / "run"
    process = subprocess.Popen(
        [BHTSNE, *EMBED, points, "-o", "map.npy", "--checkpoint", run], cwd=tmp_path,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # which `&` ignores
    )  # fmt: skip
    wait_for(process, run, aim, random.Random(1))
    process.send_signal(how)
    assert process.wait(timeout=1200) == (-how if how == signal.SIGKILL else 130)
    check_readable(run)
    subprocess.run([BHTSNE, "resume", run], check=True)
    assert (tmp_path / "map.npy").read_bytes() == uninterrupted.read_bytes()
    assert not half_written(run) | half_written(tmp_path)


# No file may be larger: half of P, one state, or what says whose run it is.
@pytest.mark.full
@pytest.mark.parametrize("size", ["600_000", "70_000", "500"])
def test_on_a_full_disk_the_run_goes_on_or_never_begins(size, points, whole, tmp_path):
    run, out = tmp_path / "run", tmp_path / "map.npy"
    process = begun(points, run, out, "RLIMIT_FSIZE", size)
    _, said = process.communicate(timeout=1200)
    check_readable(run)
    assert not half_written(run) | half_written(tmp_path)
    if size == "500":
        assert process.returncode == 1
        assert "File too large" in said.splitlines()[-1]
    else:
        assert "(File too large)" in said or "File too large" in said
        assert "the run goes on" in said
    again = begun(points, run, out)
    assert again.communicate(timeout=1200)[1] == ""
    np.testing.assert_array_equal(np.load(out), whole)


@pytest.mark.full
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells what is in use")
def test_without_the_memory_a_run_is_refused_with_the_figure(points, whole, tmp_path):
    run, out = tmp_path / "run", tmp_path / "map.npy"
    left = "(4 << 20) + int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()"
    _, said = begun(points, run, out, "RLIMIT_AS", left).communicate(timeout=1200)
    assert "points at perplexity 15 need about 0.0" in said.splitlines()[-1]
    assert said.splitlines()[-1].startswith("MemoryError: The ")
    check_readable(run)
    assert begun(points, run, out).communicate(timeout=1200)[1] == ""
    np.testing.assert_array_equal(np.load(out), whole)


CACHES = {
    "full": "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))",
    "nowhere": "os.environ['NUMBA_CACHE_DIR'] = '/dev/null/cache'",
    "torn": "",
}


@pytest.mark.full
@pytest.mark.parametrize("how", CACHES)
def test_a_cache_that_fails_costs_a_compilation_only(how, tmp_path):
    code = (
        f"import os, resource; {CACHES[how]}\n"
        "import numpy as np; from bhtsne.optimizer.step import Motion, advanced\n"
        "ones = np.ones((3, 2), np.float32)\n"
        "print(advanced(Motion(ones, ones, ones), ones, 0.5, 0.5))"
    )

    def run():
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=1200,
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        ).stdout  # fmt: skip

    first = run()
    if how == "torn":
        for k, path in enumerate(sorted(tmp_path.rglob("*.nb?"))):
            path.write_bytes(path.read_bytes()[: (0, 100, 1000)[k % 3]])
    assert run() == first
