"""Kernels with Numba's check of every index, and as plain Python: they come to the same."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

LONG = ["long"] * (os.environ.get("BHTSNE_LONG") == "1")

# Small cases of every kernel that a fit, a placement or a search runs.
CASES = """
import json, sys
import numpy as np
from bhtsne import SNE, TSNE, DynamicTSNE, affinities, forces, metrics, neighbors
from bhtsne.affinities.addition import plus_transpose

rng, out = np.random.default_rng(0), {}
X = rng.normal(size=(70, 5)).astype(np.float32)
X[:20] += 5
X[50:54] = X[50]
quick = {"perplexity": 6, "n_iter": 3, "early_exaggeration_iter": 3, "random_state": 0}
cases = {
    "2-D": {"theta": forces.AdaptiveTheta(1e-4)}, "3-D": {"n_components": 3, "dof": 0.7},
    "exact": {"method": "exact", "n_components": 5, "dof": 2.0},
    "multiscale": {"affinities": "multiscale", "perplexity": [3, 9], "init": "spectral"},
}
if "long" in sys.argv:
    cases |= {"1-D": {"n_components": 1}, "2-D, light": {"dof": 3.0}, "3-D, 1": {"n_components": 3}}
for name, options in cases.items():
    model = TSNE(**quick | options).fit(X)
    out[name] = model.embedding_, model.kl_per_point_
    out[name + ", placed"] = model.transform(X[:5] + 0.1, n_iter=2)
out["float64"] = neighbors.find(X.astype(np.float64) * 1e6, 9).distances
out["k-d tree"] = neighbors.find(X[:, :2], 9).distances
out["forest"] = neighbors.find(rng.normal(size=(1100, 9)), 5, method="forest", random_state=0)[1]
Y = rng.normal(size=(300, 2)) * 10
for dof in (1.0, 0.5) if "long" in sys.argv else (1.0,):
    out[f"far {dof}"] = forces.repulsion(Y, theta=0.8, dof=dof).force
    out[f"all pairs {dof}"] = forces.repulsion(Y, method="exact", dof=dof).force
for variant in ("sne", "uni-sne", "t-sne"):
    out[variant] = SNE(variant=variant, **quick).fit(X[:40]).embedding_
out["dynamic"] = DynamicTSNE(**quick, movement_penalty=0.1).fit([X, X + 1]).embeddings_
out["conditional"] = affinities.conditional_pairs(X, 9)
near = affinities.conditional(neighbors.find(X, 9), len(X), 3)
out["plus transpose"] = plus_transpose(near).toarray()
out["recall"] = metrics.neighbor_recall(X, X[:, :2], 9), metrics.trustworthiness(X, X[:, :2])
print(json.dumps({name: np.concatenate([np.ravel(part) for part in value]).tolist()
                  if isinstance(value, (tuple, list)) else np.ravel(value).tolist()
                  for name, value in out.items()}))
"""


def results(tmp_path, **environment):
    """Return what the cases come to in a process of its own, with a cache of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CASES, *LONG],
        capture_output=True, text=True, timeout=1200,
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)} | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: np.array(values) for name, values in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def compiled():
    return results(os.environ.get("NUMBA_CACHE_DIR", ""))


@pytest.mark.full
@pytest.mark.parametrize("watch", ["NUMBA_BOUNDSCHECK", "NUMBA_DISABLE_JIT"])
def test_small_cases_are_the_same_under_watch(watch, compiled, tmp_path):
    watched = results(tmp_path, **{watch: "1"}, NUMBA_OPT="1")  # compiled in less time
    assert watched.keys() == compiled.keys()
    assert len(watched) >= 18
    for name, values in compiled.items():
        extent = np.ptp(values) or 1.0
        np.testing.assert_allclose(watched[name], values, atol=1e-5 * extent, err_msg=name)
