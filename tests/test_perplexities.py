"""Perplexities against few points, several perplexities, and what follows of them."""

import re
import warnings

import numpy as np
import pytest

from bhtsne import SNE, TSNE, DynamicTSNE, LandmarkTSNE, affinities, neighbors
from bhtsne.affinities.kinds import as_kind
from bhtsne.fitting.perplexities import effective, warn_if_lowered

KINDS = [kind(0.5) if name == "fixed_sigma" else kind() for name, kind in affinities.KINDS.items()]
QUICK = {"n_iter": 30, "early_exaggeration_iter": 30, "random_state": 0}
LOWERED = pytest.warns(UserWarning, match="perplexity 30 is too large")


def points(n, d=3):
    return np.random.default_rng(n).normal(size=(n, d))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_advice_of_the_warning_is_taken_without_another(kind):
    for n in [*range(2, 101), 1002, 5000]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warn_if_lowered(10_000, kind, n - 1, n - 1)
        assert len(caught) == (kind.name != "fixed_sigma")
        for warning in caught:
            text = str(warning.message)
            assert len(text) < 200
            advised = float(re.search(r"set perplexity to ([\d.]+) or less", text)[1])
            assert 1 <= advised <= max((n - 1) / 3, 1)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warn_if_lowered(advised, kind, n - 1, n - 1)


@pytest.mark.parametrize("n", range(3, 101))
def test_the_advice_of_the_stages_error_is_taken(n):
    near = neighbors.find(points(n), n - 1, method="exact")
    with pytest.raises(ValueError, match="sensible most") as error:
        affinities.perplexity(near, n)
    advised = float(re.search(r"; ([\d.]+) is a sensible", str(error.value))[1])
    assert affinities.perplexity(near, advised).nnz


@pytest.mark.parametrize("method", ["barnes_hut", "exact"])
@pytest.mark.parametrize("n", [2, 3, 4, 10, 31])
def test_few_points_have_a_map_by_default(n, method):
    X = points(n)
    with LOWERED as caught:
        model = TSNE(method=method, **QUICK).fit(X)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.isfinite(model.embedding_).all()
    apart = np.linalg.norm(model.embedding_[:, None] - model.embedding_, axis=2)
    assert apart[~np.eye(n, dtype=bool)].min() > 1e-6
    assert np.isfinite(model.transform(X)).all()  # without a warning


def test_the_lowered_perplexity_is_a_third_of_the_neighbours_everywhere():
    X = points(31)
    few = TSNE(perplexity=10, **QUICK).fit(X)
    for make in (TSNE, lambda **k: TSNE(method="exact", **k), SNE):
        plain = make(perplexity=10, **QUICK).fit(X)
        with LOWERED:
            lowered = make(**QUICK).fit(X)
        assert np.array_equal(lowered.embedding_, plain.embedding_)
    with LOWERED:
        sequence = DynamicTSNE(movement_penalty=0, **QUICK).fit([X, X])
    assert (sequence.affinities_[0] != few.affinities_).nnz == 0
    with LOWERED:
        LandmarkTSNE(31, tsne=TSNE(**QUICK), random_state=0).fit(X)
    with LOWERED:
        TSNE(neighbors=few.neighbors_, **QUICK).fit(X)


def test_several_perplexities_are_lowered_each():
    assert effective([5, 30, 300], as_kind("multiscale"), 60, 60) == [5, 20]
    assert effective(30, as_kind("perplexity"), 90, 1000) == 30
    assert effective(10.5, as_kind("perplexity"), 31, 1000) == 10.5
    assert effective(15, as_kind("uniform"), 15, 1000) == 15
    assert effective(15, as_kind("uniform"), 15, 15) == 5


@pytest.mark.parametrize("method", ["barnes_hut", "exact"])
def test_several_perplexities_mean_multiscale(method):
    X, several = points(120), [5, 20]
    model = TSNE(perplexity=several, method=method, **QUICK).fit(X)
    named = TSNE(perplexity=several, affinities="multiscale", method=method, **QUICK).fit(X)
    assert np.array_equal(model.embedding_, named.embedding_)
    assert np.array_equal(model.transform(X[:9]), named.transform(X[:9]))
    placed = TSNE(perplexity=20, **QUICK).fit(X).transform(X[:9], perplexity=[2, 9])
    assert np.isfinite(placed).all()


@pytest.mark.full(after=2)
@pytest.mark.parametrize(
    "options",
    [
        {}, {"method": "exact"}, {"method": "exact", "perplexity": 2}, {"perplexity": [5, 20]},
        {"affinities": "mixture", "perplexity": [5, 20]},
        {"affinities": affinities.Gaussian(symmetrize="max")},
        {"affinities": "uniform", "perplexity": 10}, {"affinities": affinities.FixedSigma(0.1)},
    ],
)  # fmt: skip
def test_affinities_given_back_make_the_same_map(options):
    X = 10 * points(120)
    model = TSNE(**options, **QUICK).fit(X)
    method = {"method": options.get("method", "barnes_hut")}
    again = TSNE(affinities=model.affinities_, **method, **QUICK).fit(X)
    assert np.array_equal(again.embedding_, model.embedding_)
    assert again.kl_divergence_ == model.kl_divergence_


def test_precomputed_affinities_of_few_points_ask_for_no_perplexity():
    P = np.ones((4, 4)) - np.eye(4)
    assert TSNE(affinities="precomputed", init="random", **QUICK).fit(P).embedding_.shape == (4, 2)


def test_all_pairs_are_counted_only_where_they_are_needed():
    X = np.broadcast_to(np.float32(0), (100_000, 50))
    graph = tuple(np.broadcast_to(np.int32(0), (100_000, 90)) for _ in range(2))
    for options in ({"affinities": "uniform"}, {"neighbors": graph}):
        needed = TSNE(method="exact", n_jobs=2, **options).needed_memory(X)
        assert max(needed.values()) < 2**30
