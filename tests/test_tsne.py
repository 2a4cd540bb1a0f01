"""The estimator: scikit-learn's own checks, then what they do not see."""

import pickle
import threading
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import bhtsne
from bhtsne import TSNE, affinities, forces, metrics, neighbors
from bhtsne.affinities.kinds import as_kind
from bhtsne.checkpoint import Checkpointing
from bhtsne.optimizer import Stopping
from bhtsne.tsne.fit import Fit

QUICK = {"perplexity": 10, "early_exaggeration_iter": 50, "n_iter": 50, "random_state": 0}


@pytest.fixture(scope="module")
def iris():
    return load_iris().data.astype(np.float32)


# Iterations and perplexity are small because the checks fit hundreds of tables of 10 to 30 rows.
# These want fit(X).transform(X) to be the map itself. `transform` places each point on its own on a
# map that stays, whether it was fitted or not: were the fitted points an exception, a point's place
# would depend on those that it is given with.
ANEW = "transform places points anew, beside where the fit has them"


@pytest.mark.full(after=10)
@parametrize_with_checks(
    [
        TSNE(perplexity=2, early_exaggeration_iter=5, n_iter=5),
        TSNE(perplexity=2, early_exaggeration_iter=5, n_iter=5, method="exact"),
    ],
    expected_failed_checks=lambda _: dict.fromkeys(
        ("check_transformer_general", "check_transformer_data_not_an_array"), ANEW
    ),
)
@pytest.mark.filterwarnings("ignore:perplexity .* is too large:UserWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_fitted_attributes_agree_with_the_stages(iris):
    model = TSNE(**QUICK).fit(iris)
    P, Y = model.affinities_, model.embedding_
    assert Y.shape == (150, 2)
    assert Y.dtype == np.float32
    assert model.neighbors_.indices.shape == (150, 30)
    assert abs(P - affinities.perplexity(model.neighbors_, 10)).max() == 0
    assert model.n_iter_ == 100
    assert model.n_features_in_ == 4
    assert model.kl_divergence_ == pytest.approx(forces.kl_divergence(P, Y), abs=1e-4)
    assert [record.iteration for record in model.history_] == [50, 100]
    assert set(model.timings_) == {
        "neighbors",
        "affinities",
        "initial",
        "optimization",
        "divergence",
    }
    early, late = (record.force_error for record in model.history_)  # at θ 1 and 0.45
    assert 0 <= late < 2e-3
    assert late < early < 0.05


def test_classes_of_digits_are_apart():
    X, y = load_digits(return_X_y=True)
    Y = TSNE(random_state=0).fit_transform(X)
    nearest = neighbors.find(Y, 1).indices[:, 0]
    assert (y[nearest] == y).mean() > 0.97
    assert metrics.trustworthiness(X, Y) > 0.985


@pytest.mark.full
def test_barnes_hut_and_exact_reach_the_same_divergence():
    X = load_digits().data[:600].astype(np.float32)
    P = affinities.perplexity(neighbors.find(X, 599), 30)
    fast = TSNE(affinities=P, random_state=0).fit(X)
    oracle = TSNE(random_state=0, method="exact").fit(X)
    assert oracle.neighbors_ is None
    assert oracle.affinities_.nnz == 600 * 599
    difference = abs(fast.affinities_ - oracle.affinities_).max()
    assert difference < 1e-5 * oracle.affinities_.max()
    assert fast.kl_divergence_ == pytest.approx(oracle.kl_divergence_, rel=0.03)


@pytest.mark.full(after=2)
@pytest.mark.parametrize("method", ["barnes_hut", "exact"])
@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_same_bits_at_one_and_two_threads_and_from_run_to_run(iris, method, n_components):
    maps = [
        TSNE(n_components, method=method, n_jobs=n_jobs, **QUICK).fit_transform(iris)
        for n_jobs in (1, 2, 2)
    ]
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[1], maps[2])


def test_random_start_depends_on_the_seed_and_on_nothing_else(iris):
    def run(seed):
        return TSNE(init="random", **{**QUICK, "random_state": seed}).fit_transform(iris)

    np.testing.assert_array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


def test_every_kind_of_table_gives_the_same_map(iris, tmp_path):
    whole = np.round(iris * 10)
    expected = TSNE(**QUICK).fit_transform(whole)
    path = tmp_path / "iris.npy"
    np.save(path, whole)
    tables = {
        "float64": whole.astype(np.float64),
        "float16": whole.astype(np.float16),
        "int64": whole.astype(np.int64),
        "uint8": whole.astype(np.uint8),
        "Fortran order": np.asfortranarray(whole),
        "strided": np.repeat(whole, 2, axis=0)[::2],
        "memory map": np.load(path, mmap_mode="r"),
        "list": whole.tolist(),
        "pandas": pd.DataFrame(whole, columns=list("abcd")),
        "polars": pl.DataFrame(whole, schema=list("abcd")),
    }
    for name, table in tables.items():
        Y = TSNE(**QUICK).fit_transform(table)
        np.testing.assert_array_equal(Y, expected, err_msg=name)


def test_csr_gives_the_affinities_of_the_dense_table():
    X = np.random.default_rng(0).poisson(0.5, size=(200, 30)) * np.float32(1.37)
    X += np.random.default_rng(1).random(X.shape, np.float32) * (X > 0)  # no ties
    model = TSNE(**QUICK).fit(sparse.csr_matrix(X))
    same = TSNE(**QUICK).fit(X)
    P = model.affinities_
    np.testing.assert_allclose(P.toarray(), same.affinities_.toarray(), atol=1e-6 * P.max())
    assert np.isfinite(model.embedding_).all()


def test_input_is_not_changed(iris):
    X, before = iris.copy(), iris.copy()
    init = np.random.default_rng(0).normal(size=(150, 2)).astype(np.float32)
    start = init.copy()
    TSNE(init=init, **QUICK).fit(X)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(init, start)


def test_given_neighbors_and_distances_lead_to_the_same_map(iris):
    expected = TSNE(**QUICK).fit(iris)
    found = neighbors.find(iris, 30)
    np.testing.assert_array_equal(
        TSNE(neighbors=tuple(found), **QUICK).fit_transform(iris), expected.embedding_
    )
    X = np.random.default_rng(0).normal(size=(200, 10)).astype(np.float32)
    distances = np.linalg.norm(X[:, None].astype(np.float64) - X[None], axis=2)
    model = TSNE(metric="precomputed", init=bhtsne.initial.pca(X), **QUICK).fit(distances)
    P = TSNE(**QUICK).fit(X).affinities_
    np.testing.assert_allclose(model.affinities_.toarray(), P.toarray(), atol=1e-6 * P.max())
    exact = TSNE(metric="precomputed", init="random", method="exact", **QUICK).fit(distances)
    assert exact.affinities_.nnz == 200 * 199


def test_names_of_outputs_and_frames(iris):
    frame = pd.DataFrame(iris, columns=list("abcd"))
    model = TSNE(**QUICK)
    out = clone(model).set_output(transform="pandas").fit_transform(frame)
    assert list(out.columns) == ["tsne0", "tsne1"]
    assert out.index.equals(frame.index)
    out = clone(model).set_output(transform="polars").fit_transform(pl.DataFrame(frame))
    assert out.columns == ["tsne0", "tsne1"]
    fitted = model.fit(frame)
    assert list(fitted.get_feature_names_out()) == ["tsne0", "tsne1"]
    assert list(fitted.feature_names_in_) == list("abcd")


def test_works_in_a_pipeline(iris):
    Y = make_pipeline(StandardScaler(), TSNE(**QUICK)).fit_transform(iris)
    assert Y.shape == (150, 2)


def test_pickle_keeps_the_fit(iris):
    model = TSNE(**QUICK).fit(iris)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.embedding_, model.embedding_)
    assert copy.history_ == model.history_
    assert copy.get_params() == model.get_params()


def test_two_threads_at_once_get_the_maps_of_one(iris):
    expected = TSNE(**QUICK).fit_transform(iris)
    maps = {}

    def work(name):
        maps[name] = TSNE(**QUICK).fit_transform(iris)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(maps) == 3
    for Y in maps.values():
        np.testing.assert_array_equal(Y, expected)


def test_interrupt_leaves_the_map_so_far(iris):
    def interrupt(record, Y):
        if record.iteration == 20:
            raise KeyboardInterrupt

    model = TSNE(callbacks=[interrupt], callback_every=10, **QUICK).fit(iris)
    assert model.n_iter_ == 20
    assert np.isfinite(model.embedding_).all()
    expected = TSNE(**{**QUICK, "early_exaggeration_iter": 20, "n_iter": 0}).fit(iris)
    np.testing.assert_array_equal(model.embedding_, expected.embedding_)
    assert model.kl_divergence_ == expected.kl_divergence_


def test_a_callback_can_stop(iris):
    seen = []

    def stop(record, Y):
        seen.append((record.iteration, Y.shape))
        return record.iteration >= 60

    model = TSNE(callbacks=[stop], callback_every=20, **QUICK).fit(iris)
    assert seen == [(20, (150, 2)), (40, (150, 2)), (60, (150, 2))]
    assert model.n_iter_ == 60


def test_n_jobs_is_restored_also_after_an_error(iris):
    from bhtsne import jit

    before = jit.n_threads()
    TSNE(n_jobs=1, **QUICK).fit(iris)
    assert jit.n_threads() == before
    with pytest.raises(ZeroDivisionError):
        TSNE(n_jobs=1, callbacks=[lambda *_: 1 / 0], **QUICK).fit(iris)
    assert jit.n_threads() == before


def test_a_fit_without_scikit_learn_has_the_defaults_and_the_map_of_tsne(iris):
    assert Fit().get_params() == TSNE().get_params(deep=False)
    Y = Fit(n_iter=50, random_state=0).run(iris).embedding_
    assert np.array_equal(Y, TSNE(n_iter=50, random_state=0).fit_transform(iris))


def test_three_and_two_points_get_a_map():
    for n in (2, 3):
        X = np.arange(2.0 * n).reshape(n, 2)
        model = TSNE(perplexity=1, n_iter=50, random_state=0).fit(X)
        assert np.isfinite(model.embedding_).all()
        assert len(np.unique(model.embedding_, axis=0)) == n


def test_a_large_perplexity_uses_all_points_and_says_so(iris):
    with pytest.warns(UserWarning, match="is too large for points"):
        model = TSNE(**{**QUICK, "perplexity": 60}).fit(iris)
    assert model.neighbors_.indices.shape == (150, 149)


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_constant_data_gives_a_finite_map(value):
    model = TSNE(**QUICK).fit(np.full((60, 5), value))
    assert np.isfinite(model.embedding_).all()
    assert model.embedding_.std() > 0
    assert np.isfinite(model.kl_divergence_)


def test_duplicates_give_a_finite_map_and_stay_together(iris):
    X = np.repeat(iris[::15], 15, axis=0)
    model = TSNE(**QUICK).fit(X)
    assert np.isfinite(model.embedding_).all()
    groups = model.embedding_.reshape(10, 15, 2)
    within = groups.std(axis=1).mean()
    assert within < 0.3 * model.embedding_.std()


def test_a_small_data_set_does_not_collapse():
    X = np.random.default_rng(0).normal(size=(12, 4))
    Y = TSNE(perplexity=3, random_state=0).fit_transform(X)
    assert np.isfinite(Y).all()
    assert 1 < Y.std() < 1e4


BAD = {
    "perplexity": [0.5, -1, np.nan, np.inf, "30", None, True, 150, 1e9],
    "n_components": [0, 4, -1, 2.0, "2", None],
    "early_exaggeration": [0, -1, np.nan, "often", None],
    "early_exaggeration_iter": [-1, 2.5, "1", None],
    "exaggeration": [0, np.inf, "1"],
    "n_iter": [-1, 2.5, None],
    "learning_rate": [0, -5, np.nan, "fast"],
    "momentum": [-0.1, 1, np.nan, "0.8"],
    "schedule": [
        "slow",
        None,
        3,
        [3],
        [{"n_iters": 3}],
        [{}],
        [{"n_iter": -1}],
        {"n_iter": 3},
    ],
    "init": ["umap", np.zeros((150, 2)), np.zeros((3, 2)), np.full((150, 2), np.nan)],
    "neighbors": ["annoy", None, 15, (np.zeros((3, 2), int), np.zeros((3, 2)))],
    "metric": ["no such metric"],
    "method": ["fft", None],
    "theta": [-0.1, np.nan, "0.5"],
    "dof": [0, -1, np.inf, "1"],
    "callback_every": [0, 1.5],
    "callbacks": [("not a function",), None, 5],
    "n_jobs": [0, 1.5, True],
    "affinities": [
        "gauss",
        "fixed_sigma",
        None,
        3,
        np.ones((5, 5)),
        np.triu(np.ones((150, 150))),
    ],
    "stopping": [1e-4, {"min_kl_rate": 1e-4}, "fast"],
    "checkpoint": [3, Checkpointing(3), ["run"]],
    "metric_params": ["p", 3, [("p", 1)]],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_bad_parameter_is_named(iris, name, value):
    with pytest.raises((ValueError, TypeError)) as error:
        TSNE(**{**QUICK, name: value}).fit(iris)
    assert name.lower() in str(error.value).lower()


WORSE = {
    "sigma": (affinities.FixedSigma, [0, -1, np.nan, "1", True, None]),
    "symmetrize": (lambda x: affinities.Gaussian(symmetrize=x), ["min", "median", 2]),
    "min_kl_rate": (
        lambda x: TSNE(stopping=Stopping(x)).fit(np.eye(9)), [-1, 1, np.nan, "auto", None],
    ),
    "min_gradient_norm": (
        lambda x: TSNE(stopping=Stopping(0, x)).fit(np.eye(9)), [-1, np.inf, None],
    ),
    "error": (
        lambda x: TSNE(theta=forces.AdaptiveTheta(x)).fit(np.eye(9)), [0, -1, np.nan, "1e-3"],
    ),
    "start": (
        lambda x: TSNE(theta=forces.AdaptiveTheta(1e-3, x)).fit(np.eye(9)), [-1, np.nan, "1", None],
    ),
    "every": (
        lambda x: TSNE(checkpoint=Checkpointing("run", x)).fit(np.eye(9)), [0, 1.5, None, "5"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, (_, values) in WORSE.items() for value in values]
)
def test_a_bad_option_of_an_object_is_named(name, value):
    with pytest.raises((ValueError, TypeError), match=name):
        WORSE[name][0](value)


@pytest.mark.parametrize(
    "X",
    [
        np.full((20, 3), np.nan),
        np.full((20, 3), np.inf),
        np.empty((0, 3)),
        np.empty((20, 0)),
        np.zeros((1, 3)),
        np.zeros(20),
        np.zeros((5, 4, 3)),
        np.array([["a", "b"]] * 20),
        np.zeros((20, 3), complex),
        None,
    ],
)
def test_bad_points_are_refused_before_anything_is_computed(X):
    model = TSNE(**QUICK)
    with pytest.raises((ValueError, TypeError)):
        model.fit(X)
    assert not hasattr(model, "embedding_")


def test_no_warnings_at_the_defaults(iris):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TSNE(random_state=0, n_iter=20, early_exaggeration_iter=20).fit(iris)


def test_the_bar_goes_to_stderr_and_only_when_asked_for(iris, capfd):
    TSNE(**QUICK).fit(iris)
    assert capfd.readouterr() == ("", "")
    TSNE(verbose=True, **QUICK).fit(iris)
    out, err = capfd.readouterr()
    assert out == ""
    assert "KL=" in err
    assert "100/100" in err


@pytest.mark.full(after=4)
@pytest.mark.parametrize(
    "options",
    [
        {"affinities": "multiscale", "perplexity": [5, 20]},
        {"affinities": "mixture", "perplexity": (5, 20)},
        {"affinities": "mixture", "perplexity": np.array([5.0, 20.0])},
        {"affinities": affinities.Uniform(symmetrize="max"), "perplexity": 12},
        {"affinities": affinities.Multiscale(symmetrize="max"), "perplexity": [5, 20]},
        {"affinities": affinities.FixedSigma(0.5)},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["barnes_hut", "exact"])
def test_every_kind_of_affinities_is_that_of_its_stage(iris, options, method):
    options = {**QUICK, **options}
    model = TSNE(method=method, **options).fit(iris)
    k, kind = model.neighbors_.indices.shape[1], as_kind(options["affinities"])
    perplexity, is_uniform = np.max(options["perplexity"]), isinstance(kind, affinities.Uniform)
    few = int(perplexity) if is_uniform else int(3 * perplexity)
    assert k == (149 if method == "exact" and not is_uniform else few)
    C = affinities.conditional(model.neighbors_, 150, options["perplexity"], kind=kind)
    P = affinities.joint(C, kind.symmetrize)
    assert (model.affinities_ != P).nnz == 0
    assert np.isfinite(model.transform(iris[:9] + 0.01)).all()


def test_affinities_of_ones_own_make_the_same_map(iris):
    P = affinities.perplexity(neighbors.find(iris, 30), 10)
    expected = TSNE(**QUICK).fit(iris)
    own = TSNE(affinities=P, **QUICK).fit(iris)
    np.testing.assert_array_equal(own.embedding_, expected.embedding_)
    assert own.neighbors_ is None
    alone = TSNE(affinities="precomputed", init=bhtsne.initial.pca(iris), **QUICK).fit(P)
    np.testing.assert_allclose(alone.embedding_, expected.embedding_, atol=1e-5)
    np.testing.assert_array_equal(own.transform(iris[:9]), expected.transform(iris[:9]))
    with pytest.raises(ValueError, match="leaves no points to place new ones among"):
        alone.transform(P[:9])
    with pytest.raises(ValueError, match='init="pca" needs points'):
        TSNE(affinities="precomputed", init="pca").fit(P)
    assert np.isfinite(TSNE(affinities="precomputed", **QUICK).fit(P).embedding_).all()


def test_given_affinities_may_have_any_magnitude(iris):
    P = affinities.perplexity(neighbors.find(iris, 30), 10).toarray().astype(float)
    whole = TSNE(affinities="precomputed", **QUICK).fit(P)
    for factor in (1e-150, 1e150):
        scaled = TSNE(affinities="precomputed", **QUICK).fit(factor * P)
        np.testing.assert_allclose(scaled.affinities_.data, whole.affinities_.data, rtol=1e-5)
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match="finite"):
            TSNE(affinities="precomputed", **QUICK).fit(np.where(P > 0, value, 0))


def test_phases_of_ones_own_are_those_of_the_schedule(iris):
    phases = [
        {"n_iter": 50, "exaggeration": 12, "rule": "opentsne"},
        bhtsne.optimizer.Phase(50, rule="opentsne"),
    ]
    own = TSNE(perplexity=10, random_state=0, schedule=phases).fit(iris)
    same = TSNE(schedule="opentsne", **QUICK).fit(iris)
    np.testing.assert_array_equal(own.embedding_, same.embedding_)


def test_a_phase_has_its_own_theta():
    X = load_digits().data[:1000]
    phases = [{"n_iter": 100, "theta": 1.0}, {"n_iter": 100, "theta": 0.0}]
    model = TSNE(random_state=0, schedule=phases, callback_every=100).fit(X)
    assert [record.force_error < 1e-6 for record in model.history_] == [False, True]
    assert model.theta_ == 0


@pytest.mark.full(after=1)
@pytest.mark.parametrize("error", [1e-2, 1e-3, 1e-4])
def test_theta_keeps_the_error_that_is_asked_for(error):
    X = load_digits().data
    model = TSNE(theta=forces.AdaptiveTheta(error), random_state=0, callback_every=25).fit(X)
    assert max(record.force_error for record in model.history_) <= error
    assert 0.05 <= model.theta_ <= 1.2
    # It is no more careful than it has to be, unless the widest angle is careful enough.
    late = [record.force_error for record in model.history_[-4:]]
    assert model.theta_ == 1.2 or max(late) > 0.1 * error


def test_a_rate_ends_each_part_and_a_norm_the_last(iris):
    ended = TSNE(perplexity=10, stopping=Stopping(1e-4), random_state=0).fit(iris)
    assert ended.stopped_ == "converged"
    assert 150 < ended.n_iter_ < 5000
    assert (
        TSNE(**QUICK, stopping=Stopping(min_gradient_norm=10.0)).fit(iris).stopped_ == "converged"
    )
    assert TSNE(**QUICK, stopping=Stopping(min_gradient_norm=1e-12)).fit(iris).stopped_ is None
