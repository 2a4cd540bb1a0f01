"""One seed, one map: the same bits whatever threads, threading layer, process or way of fitting."""

import importlib.util
import json
import os
import platform
import subprocess
import sys
from itertools import product

import pytest
from llvmlite import binding

LONG = os.environ.get("BHTSNE_LONG") == "1"

# Each case of a fit, as the SHA-256 of all that it comes to.
FITS = """
import hashlib, json, os, sys, tempfile
import numba
import numpy as np
from sklearn.pipeline import make_pipeline
from bhtsne import DynamicTSNE, TSNE, forces

X = np.random.default_rng(0).normal(size=(600, 12)).astype(np.float32)
X[:200] += 4
n_jobs = int(sys.argv[1])
quick = {"perplexity": 15, "n_iter": 60, "early_exaggeration_iter": 40, "random_state": 7,
         "n_jobs": n_jobs}
cases = {
    "default": {}, "exact": {"method": "exact"}, "forest": {"neighbors": "forest"},
    "k-d tree": {"n_components": 1}, "3-D": {"n_components": 3, "dof": 0.6},
    "spectral": {"init": "spectral"},
    "random": {"init": "random", "theta": forces.AdaptiveTheta(1e-4)},
    "multiscale": {"affinities": "multiscale", "perplexity": [5, 30]},
    "manhattan": {"metric": "manhattan"},
}
if "pynndescent" in sys.argv:
    cases["pynndescent"] = {"neighbors": "pynndescent"}

def told(model):
    parts = [model.embedding_, model.kl_per_point_, model.affinities_.data, model.transform(X[:40])]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()

def stop(record, _):
    if record.iteration == 50:
        raise KeyboardInterrupt

out = {}
for name, options in cases.items():
    points = X[:, :3] if name == "k-d tree" else X
    out[name] = told(TSNE(**quick | options).fit(points)) if points is X else hashlib.sha256(
        TSNE(**quick | options).fit_transform(points).tobytes()).hexdigest()
with tempfile.TemporaryDirectory() as folder:
    TSNE(**quick, checkpoint=folder + "/run").fit(X)
    assert told(TSNE.resume(folder + "/run", n_jobs=n_jobs)) == out["default"]
with tempfile.TemporaryDirectory() as folder:
    TSNE(**quick, checkpoint=folder + "/run", callbacks=[stop]).fit(X)
    assert told(TSNE.resume(folder + "/run", n_jobs=n_jobs)) == out["default"]
pipeline = make_pipeline("passthrough", TSNE(**quick)).fit(X)
assert told(pipeline[-1]) == out["default"]
maps = DynamicTSNE(**quick).fit([X, X + 1]).embeddings_
out["dynamic"] = hashlib.sha256(b"".join(Y.tobytes() for Y in maps)).hexdigest()
print(json.dumps({"fits": out, "layer": numba.threading_layer()}))
"""


def fits(layer, threads, n_jobs, *more):
    """Return the sums of all fits in a process of its own."""
    environment = {"NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-c", FITS, str(n_jobs), *more],
        capture_output=True, text=True, timeout=1800, env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["layer"] == layer
    return told["fits"]


LAYERS = ["omp", "workqueue", *(["tbb"] if importlib.util.find_spec("tbb") else [])]
MATRIX = [(layer, 4, n_jobs) for layer, n_jobs in product(LAYERS, (1, 2, 4))]
# Of the matrix, in short: each layer, and each number of threads.
FEW = list(zip(LAYERS, (4, 4, 4), (2, 4, 1), strict=False))


@pytest.fixture(scope="module")
def alone():
    """Return the sums by one thread, in a process that knows of no other."""
    return fits(LAYERS[0], 1, 1, *(["pynndescent"] if LONG else []))


@pytest.mark.full
@pytest.mark.parametrize(("layer", "threads", "n_jobs"), MATRIX if LONG else FEW)
def test_threads_and_their_layer_change_no_bit(layer, threads, n_jobs, alone):
    assert len(alone) >= 10
    assert fits(layer, threads, n_jobs, *(["pynndescent"] if LONG else [])) == alone


# The heap changes from fit to fit, and with it what lies behind the coordinates of the tree.
AGAIN = """
import numpy as np
from bhtsne import TSNE, LandmarkTSNE, datasets

X = datasets.clusters(1500, 10, random_state=0).X
tsne, maps, held = TSNE(perplexity=10, early_exaggeration_iter=60, n_iter=40), set(), []
for k in range(40):
    model = LandmarkTSNE(300, tsne=tsne, block=400, random_state=0, n_jobs=1).fit(X)
    maps.add(model.tsne_.embedding_.tobytes())
    held.append(np.empty(np.random.default_rng(k).integers(1000, 100_000)))
print(len(maps))
"""


def has_avx2():
    features = binding.get_host_cpu_features() if platform.machine() in ("x86_64", "AMD64") else {}
    return all(features.get(name) for name in ("avx2", "fma", "bmi2"))


@pytest.mark.full
@pytest.mark.skipif(not has_avx2(), reason="code for AVX2 does not run here")
def test_the_place_of_arrays_in_memory_changes_no_bit_with_avx2(tmp_path):
    environment = os.environ | {
        "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma,+avx,+sse4.2,+bmi,+bmi2",
        "NUMBA_CACHE_DIR": str(tmp_path),
    }  # fmt: skip
    command = [sys.executable, "-c", AGAIN]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=True)
    assert done.stdout == "1\n"
