"""Points of any kind and size: a finite map, the same for the same points, or one clear refusal."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st
from outcomes import assert_finite, examples, outcome, seeds
from scipy import sparse
from sklearn.metrics import pairwise_distances

from bhtsne import TSNE, affinities, initial, metrics, neighbors

FEW = {"perplexity": 2, "n_iter": 5, "early_exaggeration_iter": 5, "random_state": 0, "n_jobs": 1}
METHODS = st.sampled_from(["barnes_hut", "exact"])
COMPONENTS = st.integers(1, 3)
DTYPES = (
    "f2", "f4", "f8", ">f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "longdouble",
)  # fmt: skip
NO_NUMBERS = ("complex64", "O", "U3", "S3", "M8[s]", "V8")
SCALES = [10.0**k for k in (-320, -300, -200, -150, -100, -45, -39, -30, -8)]
SCALES += [1.0] * 9 + [10.0**k for k in (4, 8, 18, 30, 38, 39, 100, 149, 150, 160, 200, 300, 308)]


@st.composite
def tables(draw, scales=SCALES):
    """Return points, finite in float64, of any shape of cloud."""
    n, d = draw(st.integers(2, 24)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(seeds()))
    X = rng.normal(size=(n, d))
    kind = draw(st.sampled_from(["normal"] * 3 + ["whole", "twins", "constant", "equal", "far"]))
    if kind == "whole":
        X = np.round(X * 3)
    elif kind == "twins":
        X = X[rng.integers(max(n // 3, 1), size=n)]
    elif kind == "constant":
        X[:, rng.integers(d)] = 0.1
    elif kind == "equal":
        X[:] = X[0]
    elif kind == "far":
        X += 1e6
    with np.errstate(over="ignore"):
        if draw(st.booleans()):
            X = X * draw(st.sampled_from(scales))
        elif draw(st.booleans()):
            X = X * np.array(draw(st.lists(st.sampled_from(scales), min_size=d, max_size=d)))
    return np.nan_to_num(X, posinf=1.7e308, neginf=-1.7e308)


def spoiled(X, rng, how):
    """Return the points with something wrong at one place."""
    X = X.copy()
    if how:
        X[rng.integers(len(X)), rng.integers(X.shape[1])] = float(how)
    return X


def in_layout(X, layout, folder=None):
    """Return the same points as they may lie in memory."""
    if layout == "Fortran":
        return np.asfortranarray(X)
    if layout == "strided":
        return np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3]
    if layout == "backwards":
        return np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1]
    if layout == "read-only":
        X = X.copy()
        X.flags.writeable = False
    if layout == "memory map":
        path = folder / "points.npy"
        np.save(path, X)
        return np.load(path, mmap_mode="r")
    if layout == "list":
        return X.tolist()
    return pd.DataFrame(X) if layout == "pandas" else X


LAYOUTS = ["plain", "Fortran", "strided", "backwards", "read-only", "list", "pandas"]


def fitted(X, **options):
    model = TSNE(**{**FEW, **options})
    if outcome(lambda: model.fit(X), "X", "perplexity", table=True) is None:
        assert not hasattr(model, "embedding_")
        return None
    assert_finite([model.embedding_, model.affinities_, model.kl_per_point_])
    assert model.embedding_.shape == (len(model.embedding_), model.n_components)
    assert model.affinities_.sum() == pytest.approx(1, abs=1e-5)
    return model


@examples(
    1200,
    X=tables(),
    dtype=st.sampled_from(DTYPES + NO_NUMBERS),
    layout=st.sampled_from(LAYOUTS),
    how=st.sampled_from(["", "", "", "nan", "inf", "-inf", "1e308"]),
    method=METHODS,
    n_components=COMPONENTS,
    init=st.sampled_from(["pca", "random", "spectral"]),
    seed=seeds(),
)
def test_any_points(X, dtype, layout, how, method, n_components, init, seed):
    with np.errstate(all="ignore"):
        X = spoiled(X, np.random.default_rng(seed), how)
        X = X.astype(str).astype(dtype) if dtype == "V8" else X.astype(dtype)
    given = in_layout(X, layout)
    before = given.copy() if hasattr(given, "copy") else None
    fitted(given, method=method, n_components=n_components, init=init)
    # As text: NaN among objects is not equal to itself.
    assert repr(np.asarray(given).tolist()) == repr(np.asarray(before).tolist())


@examples(
    250,
    shape=st.sampled_from(
        [(), (0,), (5,), (0, 3), (1, 3), (2, 0), (3, 0), (0, 0), (3, 2, 2), (2, 1), (2, 2)]
    ),
    value=st.sampled_from([0.0, 1.0, "a", None, np.nan, 1j]),
    form=st.sampled_from([np.asarray, lambda X: X.tolist(), sparse.coo_array]),
    method=METHODS,
)
def test_any_shape(shape, value, form, method):
    dense = np.full(shape, value)
    if form is sparse.coo_array and (dense.ndim not in (1, 2) or dense.dtype.kind not in "fc"):
        form = np.asarray
    X = form(dense)
    fitted(X, method=method, perplexity=1)
    for call in (lambda: neighbors.find(X, 1), lambda: initial.pca(X), lambda: initial.rescale(X)):
        found = outcome(call, "X", "Y", "k")
        assert found is None or len(found) > 0


@examples(
    600,
    X=tables(scales=[1.0, 8.0, 2.0**-20]),
    dtype=st.sampled_from(["f4", "f8"]),
    layout=st.sampled_from([*LAYOUTS, "memory map"]),
    method=METHODS,
    metric=st.sampled_from(["euclidean", "euclidean", "cosine"]),
)
def test_the_same_points_make_the_same_map(tmp_path_factory, X, dtype, layout, method, metric):
    X = X.astype(np.float32).astype(np.float64)
    folder = tmp_path_factory.mktemp("points") if layout == "memory map" else None
    given = in_layout(X.astype(dtype), layout, folder)
    options = {"method": method, "metric": metric}
    one, other = fitted(X, **options), fitted(given, **options)
    assert (one is None) == (other is None)
    if one is not None:
        np.testing.assert_array_equal(one.embedding_, other.embedding_)
        np.testing.assert_array_equal(one.affinities_.data, other.affinities_.data)
    dense = fitted(sparse.csr_array(X), **options)
    assert (dense is None) == (one is None)


def tampered(X, how, rng):
    """Return a sparse matrix with its parts changed by hand."""
    if how == "index" and X.nnz:
        X.indices[rng.integers(X.nnz)] = rng.choice([-1, max(X.shape), 2**30, -(2**31)])
    elif how == "pointer":
        X.indptr[rng.integers(len(X.indptr))] = rng.choice([-1, X.nnz + 9, 2**30])
    elif how == "short":
        X.data = X.data[:-1]
    elif how == "unsorted":
        X.indices, X.data = X.indices.copy(), X.data.copy()
        for a, b in zip(X.indptr[:-1], X.indptr[1:], strict=True):
            X.indices[a:b], X.data[a:b] = X.indices[a:b][::-1], X.data[a:b][::-1]
        X.has_sorted_indices = False
    elif how == "twice":
        X = type(X)((np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr), X.shape)
    elif how == "zeros":
        X.data[rng.random(X.nnz) < 0.5] = 0
    elif how == "nan" and X.nnz:
        X.data[rng.integers(X.nnz)] = np.nan
    return X


HOW = st.sampled_from(
    ["", "index", "pointer", "short", "unsorted", "twice", "zeros", "nan", "row", "column"]
)


def sparse_of(X, form, how, rng):
    """Return a sparse matrix of a table, by hand changed to be wrong or unusual."""
    if form == "coo":
        S = sparse.coo_matrix(X)
        if how in ("row", "column") and S.nnz:
            getattr(S, how[:3])[rng.integers(S.nnz)] = rng.choice([-1, 999, 2**30])
        return S
    kind = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "csr_array": sparse.csr_array}
    return tampered(kind[form](X), how, rng)


@examples(
    1200,
    X=tables(scales=[1.0, 1.0, 1e-200, 1e30, 1e200]),
    form=st.sampled_from(["csr", "csr_array", "csc", "coo"]),
    how=HOW,
    empty=st.booleans(),
    method=METHODS,
    metric=st.sampled_from(["euclidean", "euclidean", "cosine", "manhattan"]),
    seed=seeds(),
)
def test_any_sparse_points(X, form, how, empty, method, metric, seed):
    rng = np.random.default_rng(seed)
    X = np.where(rng.random(X.shape) < 0.4, 0, X)
    if empty:
        X[rng.integers(len(X))] = 0
    S = sparse_of(X, form, how, rng)
    before = S.copy() if how in ("", "unsorted", "twice", "zeros") else None
    model = fitted(S, method=method, metric=metric)
    found = outcome(lambda: neighbors.find(S, 1, metric=metric, method="exact"), "X")
    if how in ("index", "pointer", "short", "row", "column") and S.nnz:
        honest = how in ("row", "column") and form != "coo"
        assert honest or (form == "coo") or (model is None and found is None)
    if before is not None:
        assert (before != S).nnz == 0
        assert form == "coo" or np.array_equal(before.indices, S.indices)
    if found is not None and how in ("", "unsorted", "twice") and metric == "euclidean":
        truth = neighbors.find(X, 1)
        np.testing.assert_allclose(
            found.distances, truth.distances, rtol=1e-4, atol=2e-7 * np.abs(X).max()
        )


@examples(
    600,
    X=tables(),
    method=st.sampled_from(["exact", "forest", "auto"]),
    metric=st.sampled_from(["euclidean", "cosine", "manhattan", "chebyshev", "l2"]),
    k=st.integers(1, 5),
)
def test_neighbors_are_those_that_all_distances_tell(X, method, metric, k):
    k = min(k, len(X) - 1)
    if method == "forest" and metric in ("manhattan", "chebyshev"):
        method = "exact"
    found = outcome(lambda: neighbors.find(X, k, metric=metric, method=method), "X")
    if found is None:
        return
    assert_finite(found)
    size = np.abs(X).max() or 1.0
    unit = X / (size if metric != "cosine" else np.maximum(np.abs(X).max(axis=1), 1e-320)[:, None])
    centred = unit if metric == "cosine" else unit - unit.mean(axis=0)
    truth = np.sort(pairwise_distances(centred, metric=metric) + np.diag([np.inf] * len(X)), axis=1)
    told = found.distances / (1.0 if metric == "cosine" else size)
    np.testing.assert_allclose(told, truth[:, :k], rtol=1e-3, atol=1e-6)


@examples(600, X=tables(), n_components=COMPONENTS, sd=st.sampled_from([1e-4, 1.0, 100.0]))
def test_starts_from_any_points(X, n_components, sd):
    Y = outcome(lambda: initial.pca(X, n_components, random_state=0), "X")
    if Y is not None:
        assert_finite(Y)
        assert 0.3e-4 < Y.std(axis=0).max() < 3e-4
    scores = outcome(
        lambda: initial.principal_components(X, n_components, random_state=0), "X", "n_components"
    )
    assert scores is None or np.isfinite(scores).all()
    Y = outcome(lambda: initial.rescale(X, sd), "Y")
    if Y is not None:
        assert_finite(Y)
        assert Y.std(axis=0).max() == pytest.approx(sd, rel=1e-3)


@examples(600, X=tables(), perplexity=st.sampled_from([1, 1.5, 2, 5]), seed=seeds())
def test_all_pairs_of_any_points(X, perplexity, seed):
    P = outcome(lambda: affinities.all_pairs(X, perplexity), "X", "perplexity")
    C = outcome(lambda: affinities.conditional_pairs(X, perplexity), "X", "perplexity")
    assert (P is None) == (C is None)
    if P is None:
        return
    assert_finite([P, C])
    np.testing.assert_allclose(C.sum(axis=1), 1, rtol=1e-4)
    shift = np.random.default_rng(seed).normal(size=X.shape[1]) * np.abs(X).max() * 1e3
    near = neighbors.find(X, len(X) - 1)
    expected = affinities.conditional(near, len(X), perplexity).toarray()
    np.testing.assert_allclose(C, expected, atol=2e-3)
    if np.abs(X).max() < 1e100:
        assert outcome(lambda: affinities.all_pairs(X + shift, perplexity), "X") is not None
    for sigma in (1e-300, 1.0, 1e300):
        C = outcome(lambda s=sigma: affinities.conditional_pairs(X, sigma=s), "X")
        assert C is None or np.isfinite(C).all()
    sigma = outcome(lambda: affinities.shared_sigma(X, perplexity), "X", "perplexity")
    assert sigma is None or 0 < sigma < np.inf


def nan(a, b):
    return np.nan


def negative(a, b):
    return -1.0


def word(a, b):
    return "far"


def fails(a, b):
    raise ValueError("no distance")


def infinite(a, b):
    return np.inf


METRICS = (
    "cosine", "manhattan", "correlation", "haversine", "jaccard", "hamming", "canberra",
    "braycurtis", "minkowski", "seuclidean", "mahalanobis", "sqeuclidean", "chebyshev", "yule",
    "nan_euclidean", "dice", nan, negative, word, fails, infinite,
)  # fmt: skip


@examples(
    600,
    X=tables(scales=[1.0, 1.0, 1e-100, 1e30, 1e140]),
    metric=st.sampled_from(METRICS),
    zero=st.booleans(),
    method=METHODS,
    params=st.sampled_from([None, {}, {"p": 1}, {"p": -1}, {"p": "x"}, {"V": 3}, {"w": [1]}]),
)
def test_any_metric(X, metric, zero, method, params):
    if zero:
        X[0] = 0
    options = {"metric": metric, "metric_params": params, "method": method}
    model = TSNE(**FEW, **options)
    if outcome(lambda: model.fit(X), "metric", "X", "perplexity") is not None:
        assert_finite(model.embedding_)
        Y = outcome(lambda: model.transform(X[:2]), "metric", "X")
        assert Y is None or np.isfinite(Y).all()
    found = outcome(
        lambda: neighbors.query(X, X[:1], 1, metric=metric, metric_params=params), "metric", "X"
    )
    assert found is None or np.isfinite(found.distances).all()


@examples(
    600,
    n=st.integers(2, 20),
    how=st.sampled_from(
        ["", "negative", "nan", "inf", "unsymmetric", "diagonal", "zero", "huge", "tiny", "wide"]
    ),
    form=st.sampled_from([np.asarray, sparse.csr_array, sparse.coo_matrix]),
    method=METHODS,
    init=st.sampled_from(["random", "spectral", "pca"]),
    seed=seeds(),
)
def test_any_precomputed_distances(n, how, form, method, init, seed):
    rng = np.random.default_rng(seed)
    D = pairwise_distances(rng.normal(size=(n, 3)))
    place = rng.integers(n, size=2)
    changes = {"negative": -1.0, "nan": np.nan, "inf": np.inf, "unsymmetric": 7.0}
    if how in changes:
        D[tuple(place)] = changes[how]
    elif how == "diagonal":
        np.fill_diagonal(D, 3.0)
    elif how in ("zero", "huge", "tiny"):
        D *= {"zero": 0.0, "huge": 1e300, "tiny": 1e-300}[how]
    elif how == "wide":
        D = np.hstack([D, D])
    D = form(D)
    before = D.copy()
    names = ("X", "metric", "init", "perplexity", "neighbo", "affinities")
    model = TSNE(**FEW, metric="precomputed", method=method, init=init)
    if outcome(lambda: model.fit(D), *names) is not None:
        assert_finite(model.embedding_)
    for call in (
        lambda: affinities.all_pairs(D, 1.5, metric="precomputed"),
        lambda: affinities.conditional_pairs(D, 1.5, metric="precomputed"),
        lambda: neighbors.query(None, D, 1, metric="precomputed").distances,
    ):
        result = outcome(call, *names)
        if result is not None and form is np.asarray:
            assert_finite(result)
    np.testing.assert_array_equal(
        *(part.toarray() if sparse.issparse(part) else part for part in (before, D))
    )


@examples(600, X=tables(), Y=tables(), k=st.integers(1, 4), seed=seeds())
def test_metrics_of_any_points(X, Y, k, seed):
    n = min(len(X), len(Y))
    X, Y = X[:n], Y[:n]
    labels = np.random.default_rng(seed).integers(3, size=n)
    for call in (
        lambda: metrics.neighbor_recall(X, Y, k),
        lambda: metrics.neighbor_hit(X, labels, k),
        lambda: metrics.trustworthiness(X, Y, k),
    ):
        result = outcome(call, "X", "Y", "k")
        assert result is None or 0 <= result <= 1
    rank = outcome(lambda: metrics.distance_correlation(X, Y, n_pairs=50, random_state=0), "X", "Y")
    assert rank is None or -1.001 < rank < 1.001
    laid = outcome(lambda: metrics.align(X, Y), "Y", "reference")
    assert laid is None or (np.isfinite(laid.Y).all() and -1e-6 < laid.disparity < 1 + 1e-6)


@examples(
    250,
    X=tables(),
    new=tables(),
    how=st.sampled_from(["", "nan", "inf"]),
    form=st.sampled_from([np.asarray, sparse.csr_array, sparse.csc_matrix, pd.DataFrame]),
    init=st.sampled_from(["weighted", "median", "random"]),
    method=METHODS,
    seed=seeds(),
)
def test_any_new_points(X, new, how, form, init, method, seed):
    model = fitted(X, method=method)
    if model is None:
        return
    new = form(spoiled(new, np.random.default_rng(seed), how))
    Y = outcome(lambda: model.transform(new, n_iter=5, init=init), "X", table=True)
    assert Y is None or np.isfinite(Y).all()
    before = model.embedding_
    if outcome(lambda: model.add(new, n_iter=3), "X", table=True) is None:
        assert model.embedding_ is before
    else:
        assert_finite(model.embedding_)
