"""sne: the variants' divergences and gradients against naive ones, and the estimator."""

import platform
import re

import naive
import numba
import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from bhtsne import SNE, affinities, datasets, forces, jit, metrics, sne
from bhtsne.sne import sums

N = 40
CASES = [
    ("sne", 0.2),
    ("symmetric", 0.2),
    ("uni-sne", 0.0),
    ("uni-sne", 0.05),
    ("uni-sne", 0.7),
    ("t-sne", 0.2),
]
every_case = pytest.mark.parametrize(("variant", "background"), CASES)


def weighed(variant, n=N, perplexity=8):
    """Return affinities of n random points: rows for "sne", joint for the others."""
    C = affinities.conditional_pairs(np.random.default_rng(0).normal(size=(n, 5)), perplexity)
    return C if variant == "sne" else (C + C.T) / np.float32(2 * n)


def some_map(n=N, d=2, scale=1.0):
    return scale * np.random.default_rng(1).normal(size=(n, d))


@every_case
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_the_divergence_is_the_naive_one(variant, background, d):
    P, Y = weighed(variant), some_map(d=d)
    expected = naive.sne_divergence(P, Y, variant, background)
    got = sne.divergence(P, Y, variant=variant, background=background)
    assert got == pytest.approx(expected, rel=1e-6)


@every_case
@pytest.mark.parametrize("scale", [1e-3, 1.0, 3.0])
def test_the_gradient_is_the_slope_of_the_divergence(variant, background, scale):
    P, Y = weighed(variant), some_map(scale=scale)
    slope = naive.slope(lambda Z: naive.sne_divergence(P, Z, variant, background), Y)
    got = sne.gradient(P, Y, variant=variant, background=background)
    assert np.linalg.norm(got - slope) <= 1e-5 * np.linalg.norm(slope)


@every_case
def test_the_gradient_sums_to_zero_and_turns_with_the_map(variant, background):
    P, Y = weighed(variant), some_map()
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    got = sne.gradient(P, Y, variant=variant, background=background)
    assert abs(got.sum(axis=0)).max() < 1e-12 * abs(got).sum()
    turned = sne.gradient(P, Y @ turn + 3, variant=variant, background=background)
    assert np.allclose(turned, got @ turn, rtol=0, atol=1e-11 * abs(got).max())


def test_t_sne_is_the_exact_path_of_forces():
    P, Y = weighed("t-sne", 600), some_map(600, scale=5.0)
    told = forces.gradient(P, Y, method="exact")
    assert np.allclose(sne.gradient(P, Y, variant="t-sne"), told.grad, rtol=1e-9, atol=1e-15)
    assert sne.divergence(P, Y, variant="t-sne") == pytest.approx(told.kl, rel=1e-6)


def test_uni_sne_without_its_background_is_symmetric_sne():
    P, Y = weighed("symmetric"), some_map()
    plain = sne.Divergence(P, "symmetric")
    for bare in (
        sne.Divergence(P, "uni-sne", 0.0),
        sne.Divergence(P, "uni-sne", 0.3).without_background(),
    ):
        assert (bare.gradient(Y, 1.0) == plain.gradient(Y, 1.0)).all()
        assert bare.check(Y) == plain.check(Y)


def test_rows_that_are_all_alike_make_sne_symmetric_sne_but_for_the_factor():
    """Of points evenly on a circle, with rows alike, Z_i is the same for all."""
    angle = 2 * np.pi * np.arange(12) / 12
    Y = np.column_stack([np.cos(angle), np.sin(angle)])
    C = affinities.conditional_pairs(3 * Y, 4)
    symmetric = sne.gradient((C + C.T) / 24, 1.7 * Y, variant="symmetric")
    assert np.allclose(sne.gradient(C, 1.7 * Y), 12 * symmetric, atol=1e-6)


def test_the_exponential_is_one():
    x = -np.concatenate([[0.0], np.geomspace(1e-300, 700, 3000)])
    found = np.array([sums._exp(value) for value in x])
    assert np.allclose(found, np.exp(x), rtol=2e-13, atol=0)  # x is rounded before it is 2^x
    assert sums._exp(0.0) == 1
    assert 0 <= sums._exp(-1e300) < 1e-300
    assert 0 <= sums._exp(-np.inf) < 1e-300


# What shifts the exponents of several float64 at once.
SHIFTS = {"x86_64": r"\bvpsllq\b", "aarch64": r"\bshl\s+v\d+\.2d"}


def test_the_exponential_is_straight_vector_code():
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    # What comes from the cache cannot be inspected.
    fresh = numba.njit(error_model="numpy", fastmath=jit.FASTMATH)(sums._weigh.py_func)
    fresh.compile(tuple(numba.typeof(a) for a in (np.zeros((2, 64)), 0, 0, None, np.zeros(64))))
    (code,) = fresh.inspect_asm().values()
    assert machine not in SHIFTS or re.search(SHIFTS[machine], code)
    assert not re.search(r"\bexp\b", code)  # the C library's, however it is reached


@every_case
def test_points_far_apart_are_finite(variant, background):
    P = weighed(variant)
    for Y in (some_map(scale=1e4), np.zeros((N, 2)), some_map(scale=1e-30)):
        assert np.isfinite(sne.gradient(P, Y, variant=variant, background=background)).all()
        assert np.isfinite(sne.divergence(P, Y, variant=variant, background=background))


@every_case
def test_sparse_and_dense_and_threads_make_no_difference(variant, background):
    P, Y = weighed(variant, 700), some_map(700, scale=3)
    one = {}
    for n_jobs in (1, 2):
        with jit.threads(n_jobs):
            objective = sne.Divergence(P, variant, background)
            one[n_jobs] = objective.gradient(Y, 1.0), objective.check(Y)
    assert (one[1][0] == one[2][0]).all()
    assert one[1][1] == one[2][1]
    thin = sne.gradient(sparse.csr_array(P), Y, variant=variant, background=background)
    assert (thin == one[1][0]).all()


@pytest.mark.parametrize(
    ("P", "message"),
    [
        (np.ones((3, 4)), "shape"),
        (np.zeros((1, 1)), "2 points"),
        (np.eye(3), "diagonal"),
        (np.array([[0, -1.0], [1, 0]]), "at least 0"),
        (np.array([[0, np.nan], [1, 0]]), "finite"),
        (np.zeros((3, 3)), "above"),
    ],
)
def test_bad_affinities_are_refused(P, message):
    with pytest.raises(ValueError, match=message):
        sne.divergence(P, np.zeros((len(P), 2)))


def test_bad_options_are_refused():
    P, Y = weighed("sne"), some_map()
    with pytest.raises(ValueError, match="variant must be one of"):
        sne.gradient(P, Y, variant="tsne")
    with pytest.raises(ValueError, match=r"background must be .* got 1"):
        sne.gradient(P, Y, variant="uni-sne", background=1)
    with pytest.raises(ValueError, match="40 points"):
        sne.gradient(P, Y[:9])
    with pytest.raises(ValueError, match="finite"):
        sne.divergence(P, np.full((N, 2), np.nan))


@pytest.mark.parametrize("variant", sne.VARIANTS)
def test_the_estimator_minimises_and_keeps_what_it_found(variant):
    X = load_iris().data
    model = SNE(variant=variant, random_state=0, n_iter=100, early_exaggeration_iter=50).fit(X)
    assert model.embedding_.shape == (150, 2)
    assert (model.n_iter_, model.stopped_) == (150, None)
    divergence = sne.divergence(model.affinities_, model.embedding_, variant=variant)
    assert model.kl_divergence_ == divergence
    start = 1e-4 * np.random.default_rng(0).normal(size=(150, 2))
    assert divergence < 0.5 * sne.divergence(model.affinities_, start, variant=variant)


@pytest.mark.full
def test_digits_converge_and_crowd(digits):
    """What the lecture shows: SNE's classes touch where t-SNE's are apart."""
    labels = datasets.digits().y[:600]
    crowded = {}
    for variant in ("symmetric", "t-sne"):
        model = SNE(variant=variant, random_state=0).fit(digits[:600])
        kls = [record.kl for record in model.history_]
        assert abs(kls[-1] - kls[-4]) < 0.02 * kls[-1]
        distances = np.sqrt(naive.squared_distances(model.embedding_))
        same = labels[:, None] == labels
        np.fill_diagonal(distances, np.inf)
        own, other = (np.where(x, distances, np.inf).min(axis=1) for x in (same, ~same))
        crowded[variant] = (other < 3 * own).mean()
    assert crowded["symmetric"] > 2 * crowded["t-sne"]


def test_one_sigma_for_all_is_that_of_the_affinities(digits):
    X = digits[:100]
    sigma = affinities.shared_sigma(X, 10)
    model = SNE(sigma=sigma, n_iter=1, early_exaggeration_iter=0).fit(X)
    squared = naive.squared_distances(X)
    np.fill_diagonal(squared, np.inf)
    P = np.exp(-squared / (2 * sigma**2))
    assert np.allclose(model.affinities_, P / P.sum(axis=1, keepdims=True), atol=1e-6)


def test_noise_is_drawn_from_the_seed_and_gone_at_the_end(digits):
    X = digits[:100]
    options = {"perplexity": 10, "early_exaggeration_iter": 30, "n_iter": 60, "init": "random"}
    maps = [SNE(noise=x, random_state=s, **options).fit(X) for x, s in ((1, 0), (1, 0), (0, 0))]
    assert (maps[0].embedding_ == maps[1].embedding_).all()
    assert (maps[0].embedding_ != maps[2].embedding_).any()
    assert maps[0].kl_divergence_ < 1.1 * maps[2].kl_divergence_


def test_the_background_comes_after_the_early_iterations(digits):
    early = SNE(variant="uni-sne", perplexity=10, n_iter=0, random_state=0).fit(digits[:100])
    plain = SNE(variant="symmetric", perplexity=10, n_iter=0, random_state=0).fit(digits[:100])
    assert (early.embedding_ == plain.embedding_).all()


def test_a_callback_stops_it_and_ctrl_c_keeps_the_map(digits):
    def interrupt(*_):
        raise KeyboardInterrupt

    for callback, why in ((lambda *_: True, "callback"), (interrupt, "interrupt")):
        model = SNE(callbacks=[callback], callback_every=10, perplexity=5).fit(digits[:50])
        assert (model.n_iter_, model.stopped_) == (10, why)
        assert np.isfinite(model.embedding_).all()


@pytest.mark.parametrize("init", ["spectral", "random", "pca"])
def test_every_start_is_one(digits, init):
    model = SNE(init=init, perplexity=5, n_iter=20, random_state=0).fit(digits[:60])
    assert metrics.trustworthiness(digits[:60], model.embedding_) > 0.7


def test_distances_may_be_given(digits):
    X = digits[:80].astype(np.float64)
    D = np.sqrt(naive.squared_distances(X))
    options = {"perplexity": 5, "n_iter": 0, "early_exaggeration_iter": 0, "random_state": 0}
    given = SNE(metric="precomputed", init="random", **options).fit(D)
    assert np.allclose(given.affinities_, SNE(**options).fit(X).affinities_, atol=1e-6)
    with pytest.raises(ValueError, match="needs points"):
        SNE(metric="precomputed", init="pca", **options).fit(D)
    assert np.isfinite(SNE(metric="precomputed", **options).fit(D).embedding_).all()


@pytest.mark.parametrize("sigma", [1e-300, 1e-3, 1e300])
def test_any_sigma_has_a_map(digits, sigma):
    model = SNE(sigma=sigma, n_iter=20, early_exaggeration_iter=20).fit(digits[:40])
    assert model.affinities_.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(model.embedding_).all()


@pytest.mark.full(after=3)
@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("variant", sne.VARIANTS)
def test_very_few_points_and_duplicates_are_finite(variant, n):
    for X in (np.eye(n), np.zeros((n, 3)), np.repeat(np.eye(2), n, axis=0)):
        model = SNE(variant=variant, perplexity=1, n_iter=50, random_state=0).fit(X)
        assert np.isfinite(model.embedding_).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"variant": "t"}, "variant must be one of"),
        ({"variant": np.zeros(3)}, "variant must be one of"),
        ({"background": 1.0}, "background must be at least 0 and below 1"),
        ({"noise": -1.0}, "noise must be at least 0"),
        ({"sigma": 0.0}, "sigma must be above 0"),
        ({"perplexity": 60}, "perplexity must be below the number of points"),
        ({"init": np.zeros((3, 2))}, "init must be an array of shape"),
    ],
)
def test_bad_parameters_are_refused(digits, parameters, message):
    with pytest.raises(ValueError, match=message):
        SNE(**parameters).fit(digits[:50])


@pytest.mark.full(after=5)
@parametrize_with_checks([SNE(perplexity=2, early_exaggeration_iter=5, n_iter=5)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)
