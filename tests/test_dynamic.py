"""dynamic: its gradient against differences, against maps on their own, and points that go."""

import naive
import numpy as np
import pandas as pd
import pytest

from bhtsne import TSNE, DynamicTSNE, affinities, datasets, dynamic, initial
from bhtsne.dynamic import snapshots
from bhtsne.dynamic.objective import relax

QUICK = {"perplexity": 8, "early_exaggeration_iter": 40, "n_iter": 60, "random_state": 0}


@pytest.fixture(scope="module")
def drifting():
    """Return three snapshots of 200 digits, each nearer to the digits than the one before."""
    X = datasets.digits().X[:200].astype(np.float32)
    noise = np.random.default_rng(0).normal(size=X.shape).astype(np.float32)
    return [X + amount * noise for amount in (4, 2, 0)]


def come_and_go(n=24, d=2):
    """Return affinities, maps and ids of three snapshots; points 0–5 leave, 24–27 come."""
    rng = np.random.default_rng(0)
    ids = [np.arange(n), np.arange(6, n), np.arange(6, n + 4)[::-1]]
    P = [affinities.all_pairs(rng.normal(size=(len(part), 4)), 5) for part in ids]
    return P, [3 * rng.normal(size=(len(part), d)) for part in ids], ids


@pytest.mark.full(after=1)
@pytest.mark.parametrize("penalty", [0.0, 0.1, 30.0])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_gradient_is_the_slope_of_the_objective(penalty, d):
    P, maps, ids = come_and_go(d=d)
    ends = np.cumsum([len(Y) for Y in maps])[:-1]

    def value(Y):
        return dynamic.objective(P, np.split(Y, ends), penalty, ids=ids)

    slope = naive.slope(value, np.concatenate(maps))
    got = np.concatenate(dynamic.gradient(P, maps, penalty, ids=ids, method="exact"))
    assert np.linalg.norm(got - slope) <= 1e-5 * np.linalg.norm(slope)


def test_the_objective_is_its_equation():
    P, maps, ids = come_and_go()
    expected = sum(naive.kl(p.toarray(), Y) for p, Y in zip(P, maps, strict=True))
    for t, n in ((0, 21.0), (1, 20.0)):  # the mean of 24 and 18, of 18 and 22
        at = [dict(zip(ids[s].tolist(), maps[s], strict=True)) for s in (t, t + 1)]
        both = at[0].keys() & at[1].keys()
        expected += 0.7 / (2 * n) * sum(((at[0][i] - at[1][i]) ** 2).sum() for i in both)
    assert dynamic.objective(P, maps, 0.7, ids=ids) == pytest.approx(expected, rel=1e-6)


@pytest.mark.full
def test_barnes_hut_is_close_to_exact():
    P, maps, ids = come_and_go(400)
    fast, exact = (
        np.concatenate(dynamic.gradient(P, maps, 0.5, ids=ids, method=method))
        for method in ("barnes_hut", "exact")
    )
    assert np.linalg.norm(fast - exact) < 2e-3 * np.linalg.norm(exact)


@pytest.mark.parametrize("method", ["barnes_hut", "exact"])
def test_without_a_penalty_each_map_is_its_own(drifting, method):
    start = initial.pca(drifting[0])
    options = {"init": start, "method": method, **QUICK}
    together = DynamicTSNE(movement_penalty=0.0, **options).fit(drifting)
    for t, X in enumerate(drifting):
        alone = TSNE(**options).fit(X)
        assert (together.embeddings_[t] == alone.embedding_).all()
        assert together.kl_divergences_[t] == alone.kl_divergence_


@pytest.mark.parametrize("penalty", [0.0, 0.1])
def test_one_snapshot_is_a_map(drifting, penalty):
    one = DynamicTSNE(movement_penalty=penalty, **QUICK).fit(drifting[2:])
    assert (one.embeddings_[0] == TSNE(**QUICK).fit_transform(drifting[2])).all()
    assert one.movement_.shape == (0,)


@pytest.mark.full
def test_the_more_movement_costs_the_less_there_is_and_the_worse_the_maps(drifting):
    models = [
        DynamicTSNE(movement_penalty=penalty, **QUICK | {"n_iter": 200}).fit(drifting)
        for penalty in (0.0, 0.1, 10.0)
    ]
    moved = [model.movement_.mean() for model in models]
    assert moved[0] > 3 * moved[1] > 9 * moved[2]
    assert models[2].kl_divergences_.sum() > models[0].kl_divergences_.sum()
    assert np.isfinite(models[2].kl_divergences_).all()


def test_the_objective_falls_below_that_of_maps_on_their_own(drifting):
    model = DynamicTSNE(movement_penalty=1.0, **QUICK).fit(drifting)
    alone = DynamicTSNE(movement_penalty=0.0, **QUICK).fit(drifting)
    P = model.affinities_
    assert dynamic.objective(P, model.embeddings_, 1.0) < dynamic.objective(
        P, alone.embeddings_, 1.0
    )


def test_equal_snapshots_make_equal_maps(drifting):
    model = DynamicTSNE(movement_penalty=0.5, **QUICK).fit([drifting[0]] * 3)
    assert (model.movement_ == 0).all()
    assert all((model.embeddings_[0] == Y).all() for Y in model.embeddings_)


def test_the_same_bits_at_any_number_of_threads(drifting):
    maps = [DynamicTSNE(n_jobs=n, **QUICK).fit_transform(drifting) for n in (1, 2)]
    assert all((a == b).all() for a, b in zip(*maps, strict=True))


@pytest.mark.parametrize("stiffness", [1e-3, 2.5, 1e6])
def test_relaxing_is_solving_the_tied_system(stiffness):
    _, maps, ids = come_and_go()
    where = snapshots.rows([len(Y) for Y in maps], ids)
    total = sum(map(len, maps))
    tied = np.eye(total)
    for here, there in where.links:
        for a, b in zip(here, there, strict=True):
            tied[[a, b], [a, b]] += stiffness
            tied[a, b] -= stiffness
            tied[b, a] -= stiffness
    right = np.concatenate(maps)
    solved = right.copy()
    relax(solved, where, stiffness)
    assert np.allclose(tied @ solved, right, atol=1e-14 * max(stiffness, 100))


def test_points_come_and_go(drifting):
    names = np.array([f"digit {i:03}" for i in range(200)])
    rng = np.random.default_rng(0)
    rows = [rng.permutation(200)[:count] for count in (150, 180, 170)]
    parts = [X[row] for X, row in zip(drifting, rows, strict=True)]
    ids = [names[row] for row in rows]
    model = DynamicTSNE(movement_penalty=1.0, **QUICK).fit(parts, ids=ids)
    assert [len(Y) for Y in model.embeddings_] == [150, 180, 170]
    assert model.ids_.tolist() == sorted(set(np.concatenate(ids).tolist()))
    assert (model.movement_ < 0.2).all()
    assert model.movement_ == pytest.approx(dynamic.movement(model.embeddings_, ids=ids))


def test_snapshots_that_share_no_point_and_differ_in_features(drifting):
    parts = [drifting[0][:100], drifting[1][100:, :20]]
    ids = [np.arange(100), np.arange(100, 200)]
    model = DynamicTSNE(**QUICK).fit(parts, ids=ids)
    assert np.isnan(model.movement_).all()
    assert all(np.isfinite(Y).all() for Y in model.embeddings_)


def test_starts_are_laid_on_each_other():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(50, 2))
    turn = np.array([[0.6, 0.8], [0.8, -0.6]])
    where = snapshots.rows([50, 40], [np.arange(50), np.arange(10, 50)])
    got = snapshots.consensus([start, start[10:] @ turn + 3], where)
    assert np.allclose(got, start, atol=1e-6)


@pytest.mark.parametrize("init", ["spectral", "random"])
def test_other_starts(drifting, init):
    model = DynamicTSNE(init=init, **QUICK).fit(drifting)
    assert (model.movement_ < 0.5).all()


def test_an_array_and_frames_are_snapshots_too(drifting):
    expected = DynamicTSNE(**QUICK).fit_transform(drifting)
    for given in (np.stack(drifting), [pd.DataFrame(X) for X in drifting]):
        got = DynamicTSNE(**QUICK).fit_transform(given)
        assert all((a == b).all() for a, b in zip(got, expected, strict=True))


def test_a_constant_snapshot_has_a_finite_map(drifting):
    model = DynamicTSNE(**QUICK).fit([drifting[0], np.ones_like(drifting[0])])
    assert all(np.isfinite(Y).all() for Y in model.embeddings_)
    assert np.isfinite(model.kl_divergences_).all()


def test_callbacks_see_the_maps_and_ctrl_c_keeps_them(drifting):
    seen = []

    def watch(record, maps):
        seen.append([Y.shape for Y in maps])
        if record.iteration == 20:
            raise KeyboardInterrupt

    model = DynamicTSNE(callbacks=[watch], callback_every=10, **QUICK).fit(drifting)
    assert seen == [[(200, 2)] * 3] * 2
    assert (model.n_iter_, model.stopped_) == (20, "interrupt")
    assert len(model.embeddings_) == 3


def test_movement_counts_neither_shifts_nor_what_is_not_there():
    Y = np.random.default_rng(0).normal(size=(5000, 2))
    assert dynamic.movement([Y, Y + 9, -Y, Y[::-1]]).round(1).tolist() == [0, 1.4, 1.0]
    ids = [np.arange(5000), np.arange(5000)[::-1]]
    assert dynamic.movement([Y, Y[::-1]], ids=ids) == pytest.approx(0, abs=1e-12)


X = np.random.default_rng(0).normal(size=(60, 4))


@pytest.mark.parametrize(
    ("parts", "options", "message"),
    [
        ([X, X[:50]], {}, r"same points, row by row, or come with ids.*\[60, 50\]"),
        ([X, X], {"ids": [np.arange(60)]}, "one array for each of 2 snapshots, got 1"),
        ([X, X], {"ids": [np.arange(60), np.arange(59)]}, r"ids\[1\] must be of shape \(60,\)"),
        ([X, X], {"ids": [np.arange(60), np.zeros(60)]}, r"ids\[1\] must hold each point once"),
        (X, {}, r"got one array of shape \(60, 4\)"),
        ([], {}, "one or more, got none"),
        ([X, X], {"ids": 3}, "one array for each of 2 snapshots, got 3"),
        ([X, np.where(X > 2, np.nan, X)], {}, r"snapshots\[1\].* NaN"),
    ],
)
def test_snapshots_that_make_no_sense_are_refused(parts, options, message):
    with pytest.raises(ValueError, match=message):
        DynamicTSNE(perplexity=5).fit(parts, **options)


@pytest.mark.parametrize("given", [None, "abc", 3])
def test_what_is_no_sequence_is_refused(given):
    with pytest.raises(TypeError, match="snapshots must be a list of tables"):
        DynamicTSNE().fit(given)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"movement_penalty": -0.1}, "movement_penalty must be at least 0 and below 1000000"),
        ({"movement_penalty": 1e6}, "movement_penalty must be at least 0 and below 1000000"),
        ({"movement_penalty": np.nan}, "movement_penalty must be at least 0"),
        ({"perplexity": 60}, "perplexity must be below the number of points"),
        ({"init": np.zeros((3, 2))}, "init must be an array of shape"),
        ({"theta": -1}, "theta must be at least 0"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        DynamicTSNE(**parameters).fit([X, X])
    P, maps, _ = come_and_go()
    with pytest.raises(ValueError, match="movement_penalty"):
        dynamic.objective(P[:1], maps[:1], -1.0)
    with pytest.raises(ValueError, match="same length"):
        dynamic.gradient(P, maps[:2], 1.0)
