"""Each parameter of any type and size: a finite result, or one refusal that names it."""

from functools import cache

import numpy as np
import pytest
from hypothesis import strategies as st
from outcomes import assert_finite, examples, odd_values, outcome

from bhtsne import (
    SNE,
    TSNE,
    DynamicTSNE,
    affinities,
    dynamic,
    forces,
    initial,
    metrics,
    neighbors,
    optimizer,
    sne,
    tree,
)

FEW = {"perplexity": 2, "n_iter": 5, "early_exaggeration_iter": 5, "random_state": 0, "n_jobs": 1}
X = np.random.default_rng(0).normal(size=(12, 3))
X.flags.writeable = False
NEAR = neighbors.find(X, 6)
P = affinities.perplexity(NEAR, 2)
Y = np.random.default_rng(1).normal(size=(12, 2))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Any text is a name for the folder of a checkpoint."""
    monkeypatch.chdir(tmp_path)


def several(names):
    """Return a strategy of one or two parameters and odd values for them."""
    return st.dictionaries(st.sampled_from(sorted(names)), odd_values(), min_size=1, max_size=2)


def model_fits(kind, odd, points, **more):
    """Fit with odd parameters; return the estimator, or None where one of them is refused."""
    # Any function may be a callback, and what it raises is its own.
    odd = {k: v for k, v in odd.items() if k != "callbacks" or not callable(v)}
    model = kind(**{**FEW, **more, **odd})
    # A rule for one parameter may name what it goes with.
    also = {"affinities": ["sigma", "neighbors"], "metric": ["X"]}
    names = [*odd, *(other for name in odd for other in also.get(name, []))]
    return outcome(lambda: model.fit(points), *names)


@examples(2400, odd=several(TSNE().get_params()), method=st.sampled_from(["barnes_hut", "exact"]))
def test_parameters_of_tsne(odd, method):
    model = model_fits(TSNE, odd, X, method=method)
    if model is not None:
        assert_finite([model.embedding_, model.affinities_, model.kl_per_point_])


@examples(
    800,
    odd=several(optimizer.Phase._fields),
    form=st.sampled_from([dict, lambda told: optimizer.Phase(**told)]),
    method=st.sampled_from(["barnes_hut", "exact"]),
)
def test_phases(odd, form, method):
    phases = [form({"n_iter": 3, **odd}), {"n_iter": 2}]
    model = outcome(lambda: TSNE(**FEW, method=method, schedule=phases).fit(X), *odd)
    assert model is None or assert_finite(model.embedding_) is None


@examples(800, odd=several(SNE().get_params()), variant=st.sampled_from(sne.VARIANTS))
def test_parameters_of_sne(odd, variant):
    model = model_fits(SNE, odd, X, variant=variant)
    assert model is None or assert_finite([model.embedding_, model.kl_divergence_]) is None


@examples(
    600, odd=several(DynamicTSNE().get_params()), method=st.sampled_from(["barnes_hut", "exact"])
)
def test_parameters_of_dynamic_tsne(odd, method):
    model = model_fits(DynamicTSNE, odd, [X, X + 0.1], method=method)
    assert model is None or assert_finite(model.embeddings_) is None


@examples(250, snapshots=odd_values(), ids=odd_values(), which=st.booleans())
def test_snapshots_and_ids(snapshots, ids, which):
    model = DynamicTSNE(**FEW)
    one = snapshots if which else [X, snapshots]
    outcome(lambda: model.fit(one), "snapshots", table=True)
    fitted = outcome(lambda: DynamicTSNE(**FEW).fit([X, X], ids=ids), "ids")
    assert fitted is None or len(fitted.embeddings_) == 2


METHODS = ("barnes_hut", "exact")
PLACING = ("perplexity", "exaggeration", "n_iter", "learning_rate", "momentum", "init")
GOING_ON = ("n_iter", "exaggeration", "learning_rate", "momentum", "theta")


@cache
def fitted(method):
    return TSNE(**FEW, method=method).fit(X)


@examples(1000, odd=several(PLACING), method=st.sampled_from(METHODS))
def test_parameters_of_transform(odd, method):
    placed = outcome(lambda: fitted(method).transform(X[:3], **{"n_iter": 3, **odd}), *odd)
    assert placed is None or assert_finite(placed) is None


@examples(1000, odd=several(GOING_ON), method=st.sampled_from(METHODS), add=st.booleans())
def test_parameters_of_optimize_and_add(odd, method, add):
    model = TSNE(**FEW, method=method).fit(X)
    before = model.embedding_
    options = {"n_iter": 3, **odd}
    names = [*odd, "learning_rate"] if "exaggeration" in odd else odd
    call = (lambda: model.add(X[:2], **options)) if add else (lambda: model.optimize(**options))
    if outcome(call, *names) is None:
        assert model.embedding_ is before
    assert_finite(model.embedding_)


# Each function, what it is given in order, and what of it may be odd.
FUNCTIONS = {
    neighbors.find: {"X": X, "k": 3, "metric": "euclidean", "metric_params": None,
                     "method": "exact", "random_state": 0},
    neighbors.query: {"X": X, "X_new": X[:2], "k": 3, "metric": "euclidean",
                      "metric_params": None},
    neighbors.given: {"graph": NEAR, "n": 12},
    affinities.perplexity: {"neighbors": NEAR, "perplexity": 2, "symmetrize": "mean"},
    affinities.multiscale: {"neighbors": NEAR, "perplexities": [1, 2], "symmetrize": "mean"},
    affinities.uniform: {"neighbors": NEAR, "k": 2, "symmetrize": "mean"},
    affinities.fixed_sigma: {"neighbors": NEAR, "sigma": 1.0, "symmetrize": "mean"},
    affinities.conditional: {"neighbors": NEAR, "n": 12, "perplexity": 2, "kind": "gaussian"},
    affinities.all_pairs: {"X": X, "perplexity": 2, "metric": "euclidean", "metric_params": None},
    affinities.conditional_pairs: {"X": X, "perplexity": 2, "sigma": None, "metric": "euclidean",
                                   "metric_params": None},
    affinities.shared_sigma: {"X": X, "perplexity": 2, "metric": "euclidean",
                              "metric_params": None},
    affinities.given: {"P": P, "n": 12},
    initial.pca: {"X": X, "n_components": 2, "random_state": 0},
    initial.random: {"n": 5, "n_components": 2, "random_state": 0},
    initial.spectral: {"P": P, "n_components": 2, "random_state": 0},
    initial.rescale: {"Y": Y, "sd": 1.0},
    initial.principal_components: {"X": X, "n_components": 2, "random_state": 0},
    forces.repulsion: {"Y": Y, "method": "barnes_hut", "theta": 0.5, "dof": 1.0},
    forces.attraction: {"P": P, "Y": Y, "dof": 1.0},
    forces.gradient: {"P": P, "Y": Y, "method": "barnes_hut", "theta": 0.5, "dof": 1.0,
                      "exaggeration": 1.0},
    forces.kl_divergence: {"P": P, "Y": Y, "method": "exact", "theta": 0.5, "dof": 1.0},
    tree.build: {"Y": Y, "leaf_size": 4, "group_size": 8},
    metrics.kl_per_point: {"P": P, "Y": Y, "method": "exact", "theta": 0.5, "dof": 1.0},
    metrics.neighbor_recall: {"X": X, "Y": Y, "k": 2, "metric": "euclidean"},
    metrics.neighbor_hit: {"X": X, "labels": list("aabbccddeeff"), "k": 2, "metric": "euclidean"},
    metrics.trustworthiness: {"X": X, "Y": Y, "k": 2, "metric": "euclidean"},
    metrics.distance_correlation: {"X": X, "Y": Y, "n_pairs": 20, "random_state": 0},
    metrics.align: {"Y": Y, "reference": Y},
    sne.divergence: {"P": P, "Y": Y, "variant": "t-sne", "background": 0.2},
    sne.gradient: {"P": P, "Y": Y, "variant": "uni-sne", "background": 0.2},
    dynamic.objective: {"P": [P, P], "maps": [Y, Y], "movement_penalty": 0.1, "ids": None,
                        "method": "exact"},
    dynamic.gradient: {"P": [P, P], "maps": [Y, Y], "movement_penalty": 0.1, "ids": None,
                       "method": "exact", "theta": 0.5},
    dynamic.movement: {"maps": [Y, Y], "ids": None},
}  # fmt: skip
POSITIONAL = {"X", "X_new", "Y", "P", "k", "neighbors", "graph", "n", "maps", "labels", "reference"}
# What else a rule for a parameter may be told by.
ALSO = {
    "X": ["k", "perplexity", "n_components", "labels", "Y"], "neighbors": ["perplexity"],
    "graph": ["neighbors"], "perplexities": ["perplexity"], "k": ["perplexity"],
    "n": ["neighbors", "P"],
    "maps": ["Y", "snapshots"], "metric": ["X"], "kind": ["sigma", "perplexity"],
    "n_components": ["X"],
    "labels": ["label"], "theta": ["Y"], "dof": ["Y"], "perplexity": ["affinities"],
}  # fmt: skip


@examples(3600, function=st.sampled_from(sorted(FUNCTIONS, key=str)), data=st.data())
def test_arguments_of_every_stage(function, data):
    arguments = FUNCTIONS[function]
    odd = data.draw(several(arguments))
    names = [*odd, *(also for name in odd for also in ALSO.get(name, []))]
    given = {**arguments, **odd}
    places = [given.pop(name) for name in list(arguments) if name in POSITIONAL]
    result = outcome(lambda: function(*places, **given), *names)
    if result is None:
        return
    result = result if isinstance(result, tuple | list) else [result]
    for part in result:
        if part is not None and np.ndim(getattr(part, "data", part)) >= 0:
            assert_finite(np.nan_to_num(part, posinf=0) if function is neighbors.given else part)
