"""Landmarks are chosen alike however the points are cut, and each point is placed on its own."""

import numpy as np
import pandas as pd
import polars
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from bhtsne import TSNE, LandmarkTSNE, datasets, landmarks
from bhtsne.landmarks.choosing import choose

QUICK = TSNE(perplexity=10, early_exaggeration_iter=60, n_iter=40)


@pytest.fixture(scope="module")
def X():
    return datasets.clusters(1500, 10, random_state=0).X


@pytest.fixture(scope="module")
def model(X):
    return LandmarkTSNE(300, tsne=QUICK, block=400, random_state=0).fit(X)


def forms(X, folder):
    """Return the same points in each form that they may come in."""
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    np.save(folder / "X.npy", X)
    frame.to_parquet(folder / "X.parquet", row_group_size=333)
    (folder / "parts").mkdir()
    frame[:700].to_parquet(folder / "parts" / "part-0.parquet")
    frame[700:].to_parquet(folder / "parts" / "part-1.parquet")
    (folder / "parts" / "_model.parquet").write_bytes(b"no part of it")
    cut = [X[:100], X[100:101], X[101:]]
    return {
        "array": X, "list": X.tolist(), "map": np.load(folder / "X.npy", mmap_mode="r"),
        "frame": frame, ".npy": folder / "X.npy", ".parquet": str(folder / "X.parquet"),
        "folder": folder / "parts", "blocks": cut, "function": lambda: iter(cut),
        "CSR": sparse.csr_array(X),
    }  # fmt: skip


def test_every_form_of_points_gives_the_same_map(X, model, tmp_path):
    expected = model.transform(X)
    for name, form in forms(X, tmp_path).items():
        other = LandmarkTSNE(300, tsne=QUICK, block=512, random_state=0).fit(form)
        np.testing.assert_array_equal(other.landmarks_, model.landmarks_, err_msg=name)
        if name != "CSR":  # whose distances are scikit-learn's
            np.testing.assert_array_equal(other.transform(form), expected, err_msg=name)


def test_each_point_is_placed_as_the_estimator_of_the_landmarks_places_it(X, model):
    np.testing.assert_array_equal(model.transform(X), model.tsne_.transform(X))
    blocks = model.place(X[i : i + 7] for i in range(0, 70, 7))
    np.testing.assert_array_equal(np.concatenate(list(blocks)), model.transform(X[:70]))


def test_landmarks_stand_where_their_own_map_has_them(X):
    model = LandmarkTSNE(300, tsne=QUICK, random_state=0)
    Y = model.fit_transform(X)
    np.testing.assert_array_equal(Y[model.landmarks_], model.tsne_.embedding_)
    np.testing.assert_array_equal(Y, model.embedding_)
    rest = np.setdiff1d(np.arange(len(X)), model.landmarks_)
    np.testing.assert_array_equal(Y[rest], model.transform(X[rest]))


def test_refining_moves_all_points_to_a_lower_divergence(X):
    model = LandmarkTSNE(300, tsne=QUICK, refine_iter=60, random_state=0).fit(X)
    still = TSNE(perplexity=10, init=LandmarkTSNE(300, tsne=QUICK, random_state=0).fit_transform(X),
                 schedule=[{"n_iter": 0}]).fit(X)  # fmt: skip
    Y = model.fit_transform(X)
    assert model.refined_.kl_divergence_ < 0.9 * still.kl_divergence_
    np.testing.assert_array_equal(Y, model.refined_.embedding_)


@pytest.mark.parametrize("way", ["uniform", "coreset", "stratified"])
def test_the_choice_does_not_depend_on_the_blocks(way, X):
    y = np.arange(len(X)) % 7
    rows = [
        choose(landmarks.Source(X, block), 100, way, y, np.random.RandomState(3))
        for block in (64, 999, 5000)
    ]
    for some in rows[1:]:
        np.testing.assert_array_equal(some, rows[0])
    assert (np.diff(rows[0]) > 0).all()
    assert len(rows[0]) == 100


def test_each_label_has_its_share_and_one_at_least():
    y = np.repeat(["a", "b", "c", "d"], [10_000, 3000, 500, 3])
    source = landmarks.Source(np.zeros((len(y), 1)), 4096)
    rows = choose(source, 135, "stratified", y, np.random.RandomState(0))
    names, counts = np.unique(y[rows], return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {
        "a": 99,
        "b": 30,
        "c": 5,
        "d": 1,
    }
    with pytest.raises(
        ValueError, match="n_landmarks must be at least 4, one for each label, got 3"
    ):
        choose(source, 3, "stratified", y, np.random.RandomState(0))


def test_a_coreset_has_points_of_a_rare_far_group():
    """30 of 30,000 at 30 standard deviations: a part of 1/3 of q, and of 0.001 of the points."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(30_000, 4))
    X[:30] += 30
    for form in (X, sparse.csr_array(X)):
        rows = choose(landmarks.Source(form, 4096), 60, "coreset", None, np.random.RandomState(1))
        assert 8 <= (rows < 30).sum() <= 25
    # without far points it draws by density, as at random
    rows = choose(landmarks.Source(X[30:], 4096), 3000, "coreset", None, np.random.RandomState(1))
    assert abs(X[30:][rows].std() - 1) < 0.2


def test_rows_of_ones_own_are_taken(X):
    model = LandmarkTSNE(landmarks=np.arange(0, 900, 3), tsne=QUICK).fit(X)
    np.testing.assert_array_equal(model.landmarks_, np.arange(0, 900, 3))


@pytest.mark.full
def test_no_more_than_a_block_is_held(tmp_path, tracer):
    X = np.random.default_rng(0).normal(size=(60_000, 60))
    np.save(tmp_path / "X.npy", X)
    model = LandmarkTSNE(200, tsne=QUICK, block=1000, random_state=0, n_jobs=1).fit(X[:2000])
    tracer.peak(place_mapped, model, tmp_path / "X.npy", 2000)  # compiles
    assert 0 < tracer.peak(place_mapped, model, tmp_path / "X.npy", 60_000) < 0.4 * X.nbytes


def place_mapped(model, path, rows):
    assert sum(len(Y) for Y in model.place(np.load(path, mmap_mode="r")[:rows])) == rows


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"n_landmarks": 1}, ValueError, "n_landmarks must be a whole number of at least 2"),
        ({"landmarks": "random"}, ValueError, "landmarks must be one of"),
        ({"landmarks": [3, 5000]}, ValueError, "landmarks must be rows from 0 to 1499, got 3 to"),
        ({"landmarks": [0.5, 1.0]}, ValueError, "landmarks must be"),
        ({"landmarks": "stratified"}, ValueError, r"needs y of shape \(1500,\)"),
        ({"block": 0}, ValueError, "block must be"),
        ({"refine_iter": -1}, ValueError, "refine_iter must be"),
    ],
)
def test_parameters_that_break_a_rule_are_named(options, error, match, X):
    with pytest.raises(error, match=match):
        LandmarkTSNE(**{"tsne": QUICK} | options).fit(X)


@pytest.mark.parametrize(
    ("tsne", "perplexity", "error", "match"),
    [
        ("TSNE", None, TypeError, "tsne must be a TSNE or None, got 'TSNE'"),
        (TSNE(metric="precomputed"), None, ValueError, "tsne must embed points with features"),
        (TSNE(perplexity=-1), None, ValueError, "perplexity must be"),
        (TSNE(), -5, ValueError, "perplexity must be"),
    ],
)
def test_an_estimator_that_cannot_place_is_refused_before_the_work(tsne, perplexity, error, match):
    def never():
        raise AssertionError("nothing is read")

    with pytest.raises(error, match=match):
        LandmarkTSNE(tsne=tsne, perplexity=perplexity).fit(never)


@pytest.mark.full
def test_landmarks_may_be_all_points_or_one_block(X):
    for form in (X[:80], [X[:80]], sparse.coo_array(X[:80])):
        for way in ("uniform", "coreset", "stratified"):
            model = LandmarkTSNE(1000, landmarks=way, tsne=QUICK, random_state=0)
            Y = model.fit_transform(form, np.arange(80) % 3)
            np.testing.assert_array_equal(model.landmarks_, np.arange(80))
            np.testing.assert_array_equal(Y, model.tsne_.embedding_)


def test_empty_blocks_are_no_points(X, model):
    some = [X[:0], X[:30], X[:0], X[30:60], X[:0]]
    np.testing.assert_array_equal(model.transform(some), model.transform(X[:60]))
    assert [len(Y) for Y in model.place(iter(some))] == [0, 30, 0, 30, 0]
    for nothing in ([], X[:0], lambda: iter([])):
        with pytest.raises(ValueError, match="X must hold some points"):
            model.transform(nothing)


def test_points_that_change_from_pass_to_pass_are_refused(X):
    passes = iter([X, X[:900]])
    with pytest.raises(ValueError, match="X must hold 1500 points in each iteration, got"):
        LandmarkTSNE(300, tsne=QUICK).fit(lambda: [next(passes)])


def test_names_of_features_are_those_of_the_landmarks(X, tmp_path):
    frame = pd.DataFrame(X[:400], columns=[f"x{i}" for i in range(10)])
    model = LandmarkTSNE(200, tsne=QUICK, random_state=0).fit(frame)
    assert model.feature_names_in_.tolist() == list(frame.columns)
    other = frame[["x1", "x0", *frame.columns[2:]]]
    other.to_parquet(tmp_path / "other.parquet")
    expected = model.transform(frame)
    for X_new in (other, polars.from_pandas(other), tmp_path / "other.parquet"):
        np.testing.assert_array_equal(model.transform(X_new), expected)
    other.drop(columns="x3").to_parquet(tmp_path / "other.parquet")
    for X_new in (other.drop(columns="x3"), tmp_path / "other.parquet"):
        with pytest.raises(ValueError, match="features of the fit, got none of the name 'x3'"):
            model.place(X_new)
    with pytest.raises(ValueError, match="features of the fit alone, got also 'new'"):
        model.place(other.assign(new=1.0))
    assert not hasattr(model.fit(X[:400]), "feature_names_in_")


def test_the_files_of_a_folder_have_the_same_columns(X, tmp_path):
    frame = pd.DataFrame(X[:400], columns=[f"x{i}" for i in range(10)])
    frame[:200].to_parquet(tmp_path / "a.parquet")
    frame.loc[200:, ::-1].to_parquet(tmp_path / "b.parquet")
    rows = np.concatenate(list(landmarks.Source(tmp_path, 90)))
    np.testing.assert_array_equal(rows, X[:400])
    frame.drop(columns="x3").to_parquet(tmp_path / "c.parquet")
    with pytest.raises(ValueError, match=r"c\.parquet must hold .* other columns .*: x3"):
        list(landmarks.Source(tmp_path, 90))


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_rows_are_taken_across_blocks_and_blocks_have_their_rows(form):
    X = np.arange(20, dtype=np.float32).reshape(10, 2)
    source = landmarks.Source(form(X), 4)
    assert [rows for rows, _ in source.numbered()] == [slice(0, 4), slice(4, 8), slice(8, 10)]
    taken = source.take(np.array([0, 3, 4, 9]))
    assert (sparse.csr_array(taken).toarray() == X[[0, 3, 4, 9]]).all()


def test_it_is_an_estimator_as_scikit_learn_has_them(X):
    model = LandmarkTSNE(200, tsne=QUICK, random_state=0)
    with pytest.raises(NotFittedError):
        model.place(X)
    assert clone(model).get_params()["tsne__perplexity"] == 10
    model.set_output(transform="pandas").fit(X[:400])
    frame = pd.DataFrame(X[:9], index=list("abcdefghi"))
    placed = model.transform(frame)
    assert list(placed.columns) == ["landmarktsne0", "landmarktsne1"]
    assert list(placed.index) == list("abcdefghi")
    model.set_output(transform="default")
    np.testing.assert_array_equal(placed, model.transform(X[:9]))


def test_placing_tells_how_far_it_is(X, capsys, monkeypatch):
    monkeypatch.setattr("bhtsne.progress._BRIEF", 0)
    model = LandmarkTSNE(200, tsne=QUICK, random_state=0, block=100).fit(X[:400])
    model.set_params(verbose=True).transform(X[:300])
    assert "placing      100% 300/300 [" in capsys.readouterr().err
    list(model.place(X[i : i + 50] for i in range(0, 300, 50)))
    assert "placing      300 [" in capsys.readouterr().err


def test_bad_blocks_are_named(X, model, tmp_path):
    bad = X.copy()
    bad[700, 3] = np.nan
    with pytest.raises(ValueError, match="block 1 of X must be finite"):
        model.transform(bad)
    with pytest.raises(ValueError, match="block 1 of X must have 10 columns as the first, got 9"):
        LandmarkTSNE(2, tsne=QUICK).fit([X[:5], X[:5, :9]])
    with pytest.raises(TypeError, match="more than once, got an iterator"):
        LandmarkTSNE(tsne=QUICK).fit(iter([X]))
    with pytest.raises(ValueError, match=r"\.npy and \.parquet"):
        LandmarkTSNE(tsne=QUICK).fit(tmp_path / "X.csv")
    (tmp_path / "X.parquet").write_text("no table")
    with pytest.raises(ValueError, match=r"X\.parquet must hold a table of numbers"):
        LandmarkTSNE(tsne=QUICK).fit(tmp_path / "X.parquet")


def test_placing_leaves_the_output_of_the_map_as_it_was_set(X):
    model = LandmarkTSNE(200, tsne=QUICK, random_state=0).fit(X[:400])
    model.tsne_.set_output(transform="pandas")
    assert isinstance(model.transform(X[:9]), np.ndarray)
    assert isinstance(model.tsne_.transform(X[:9]), pd.DataFrame)
