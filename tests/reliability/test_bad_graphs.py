"""Affinities, neighbours, starts and maps of any kind: a finite result or one clear refusal."""

import naive
import numpy as np
import pytest
from hypothesis import strategies as st
from outcomes import assert_finite, examples, outcome, seeds
from scipy import sparse

from bhtsne import TSNE, affinities, dynamic, forces, initial, metrics, neighbors, sne, tree
from bhtsne.neighbors import Neighbors

FEW = {"perplexity": 2, "n_iter": 5, "early_exaggeration_iter": 5, "random_state": 0, "n_jobs": 1}
METHODS = st.sampled_from(["barnes_hut", "exact"])
COMPONENTS = st.integers(1, 3)
OUTSIDE = (-1, -2, 99, 2**30, -(2**31))


@st.composite
def matrices(draw):
    """Return affinities, or what may be taken for them."""
    n, rng = draw(st.integers(2, 20)), np.random.default_rng(draw(seeds()))
    P = rng.random((n, n)) * (rng.random((n, n)) < draw(st.sampled_from([0.1, 0.4, 1.0])))
    P = P + P.T
    how = draw(
        st.sampled_from(
            ["", "", "parts", "negative", "nan", "inf", "unsymmetric", "zero", "rows", "huge",
             "tiny", "denormal", "wide", "whole", "diagonal", "alone", "words", "complex", "line",
             "uneven", "object", "half", "longdouble", "flat"]
        )
    )  # fmt: skip
    i, j = rng.integers(n, size=2)
    if how in ("negative", "nan", "inf", "alone", "uneven"):
        P[i, j] = P[j, i] = {
            "negative": -1.0, "nan": np.nan, "inf": np.inf, "alone": 1e30, "uneven": 1e-30,
        }[how]  # fmt: skip
    elif how == "parts":
        P[: n // 2, n // 2 :] = P[n // 2 :, : n // 2] = 0
    elif how == "unsymmetric":
        P[i, (i + 1) % n] += 1
    elif how == "rows":
        P[i] = P[:, i] = 0
    elif how == "line":
        P = np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1)
    elif how == "wide":
        P = np.hstack([P, P])
    elif how == "whole":
        P = np.round(P * 5).astype(np.int16)
    elif how == "diagonal":
        P = np.diag(np.ones(n))
    elif how == "words":
        P = P.astype(str)
    elif how == "flat":
        P = P[0]
    elif how in ("complex", "object", "half", "longdouble"):
        P = P.astype({"half": np.float16, "longdouble": np.longdouble}.get(how, how))
    else:
        P *= {"": 1.0, "zero": 0.0, "huge": 1e307, "tiny": 1e-300, "denormal": 1e-322}[how]
    return P


FORMS = st.sampled_from(["dense", "list", "csr", "csr_array", "csc", "coo", "matrix"])
CHANGES = st.sampled_from(["", "", "", "index", "pointer", "zeros", "twice", "unsorted"])


def formed(P, form, change, rng):
    """Return the matrix in another form, by hand changed to be wrong or unusual."""
    if P.dtype.kind in "UO" or form in ("dense", "list"):
        return P.tolist() if form == "list" else P
    if form == "matrix" or P.dtype == np.float16 or P.ndim != 2:
        return P
    kind = {"csr": sparse.csr_matrix, "csr_array": sparse.csr_array, "csc": sparse.csc_matrix}
    S = kind.get(form, sparse.coo_matrix)(P)
    if form == "coo":
        if change == "index" and S.nnz:
            S.row[rng.integers(S.nnz)] = rng.choice(OUTSIDE)
        return S
    if change == "index" and S.nnz:
        S.indices[rng.integers(S.nnz)] = rng.choice(OUTSIDE)
    elif change == "pointer":
        S.indptr[rng.integers(len(S.indptr))] = rng.choice([-5, 99, 2**30])
    elif change == "zeros":
        S.data[::2] = 0
    elif change == "twice":
        S = kind[form]((np.repeat(S.data, 2), np.repeat(S.indices, 2), 2 * S.indptr), S.shape)
    elif change == "unsorted" and S.nnz:
        S.indices, S.data = S.indices.copy(), S.data.copy()
        a, b = S.indptr[0], S.indptr[1]
        S.indices[a:b], S.data[a:b] = S.indices[a:b][::-1], S.data[a:b][::-1]
        S.has_sorted_indices = False
    return S


def assert_joint(P, n):
    assert_finite(P)
    assert P.shape == (n, n)
    assert P.sum() == pytest.approx(1, abs=1e-5)
    assert P.data.min() >= 0
    assert abs(P - P.T).max() <= 2e-5 * P.max()


@pytest.mark.full
@examples(
    1400, P=matrices(), form=FORMS, change=CHANGES, method=METHODS, d=COMPONENTS, seed=seeds()
)
def test_any_affinities(P, form, change, method, d, seed):
    rng = np.random.default_rng(seed)
    given = formed(P, form, change, rng)
    before = None if change in ("index", "pointer") or form == "list" else given.copy()
    taken = outcome(lambda: affinities.given(given), "P", "affinities")
    if change == "index" and sparse.issparse(given) and given.nnz:
        assert taken is None
    X = rng.normal(size=(len(P), 3))
    if taken is not None:
        assert_joint(taken, len(P))
        Y = outcome(lambda: initial.spectral(given, d, random_state=0), "P", "affinities")
        assert Y is None or np.isfinite(Y).all()
    for options, fit_to in (
        ({"affinities": given, "init": "spectral"}, X),
        ({"affinities": "precomputed", "init": "spectral"}, given),
        ({"affinities": "precomputed", "init": "random"}, given),
    ):
        model = TSNE(d, method=method, **{**FEW, "perplexity": 1}, **options)
        names = ("P", "affinities", "X", "perplexity")
        fitted = outcome(lambda m=model, x=fit_to: m.fit(x), *names, table=True)
        if P.dtype.kind not in "UO":  # scikit-learn reads words that are numbers
            assert (fitted is None) == (taken is None)
        if fitted is not None:
            assert_finite([fitted.embedding_, fitted.kl_per_point_])
    if before is not None:
        mine, theirs = (x.data if sparse.issparse(x) else x for x in (before, given))
        assert np.array_equal(mine, theirs, equal_nan=P.dtype.kind in "fc")


@pytest.mark.full
@examples(
    1000, P=matrices(), form=FORMS, change=CHANGES, method=METHODS, d=COMPONENTS, seed=seeds(),
    variant=st.sampled_from(sne.VARIANTS),
)  # fmt: skip
def test_forces_of_any_affinities(P, form, change, method, d, seed, variant):
    rng = np.random.default_rng(seed)
    given, Y = formed(P, form, change, rng), rng.normal(size=(len(P), d))
    found = outcome(lambda: forces.gradient(given, Y, method=method), "P")
    if found is not None:
        assert_finite([found.grad, found.kl, found.z])
        assert change not in ("index",) or not sparse.issparse(given) or not given.nnz
    for call in (
        lambda: forces.attraction(given, Y),
        lambda: metrics.kl_per_point(given, Y, method=method),
        lambda: forces.kl_divergence(given, Y, method=method),
        lambda: sne.gradient(given, Y, variant=variant),
        lambda: sne.divergence(given, Y, variant=variant),
        lambda: dynamic.objective([given, given], [Y, Y], method=method),
        lambda: dynamic.gradient([given, given], [Y, Y], method=method),
    ):
        result = outcome(call, "P")
        assert result is None or assert_finite(result) is None


@st.composite
def graphs(draw):
    """Return indices and distances, or what may be taken for them, and how many points."""
    n, rng = draw(st.integers(2, 20)), np.random.default_rng(draw(seeds()))
    k = draw(st.integers(1, n - 1))
    indices = np.array([rng.permutation(np.delete(np.arange(n), i))[:k] for i in range(n)])
    distances = np.sort(rng.random((n, k)), axis=1)
    how = draw(
        st.sampled_from(
            ["", "outside", "outside", "negative index", "twice", "self", "float", "shape", "none",
             "gaps", "few", "empty", "words", "object", "unsigned", "one", "three"]
        )
    )  # fmt: skip
    i, j = rng.integers(n), rng.integers(k)
    if how == "outside":
        indices[i, j] = rng.choice([n, n + 1, 2**30, 2**40, 2**62])
    elif how == "negative index":
        indices[i, j] = rng.choice([-2, -n, -(2**40)])
    elif how == "twice":
        indices[:, -1] = indices[:, 0]
    elif how == "self":
        indices[:] = np.arange(n)[:, None]
    elif how == "shape":
        indices = indices[:, :-1]
    elif how == "few":
        indices, distances = indices[1:], distances[1:]
    elif how == "none":
        indices[:] = -1
    elif how == "gaps":
        indices[rng.random((n, k)) < 0.5] = -1
    elif how == "empty":
        indices, distances = indices[:, :0], distances[:, :0]
    elif how in ("float", "words", "object", "unsigned"):
        indices = indices.astype({"words": "U", "object": "O", "unsigned": "u8"}.get(how, how))
    value = draw(
        st.sampled_from(
            [None] * 8 + [-1.0, np.nan, np.inf, 1e300, 1e39, 1e30, 1e-300, "far", 1j, "order"]
        )
    )
    if value == "order":
        distances = distances[:, ::-1]
    elif value is not None and distances.size:
        distances = distances.astype(type(value)) if isinstance(value, str | complex) else distances
        distances[i % len(distances), j] = value
    graph = (indices, distances)
    return {"one": graph[:1], "three": (*graph, indices)}.get(how, graph), n, how


@pytest.mark.full
@examples(
    1400, graph=graphs(), method=METHODS, d=COMPONENTS, seed=seeds(),
    init=st.sampled_from(["pca", "spectral", "random"]),
    kind=st.sampled_from(["perplexity", "multiscale", "mixture", "uniform", "fixed_sigma"]),
)  # fmt: skip
def test_any_neighbors(graph, method, d, seed, init, kind):
    graph, n, how = graph
    before = [part.copy() for part in graph]
    names = ("neighbo", "perplexity")
    taken = outcome(lambda: neighbors.given(graph, n), *names)
    if taken is not None:
        assert how not in ("outside", "negative index", "float", "words")
        assert taken.indices.min() >= -1
        assert taken.indices.max() < n
        assert_finite(taken.distances[taken.indices >= 0])
        assert not (taken.indices == np.arange(n)[:, None]).any()
    near = Neighbors(*graph) if len(graph) == 2 else graph
    for call in (
        lambda: affinities.perplexity(near, 1.5),
        lambda: affinities.multiscale(near, [1, 1.5]),
        lambda: affinities.uniform(near),
        lambda: affinities.fixed_sigma(near, 0.5),
    ):
        P = outcome(call, *names, "affinities")
        if P is not None:
            assert how not in ("outside", "negative index")
            assert_joint(P, len(graph[0]))
    X = np.random.default_rng(seed).normal(size=(n, 3))
    options = {**FEW, "perplexity": 1, "init": init, "affinities": kind}
    model = TSNE(d, neighbors=graph, method=method, **options)
    if outcome(lambda: model.fit(X), *names, "affinities") is not None:
        assert_finite([model.embedding_, model.affinities_])
    for mine, theirs in zip(before, graph, strict=True):
        assert mine.tobytes() == theirs.tobytes() or mine.dtype == object


@st.composite
def starts(draw):
    """Return what may be taken for a map of so many points and dimensions."""
    n, d = draw(st.integers(2, 20)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(seeds()))
    Y = rng.normal(size=(n, d))
    how = draw(
        st.sampled_from(
            ["nan", "inf", "equal", "wide", "few", "flat", "words", "complex", "object", "twins",
             "far", "denormal step"]
            + [10.0**k for k in (-320, -300, -45, -38, -20, -4, 0, 1, 3, 5, 6, 8, 12, 18, 19, 20)]
            + [10.0**k for k in (30, 38, 39, 300)]
            + ["f2", "f4", "i8", "u1", "longdouble", "list"]
        )
    )  # fmt: skip
    if isinstance(how, float):
        Y = Y * how
    elif how in ("nan", "inf"):
        Y[rng.integers(n), rng.integers(d)] = float(how)
    elif how == "equal":
        Y[:] = Y[0]
    elif how == "twins":
        Y = Y[rng.integers(max(n // 3, 1), size=n)]
    elif how == "far":
        Y[0] = 9e5
    elif how == "denormal step":
        Y = 1 + np.arange(n * d).reshape(n, d) * 1e-300
    elif how == "list":
        Y = Y.tolist()
    else:
        shapes = {"wide": np.hstack([Y, Y]), "few": Y[1:], "flat": Y.ravel()}
        Y = shapes[how] if how in shapes else Y.astype({"words": "U"}.get(how, how))
    return Y, n, d


@examples(1000, start=starts(), method=METHODS, seed=seeds())
def test_any_start(start, method, seed):
    Y, n, d = start
    X = np.random.default_rng(seed).normal(size=(n, 3))
    before = np.array(Y)
    model = TSNE(d, init=Y, method=method, **{**FEW, "perplexity": 1})
    if outcome(lambda: model.fit(X), "init", "Y") is not None:
        assert_finite([model.embedding_, model.kl_per_point_])
    assert np.array_equal(before, np.array(Y), equal_nan=before.dtype.kind in "fc")
    small = outcome(lambda: initial.rescale(Y), "Y")
    assert small is None or small.std(axis=0).max() == pytest.approx(1e-4, rel=1e-3)


@pytest.mark.full
@examples(
    1600,
    start=starts(),
    method=METHODS,
    theta=st.sampled_from([0, 1e-300, 0.1, 0.5, 1.2, 100, 9e5, 1e6, 1e300, np.inf, np.nan, -1]),
    dof=st.sampled_from(
        [1e-300, 1e-3, 0.01, 0.5, 1, 1.0, 2, 30, 1e3, 9999.0, 1e4, 1e8, 1e300, 0, np.nan]
    ),
    seed=seeds(),
)
def test_forces_on_any_map(start, method, theta, dof, seed):
    Y, n, _ = start
    rng = np.random.default_rng(seed)
    P = affinities.given((p := rng.random((n, n))) + p.T)
    names, options = ("Y", "theta", "dof"), {"method": method, "theta": theta, "dof": dof}
    found = outcome(lambda: forces.repulsion(Y, **options), *names)
    if found is not None:
        assert_finite([found.force, found.z])
        if theta <= 0.5 and dof <= 1000:
            truth = naive.repulsion(np.asarray(Y, np.float64), dof)
            size = max(np.linalg.norm(truth), 1e-30)
            assert np.linalg.norm(found.force - truth) < 0.02 * size or size < 1e-20
    result = outcome(lambda: forces.gradient(P, Y, **options), *names, "P")
    assert result is None or assert_finite(tuple(result)) is None
    for call in (
        lambda: forces.attraction(P, Y, dof=dof),
        lambda: forces.kl_divergence(P, Y, **options),
        lambda: metrics.kl_per_point(P, Y, **options),
        lambda: sne.gradient(P, Y, variant="t-sne"),
        lambda: sne.gradient(P, Y, variant="sne"),
        lambda: sne.divergence(P, Y, variant="uni-sne"),
        lambda: dynamic.movement([Y, Y]),
    ):
        result = outcome(call, *names, "P", "maps", "snapshots")
        assert result is None or assert_finite(result) is None
    built = outcome(lambda: tree.build(Y), "Y")
    if built is not None:
        assert_finite([built.center, built.quadrupole, built.width])
        assert np.array_equal(np.sort(built.order), np.arange(len(built.order)))
