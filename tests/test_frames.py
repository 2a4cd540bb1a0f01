"""Data frames mean what files mean, but nothing of them is set aside; features have names."""

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from bhtsne import SNE, TSNE, DynamicTSNE, metrics, neighbors
from bhtsne.tables import frames

X = np.random.default_rng(0).normal(size=(60, 4)).round(3)
NAMES = list("abcd")
PANDAS = pd.DataFrame(X, columns=NAMES)
QUICK = {"perplexity": 5, "n_iter": 30, "early_exaggeration_iter": 30, "random_state": 0}

FORMS = {
    "pandas": PANDAS,
    "nullable": PANDAS.convert_dtypes(),
    "Arrow in pandas": PANDAS.astype("double[pyarrow]"),
    "decimals": PANDAS.assign(a=[decimal.Decimal(str(value)) for value in X[:, 0]]),
    "polars": pl.DataFrame(X, schema=NAMES),
    "Arrow": pa.table(dict(zip(NAMES, X.T, strict=True))),
    "a column of arrays": pd.DataFrame({"v": list(X)}),
    "a series of arrays": pd.Series(list(X)),
    "a series of lists": pl.Series("v", X.tolist()),
    "a column of fixed size": pl.DataFrame(
        {"v": pl.Series("v", X.tolist(), dtype=pl.Array(pl.Float64, 4))}
    ),
}


@pytest.fixture(scope="module")
def base():
    return TSNE(**QUICK).fit(X)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_frame_makes_the_same_map(form, base):
    frame = FORMS[form]
    model = TSNE(**QUICK).fit(frame)
    np.testing.assert_array_equal(model.embedding_, base.embedding_)
    np.testing.assert_array_equal(frames.points(frame), X)
    named = len(getattr(frame, "columns", ())) == 4
    assert getattr(model, "feature_names_in_", np.array([])).tolist() == (NAMES if named else [])


def test_bools_and_half_floats_are_numbers():
    flags = X[:, 0] > 0
    half = X[:, 1].astype(np.float16)
    expected = np.column_stack([flags, half]).astype(np.float32)
    for frame in (
        pd.DataFrame({"flag": flags, "half": half}),
        pl.DataFrame({"flag": flags, "half": half.astype(np.float32)}),
        pa.table({"flag": flags, "half": half}),
    ):
        np.testing.assert_array_equal(frames.points(frame), expected)


def test_a_sparse_frame_stays_sparse():
    S = sparse.random(60, 8, 0.5, format="csr", random_state=0)
    found = frames.points(pd.DataFrame.sparse.from_spmatrix(S))
    assert sparse.issparse(found)
    np.testing.assert_array_equal(found.toarray(), S.toarray())
    assert TSNE(**QUICK).fit(pd.DataFrame.sparse.from_spmatrix(S)).n_features_in_ == 8


DAY = datetime.date(2024, 1, 31)
BAD = {
    "text": (PANDAS.assign(k="x"), "got text in 'k'; drop"),
    "categories": (PANDAS.assign(k=pd.Categorical(list("ab") * 30)), "got categories in 'k'"),
    "categories of numbers": (PANDAS.assign(k=pd.Categorical([1, 2] * 30)), "got categories in"),
    "dates of pandas": (PANDAS.assign(k=pd.Timestamp(DAY)), "got dates in 'k'"),
    "dates of polars": (pl.DataFrame({"d": [DAY] * 60, "a": X[:, 0]}), "got dates in 'd'"),
    "durations": (PANDAS.assign(k=pd.Timedelta("1h")), "got durations in 'k'"),
    "bytes": (PANDAS.assign(k=b"x"), "got bytes in 'k'"),
    "several types": (PANDAS.assign(k=[1, "a"] * 30), "one type in each column, .* in 'k'"),
    "NaN": (PANDAS.mask(X[3, 1] == PANDAS), r"column 'b' has no value in row 4 \(1 of 60 points\)"),
    "NA": (PANDAS.convert_dtypes().mask(PANDAS.a == X[7, 0]), "column 'a' has no value in row 8"),
    "null": (pl.DataFrame({"a": [1.0, None] * 30}), r"'a' has no value in row 2 \(30 of 60"),
    "no columns": (PANDAS[[]], "without columns"),
    "vectors and numbers": (PANDAS.assign(v=list(X)), "vectors in its only column, got them in v"),
    "vectors of two lengths": (pl.DataFrame({"v": [[1.0], [1.0, 2.0]] * 30}), "of one length"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_column_that_is_no_feature_is_refused_by_name(kind):
    frame, said = BAD[kind]
    calls = (
        lambda X: TSNE(**QUICK).fit(X),
        lambda X: SNE(perplexity=5, n_iter=5).fit(X),
        lambda X: DynamicTSNE(perplexity=5, n_iter=5).fit([X, X]),
        lambda X: neighbors.find(X, 3),
        lambda Z: metrics.trustworthiness(Z, X[:, :2]),
    )
    for call in calls:
        with pytest.raises(ValueError, match=said) as caught:
            call(frame)
        assert "\n" not in str(caught.value)


def test_a_lazy_frame_names_the_way_out():
    with pytest.raises(TypeError, match=r"must be a data frame, got a lazy one; call .* collect"):
        TSNE(**QUICK).fit(pl.DataFrame(X, schema=NAMES).lazy())


def test_new_points_are_put_into_the_order_of_the_fit(base, tmp_path):
    model = TSNE(**QUICK).fit(PANDAS)
    expected = base.transform(X[:9])
    model.save(tmp_path / "m.npz")
    for one in (model, TSNE.load(tmp_path / "m.npz")):
        for new in (PANDAS, PANDAS[NAMES[::-1]], pl.from_pandas(PANDAS[["c", "a", "d", "b"]])):
            np.testing.assert_array_equal(one.transform(new[:9]), expected)
    grown = TSNE(**QUICK).fit(PANDAS[:50]).add(PANDAS[50:][NAMES[::-1]], n_iter=5)
    plain = TSNE(**QUICK).fit(X[:50]).add(X[50:], n_iter=5)
    np.testing.assert_array_equal(grown.embedding_, plain.embedding_)


@pytest.mark.parametrize(("change", "said"), [
    (lambda new: new.drop(columns="c"), "of the fit, got none of the name 'c'; add"),
    (lambda new: new.assign(e=1.0), "of the fit alone, got also 'e'; drop"),
    (lambda new: new.rename(columns={"a": "z"}), "got none of the name 'a'"),
    (lambda new: new[["a", "a", "b", "c", "d"]], "each feature once, got 5 of 4"),
])  # fmt: skip
def test_other_features_are_refused_by_name(change, said):
    model = TSNE(**QUICK).fit(PANDAS)
    with pytest.raises(ValueError, match=said):
        model.transform(change(PANDAS[:9]))


def test_a_frame_without_names_of_text_is_taken_by_position(base):
    frame = pd.DataFrame(X)
    model = TSNE(**QUICK).fit(frame)
    assert not hasattr(model, "feature_names_in_")
    np.testing.assert_array_equal(model.transform(frame[:9]), base.transform(X[:9]))
    np.testing.assert_array_equal(base.transform(PANDAS[:9]), base.transform(X[:9]))
    with pytest.raises(ValueError, match="must have 4 columns as the fitted points, got 3"):
        base.transform(PANDAS[:9][["a", "b", "c"]])


def test_a_second_fit_forgets_the_names_of_the_first():
    model = TSNE(**QUICK).fit(PANDAS)
    assert not hasattr(model.fit(X), "feature_names_in_")
    assert not hasattr(model.fit(pd.DataFrame(X)), "feature_names_in_")
