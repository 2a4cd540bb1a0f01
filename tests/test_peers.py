"""The steps of openTSNE and scikit-learn, from one start and the same P, against those taken here.

openTSNE's rule is written out in NumPy, so that the agreement is tested where it isn't installed;
where it is, the rule is compared with it.
"""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import squareform
from sklearn import manifold
from sklearn.datasets import load_digits, load_iris

from bhtsne import TSNE, affinities, forces, optimizer, schedules
from bhtsne.forces.objective import KLDivergence

PHASES = ((40, 12.0), (20, 1.0))  # iterations and exaggeration


def problem(n):
    """Return P of some points, and a start that is wide enough for openTSNE's tree.

    That tree merges points that are closer than about 1e-6, as they are in a start of width 1e-4.
    """
    X = load_iris().data if n == 150 else load_digits().data[:n]
    start = np.random.default_rng(n).normal(size=(n, 2)).astype(np.float32)
    return affinities.all_pairs(X, 20), start - start.mean(axis=0)


def gradient(P, Y, exaggeration):
    """Return a quarter of the gradient of KL(P‖Q), as openTSNE has it."""
    apart = Y[:, None] - Y[None]
    w = 1 / (1 + (apart**2).sum(axis=2))
    np.fill_diagonal(w, 0)
    return (((exaggeration * P - w / w.sum()) * w)[:, :, None] * apart).sum(axis=1)


def steps_of_opentsne(P, Y, momentum=0.8):
    """Return the map after each iteration by the rule of openTSNE 1.0, in float64."""
    P, Y = P.toarray().astype(float), Y.astype(float)
    step, gains, maps = np.zeros_like(Y), np.ones_like(Y), []
    for n_iter, exaggeration in PHASES:
        rate = len(Y) / exaggeration
        for _ in range(n_iter):
            grad = gradient(P, Y, exaggeration)
            flipped = np.sign(step) != np.sign(grad)
            gains = np.where(flipped, gains + 0.2, gains * 0.8 + 0.01)
            step = momentum * step - rate * gains * grad
            length = np.linalg.norm(step, axis=1, keepdims=True)
            step = step * np.minimum(1, 5 / np.maximum(length, 1e-300))
            Y = Y + step
            Y = Y - Y.mean(axis=0)
            maps.append(Y)
    return np.array(maps)


def steps_here(P, start, phases):
    maps = []
    optimizer.run(
        optimizer.State(start),
        KLDivergence(P, "exact", 0.0, 1.0),
        phases,
        callbacks=lambda record, Y: maps.append(Y),
        callback_every=1,
    )
    return np.array(maps)


def differences(some, others):
    """Return the largest difference of each map, as part of the largest coordinate."""
    return np.abs(some - others).max(axis=(1, 2)) / np.abs(others).max(axis=(1, 2))


@pytest.mark.full(after=1)
@pytest.mark.parametrize("n", [150, 200])
def test_the_schedule_of_opentsne_takes_the_steps_of_opentsne(n):
    P, start = problem(n)
    counts = dict(zip(("early_exaggeration_iter", "n_iter"), (c for c, _ in PHASES), strict=True))
    here = steps_here(P, start, schedules.phases("opentsne", n, **counts))
    assert differences(here, steps_of_opentsne(P, start)).max() < 1e-5
    maps = []
    TSNE(
        affinities=P, init=start, method="exact", schedule="opentsne", **counts,
        callbacks=lambda record, Y: maps.append(Y), callback_every=1,
    ).fit(np.zeros((n, 1)))  # fmt: skip
    assert np.array_equal(maps, here)


@pytest.mark.parametrize("n", [150, 200])
def test_the_rule_is_that_of_the_installed_opentsne(n):
    openTSNE = pytest.importorskip("openTSNE")
    P, start = problem(n)
    known = openTSNE.affinity.PrecomputedAffinities(
        sparse.csr_matrix(P.astype(np.float64)), normalize=False
    )
    embedding = openTSNE.TSNEEmbedding(
        start.astype(np.float64), known, negative_gradient_method="bh", theta=0
    )
    maps = []  # as they are before each step
    watched = {"callbacks": [lambda *told: maps.append(np.array(told[2]))]}
    for n_iter, exaggeration in PHASES:
        embedding.optimize(
            n_iter, exaggeration=exaggeration, inplace=True, callbacks_every_iters=1, **watched
        )
    theirs = np.array([*maps[1:], np.array(embedding)])
    assert differences(steps_of_opentsne(P, start), theirs).max() < 1e-10


@pytest.mark.parametrize("n", [150, 200])
def test_the_early_exaggeration_of_scikit_learn_is_a_phase(n, monkeypatch):
    """Gains, gradient and units of the learning rate are the same; momentum is 0.5 there.

    Its "auto" would be 50 here, the least that it takes, of which single steps are longer than 5:
    it has no limit on them.
    """
    P, start = problem(n)
    inner, maps, rate = manifold._t_sne, [], n / 12 / 4
    condensed = squareform(P.toarray().astype(float), checks=False)
    divergence = inner._kl_divergence

    def watched(Y, *others, **options):
        maps.append(Y.reshape(n, 2).copy())
        return divergence(Y, *others, **options)

    monkeypatch.setattr(inner, "_joint_probabilities", lambda *_: condensed)
    monkeypatch.setattr(inner, "_kl_divergence", watched)
    manifold.TSNE(method="exact", init=start, learning_rate=rate, max_iter=250, perplexity=20).fit(
        np.eye(n)
    )
    here = steps_here(P, start, [optimizer.Phase(20, 12.0, rate, 0.5)])
    theirs = np.array(maps[1:21])
    theirs -= theirs.mean(axis=1, keepdims=True)  # maps drift there
    assert differences(here, theirs).max() < 1e-5


def test_symmetrize_none_makes_the_map_of_the_mean():
    X = np.random.default_rng(0).normal(size=(60, 5))
    given = {"perplexity": 5, "n_iter": 30, "random_state": 0}
    maps = [
        TSNE(affinities=affinities.Gaussian(symmetrize=how), **given).fit_transform(X)
        for how in (None, "mean")
    ]
    np.testing.assert_array_equal(*maps)


@pytest.mark.full
def test_scikit_learns_phases_are_those_that_the_docs_describe(monkeypatch):
    """250 + 750 iterations, N / 48 and at least 50, momentum 0.5 and 0.8, no limit on a step."""
    inner, seen = manifold._t_sne, []
    descent = inner._gradient_descent

    def watched(objective, start, it, max_iter, **options):
        seen.append((it, max_iter, options["momentum"], options["learning_rate"]))
        return descent(objective, start, it, max_iter, **options)

    monkeypatch.setattr(inner, "_gradient_descent", watched)
    rates = []
    for n in (150, 4800):
        X = np.random.default_rng(0).normal(size=(n, 3))
        options = {} if n == 150 else {"max_iter": 250}
        rates.append(manifold.TSNE(random_state=0, **options).fit(X).learning_rate_)
    assert rates == [50, 100]
    assert seen[0] == (0, 250, 0.5, 50)
    assert seen[1][1:] == (1000, 0.8, 50)
    P, start = problem(150)
    steps = []
    monkeypatch.undo()
    monkeypatch.setattr(
        inner, "_joint_probabilities", lambda *_: squareform(P.toarray().astype(float))
    )
    divergence = inner._kl_divergence
    monkeypatch.setattr(
        inner, "_kl_divergence",
        lambda Y, *rest, **o: (steps.append(Y.reshape(-1, 2).copy()), divergence(Y, *rest, **o))[1],
    )  # fmt: skip
    manifold.TSNE(method="exact", init=start, learning_rate=1000, max_iter=250).fit(np.eye(150))
    assert np.linalg.norm(np.diff(steps, axis=0), axis=2).max() > 5


def errors_at(theta):
    """Return the relative errors of F / Z at one θ: here, scikit-learn's and openTSNE's."""
    openTSNE = pytest.importorskip("openTSNE")
    from openTSNE.quad_tree import QuadTree
    from sklearn.manifold import _barnes_hut_tsne

    X = np.random.default_rng(0).normal(size=(3000, 2)) * 20
    Y = X.astype(np.float32)
    n, truth = len(Y), forces.repulsion(Y.astype(float), method="exact")
    truth = truth.force / truth.z
    fast = forces.repulsion(Y, theta=theta)
    theirs = np.zeros((n, 2), np.float32)
    _barnes_hut_tsne.gradient(
        np.zeros(n, np.float32), Y, np.arange(n, dtype=np.int64),
        np.arange(n + 1, dtype=np.int64), theirs, theta, 2, 0, num_threads=1,
    )  # fmt: skip
    gradient = np.zeros((n, 2))
    openTSNE._tsne.estimate_negative_gradient_bh(
        QuadTree(Y.astype(float)), Y.astype(float), gradient, theta=theta, num_threads=1
    )
    found = (fast.force / fast.z, theirs, gradient)
    sign = [np.sign((part * truth).sum()) for part in found]
    return [
        np.linalg.norm(s * part - truth) / np.linalg.norm(truth)
        for s, part in zip(sign, found, strict=True)
    ]


def test_the_force_error_is_below_a_hundredth_of_that_of_trees_without_quadrupoles():
    here, scikit_learn, opentsne = errors_at(0.5)
    assert here < scikit_learn / 10
    assert here < opentsne / 100
    assert errors_at(1.0)[0] < opentsne < errors_at(1.5)[0]


@pytest.mark.full
@pytest.mark.parametrize("library", ["sklearn", "openTSNE", "umap"])
def test_code_of_peers_in_the_docs_runs(library):
    pytest.importorskip(library)
    page = Path(__file__).parents[1] / "docs" / "coming.md"
    known = {"X": load_digits().data[:300], "X_new": load_digits().data[300:320]}
    found = [
        block for block in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        if re.match(rf"(from|import) {library}\b", block)
    ]  # fmt: skip
    assert found
    for block in found:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(block, str(page), "exec"), known)


@pytest.mark.full
def test_a_seed_of_umap_costs_threads_and_a_place_depends_on_its_batch():
    umap = pytest.importorskip("umap")
    X = load_digits().data[:500]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = umap.UMAP(n_neighbors=15, random_state=0, n_epochs=50).fit(X[:400])
        alone, together = model.transform(X[400:401]), model.transform(X[400:])
    assert any("n_jobs value" in str(one.message) for one in caught)
    assert not np.array_equal(alone[0], together[0])
    here = TSNE(random_state=0, n_iter=50).fit(X[:400])
    assert np.array_equal(here.transform(X[400:401])[0], here.transform(X[400:])[0])
