"""A saved estimator is read with the same bits, in another process too."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from bhtsne import TSNE, neighbors
from bhtsne.tsne import saving

X = np.random.default_rng(0).random((90, 5))
OLD, NEW = X[:70], X[70:]
QUICK = {"perplexity": 6, "random_state": 0, "n_iter": 30, "early_exaggeration_iter": 20}
MODELS = {
    "array": ({}, OLD),
    "float32": ({}, OLD.astype(np.float32)),
    "csr": ({}, sparse.csr_array(OLD)),
    "frame": ({}, pd.DataFrame(OLD, columns=list("abcde"))),
    "exact": ({"method": "exact", "dof": 0.5}, OLD),
    "given start": ({"init": OLD[:, :2] * 1e-4}, OLD),
    "given neighbours": (
        {"neighbors": (np.argsort(np.random.default_rng(1).random((70, 70)), axis=1)[:, :18] * 0
                       + (np.arange(70)[:, None] + np.arange(1, 19)) % 70, np.ones((70, 18)))}, OLD,
    ),
    "precomputed": ({"metric": "precomputed", "init": "random"}, abs(OLD[:, :1] - OLD[:, 0])),
    "3-D": ({"n_components": np.int64(3)}, OLD),
}  # fmt: skip


@pytest.mark.full(after=2)
@pytest.mark.parametrize("kind", MODELS)
def test_a_saved_map_comes_back_whole(kind, tmp_path):
    options, points = MODELS[kind]
    model = TSNE(**QUICK, **options).fit(points)
    model.save(tmp_path / "map")
    again = TSNE.load(tmp_path / "map")
    assert again.embedding_.tobytes() == model.embedding_.tobytes()
    assert (again.affinities_ != model.affinities_).nnz == 0
    for name in ("kl_divergence_", "n_iter_", "history_", "timings_", "stopped_", "n_features_in_"):
        assert getattr(again, name) == getattr(model, name)
    for one, other in zip(again.neighbors_ or (), model.neighbors_ or (), strict=True):
        assert one.tobytes() == other.tobytes()
    new = sparse.csr_array(NEW) if kind == "csr" else NEW
    if kind == "precomputed":
        new = abs(NEW[:, :1] - OLD[:, 0])
    if kind == "frame":
        new = pd.DataFrame(NEW, columns=list("abcde"))
        assert list(again.get_feature_names_out()) == ["tsne0", "tsne1"]
    assert again.transform(new).tobytes() == model.transform(new).tobytes()
    ours, theirs = again.get_params(), model.get_params()
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        if name == "neighbors" and isinstance(value, tuple):
            found = neighbors.given(value, 70)
            assert all(np.array_equal(*pair) for pair in zip(ours[name], found, strict=True))
        else:
            assert np.array_equal(ours[name], value)


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(70) % 3,
        np.repeat(["ash", ""], 35),
        np.arange(70).astype("M8[D]"),
        np.where(np.arange(70) < 3, np.nan, 1.5),
    ],
    ids=["numbers", "text", "dates", "floats"],
)
def test_labels_are_saved_beside_the_map(labels, tmp_path):
    model = TSNE(**QUICK).fit(OLD)
    saving.save(model, tmp_path / "map", labels)
    again, found = saving.load_labelled(TSNE, tmp_path / "map")
    np.testing.assert_array_equal(found, labels)
    assert found.dtype == labels.dtype
    assert again.embedding_.tobytes() == TSNE.load(tmp_path / "map").embedding_.tobytes()
    again.save(tmp_path / "bare")
    assert saving.load_labelled(TSNE, tmp_path / "bare")[1] is None
    saving.save(model, tmp_path / "map", labels[:9])
    with pytest.raises(ValueError, match=r"each of 70 points, got .* of shape \(9,\)"):
        TSNE.load(tmp_path / "map")


def test_another_process_makes_the_same_of_new_points(tmp_path):
    model = TSNE(**QUICK).fit(OLD)
    model.save(tmp_path / "map.npz")
    np.save(tmp_path / "new.npy", NEW)
    code = (
        "import numpy as np, sys; from bhtsne import TSNE; folder = sys.argv[1]\n"
        "model = TSNE.load(folder + '/map.npz')\n"
        "print(model.transform(np.load(folder + '/new.npy')).tobytes().hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    there = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert bytes.fromhex(there) == model.transform(NEW).tobytes()


def test_only_a_fitted_estimator_is_saved(tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        TSNE().save(tmp_path / "map.npz")
    model = TSNE(metric=lambda a, b: abs(a - b).sum(), **QUICK).fit(OLD)
    with pytest.raises(ValueError, match=r"parameters\.metric must consist of numbers"):
        model.save(tmp_path / "map.npz")
    assert list(tmp_path.iterdir()) == []


def test_callbacks_are_not_saved(tmp_path):
    TSNE(callbacks=[print], **QUICK).fit(OLD).save(tmp_path / "map.npz")
    assert TSNE.load(tmp_path / "map.npz").callbacks == ()


@pytest.fixture
def edited(tmp_path):
    """Return a function that changes the parameters in a saved file."""

    def change(how):
        path = tmp_path / "map.npz"
        TSNE(**QUICK).fit(OLD).save(path)
        with np.load(path) as file:
            arrays = dict(file)
        header = json.loads(arrays.pop("header").item())
        how(header["content"]["parameters"])
        np.savez(path, **arrays, header=json.dumps(header))
        return path

    return change


@pytest.mark.parametrize("name", ["schedule", "neighbors", "affinities", "stopping"])
def test_a_parameter_that_is_later_than_the_file_has_its_default(name, edited):
    again = TSNE.load(edited(lambda parameters: parameters.pop(name)))
    assert getattr(again, name) == getattr(TSNE(), name)
    assert again.transform(NEW).tobytes() == TSNE(**QUICK).fit(OLD).transform(NEW).tobytes()


def test_a_parameter_that_this_version_lacks_is_named(edited):
    path = edited(lambda parameters: parameters.update(eta=200.0))
    with pytest.raises(
        ValueError, match=r"map\.npz holds the parameter 'eta', which bhtsne .* fit"
    ):
        TSNE.load(path)


def test_arrays_among_metric_params_come_back(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 4))
    params = {"V": np.cov(X.T) + np.eye(4)}
    model = TSNE(
        perplexity=5, n_iter=5, metric="mahalanobis", metric_params=params, random_state=0
    ).fit(X)
    model.save(tmp_path / "m.npz")
    again = TSNE.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(again.metric_params["V"], params["V"])
    np.testing.assert_array_equal(again.transform(X[:9]), model.transform(X[:9]))
