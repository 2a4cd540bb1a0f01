"""On a cluster points come to the same places as on one machine, whatever happens to workers."""

import os
import signal
import warnings
from unittest import mock

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from dask_ml.wrappers import ParallelPostFit
from distributed import Client, LocalCluster
from sklearn.base import clone

import bhtsne.dask as bd
from bhtsne import TSNE, LandmarkTSNE, datasets, initial, memory, neighbors
from bhtsne.dask import clusters

QUICK = TSNE(perplexity=10, early_exaggeration_iter=60, n_iter=40, random_state=0)


@pytest.fixture(scope="module")
def X():
    return datasets.clusters(1200, 12, random_state=0).X


@pytest.fixture(scope="module")
def model(X):
    return LandmarkTSNE(300, tsne=QUICK, random_state=0).fit(X)


@pytest.fixture(scope="module")
def client():
    # Dask's nannies leave settings of the allocator and of threads in the environment.
    with warnings.catch_warnings(), mock.patch.dict(os.environ):
        warnings.simplefilter("ignore")
        with (
            LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client


def frame(X, **options):
    names = [f"x{i}" for i in range(X.shape[1])]
    index = pd.Index(np.arange(len(X)) * 10, name="id")
    return dd.from_pandas(pd.DataFrame(X, index=index, columns=names), **options)


def test_without_a_client_the_threads_of_one_process_place_points(X, model):
    lazy = model.transform(da.from_array(X, chunks=(500, 12)))
    np.testing.assert_array_equal(lazy.compute(scheduler="threads"), model.transform(X))


def test_places_are_lazy_and_those_of_one_machine(X, model, client):
    expected = model.transform(X)
    lazy = model.transform(da.from_array(X, chunks=(500, 5)))
    assert isinstance(lazy, da.Array)
    assert (lazy.shape, lazy.dtype) == ((1200, 2), np.float32)
    np.testing.assert_array_equal(lazy.compute(), expected)


def test_a_data_frame_keeps_its_index(X, model, client):
    table = frame(X, npartitions=4)
    lazy = model.tsne_.transform(table)
    assert isinstance(lazy, dd.DataFrame)
    done = lazy.compute()
    assert list(done.columns) == ["tsne0", "tsne1"]
    np.testing.assert_array_equal(done.index, table.index.compute())
    np.testing.assert_array_equal(done.to_numpy(), model.transform(X))


def test_landmarks_are_drawn_from_a_distributed_collection(X, model, client):
    for collection in (da.from_array(X, chunks=(350, 12)), frame(X, npartitions=3)):
        other = LandmarkTSNE(300, tsne=QUICK, random_state=0).fit(collection)
        np.testing.assert_array_equal(other.landmarks_, model.landmarks_)
        np.testing.assert_array_equal(other.tsne_.embedding_, model.tsne_.embedding_)


def test_components_are_those_of_one_machine(X, client):
    scores = bd.principal_components(da.from_array(X, chunks=(350, 12)), 3).compute()
    oracle = initial.principal_components(X, 3)
    np.testing.assert_allclose(scores, oracle, atol=1e-4 * np.abs(oracle).max())


def test_neighbours_over_partitions_are_exact(X, client):
    doubled = np.concatenate([X[:500], X[:100]])  # duplicates, in other partitions too
    for chunks in ((250, 12), (97, 5)):
        found = bd.neighbors(da.from_array(doubled, chunks=chunks), 9)
        oracle = neighbors.find(doubled, 9, method="exact")
        np.testing.assert_allclose(found.distances, oracle.distances, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(found.indices, oracle.indices)
    Y = TSNE(neighbors=found, init="spectral", perplexity=3, random_state=0, n_iter=5,
             early_exaggeration_iter=5).fit_transform(doubled)  # fmt: skip
    assert Y.shape == (600, 2)


def test_a_bad_partition_is_named(X, model, client):
    bad = X.copy()
    bad[700, 3] = np.nan
    collection = da.from_array(bad, chunks=(300, 12))
    lazy = model.transform(collection)
    np.testing.assert_array_equal(lazy[:600].compute(), model.transform(X[:600]))
    with pytest.raises(ValueError, match="partition 2 of X: its rows must be finite"):
        lazy.compute()
    with pytest.raises(
        ValueError,
        match="partition 2 of X: its rows must be finite",
    ):
        bd.principal_components(collection, 2)


def test_a_bad_partition_of_a_data_frame_is_named(X, model, client):
    table = frame(np.where(np.arange(1200)[:, None] == 700, np.nan, X), npartitions=4)
    with pytest.raises(ValueError, match=r"partition 2 of X: .* 'x0' has no value in row 101"):
        model.tsne_.transform(table).compute()


def test_what_is_no_table_of_the_features_is_refused_at_once(X, model):
    table = frame(X, npartitions=2)
    words = table.assign(kind="a")
    with pytest.raises(ValueError, match=r"X must hold numbers in each column, got .* in 'kind'"):
        model.transform(words)
    with pytest.raises(ValueError, match="X must hold numbers in each column"):
        LandmarkTSNE(300, tsne=QUICK).fit(words)
    with pytest.raises(ValueError, match="X must hold real numbers"):
        bd.principal_components(da.from_array(X.astype(str)), 2)
    with pytest.raises(ValueError, match=r"of shape \(N, D\)"):
        bd.neighbors(da.from_array(X[:, 0]), 2)
    with pytest.raises(ValueError, match="X must have 12 columns as the fitted points, got 11"):
        model.transform(da.from_array(X[:, :11]))
    named = LandmarkTSNE(300, tsne=QUICK, random_state=0).fit(table)
    turned = named.transform(table[table.columns[::-1]]).compute()
    np.testing.assert_array_equal(turned, named.transform(table).compute())
    with pytest.raises(ValueError, match="features of the fit, got none of the name 'x3'"):
        named.transform(table.drop(columns="x3"))
    with pytest.raises(ValueError, match="features of the fit alone, got also 'new'"):
        named.transform(table.assign(new=1.0))


def test_sizes_and_divisions_need_not_be_known(X, model, client):
    table = frame(X, npartitions=3, sort=False).clear_divisions()
    np.testing.assert_array_equal(model.tsne_.transform(table).compute(), model.transform(X))
    rows = table.to_dask_array()  # whose partitions are of unknown sizes
    np.testing.assert_array_equal(model.transform(rows).compute(), model.transform(X))
    other = LandmarkTSNE(300, tsne=QUICK, random_state=0)
    Y = other.fit_transform(rows)
    np.testing.assert_array_equal(other.landmarks_, model.landmarks_)
    rest = np.setdiff1d(np.arange(1200), other.landmarks_)
    np.testing.assert_array_equal(Y[rest], model.transform(X[rest]))


def test_what_comes_of_a_lazy_collection_is_lazy_whatever_else_is_asked_for(X, model):
    model = clone(model.tsne_).fit(X[:300]).set_output(transform="pandas")
    lazy = model.transform(da.from_array(X, chunks=(500, 12)))
    assert isinstance(lazy, da.Array)
    np.testing.assert_array_equal(lazy[:40].compute(), model.transform(X[:40]))


@pytest.mark.full
def test_a_worker_that_is_killed_changes_nothing(X, model, client):
    lazy = model.transform(da.from_array(X, chunks=(50, 12)))
    future = client.compute(lazy)
    worker = next(iter(client.run(os.getpid).values()))
    os.kill(worker, signal.SIGKILL)
    np.testing.assert_array_equal(future.result(timeout=120), model.transform(X))


def wide(parts, rows, columns):
    """Return a collection of so many partitions, which the workers make."""
    draw = da.random.default_rng(0).random
    return draw((parts * rows, columns), chunks=(rows, columns), dtype=np.float32)


def placed(parts):
    X = np.random.default_rng(0).random((200, 4000), np.float32)
    model = clone(QUICK).fit(X)
    model.transform(wide(parts, 500, 4000), n_iter=2).compute()


def reduced(parts):
    bd.principal_components(wide(parts, 8000, 250), 2).compute()


def joined(parts):
    bd.neighbors(wide(parts, 200, 10_000), 1)


@pytest.mark.full
@pytest.mark.parametrize(
    ("work", "few", "many"), [(placed, 4, 16), (reduced, 4, 16), (joined, 2, 7)]
)
def test_a_worker_holds_some_partitions_however_many_there_are(work, few, many, monkeypatch):
    """They are of 8 MB each; what the allocator retains of freed ones does not count."""
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with clusters.client("local", 2) as client:
            work(few)
            before = max(client.run(memory.peak).values())
            work(many)
            after = max(client.run(memory.peak).values())
    assert after - before < 4 * 8e6


@pytest.mark.full
def test_a_task_that_kills_its_workers_is_told(client, monkeypatch):
    monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)
    with pytest.raises(MemoryError, match="several workers died in one task"):
        list(clusters.results(client, os._exit, [(1,)]))


@pytest.mark.full
def test_an_empty_partition_is_no_points(X, model, client):
    for keep in (lambda part: part[part.index < 300], lambda part: part[part.index >= 700]):
        table = frame(X[:100], npartitions=2).map_partitions(keep)
        some = table.compute().to_numpy()
        np.testing.assert_array_equal(model.tsne_.transform(table).compute(), model.transform(some))
        assert (
            len(
                LandmarkTSNE(20, tsne=TSNE(perplexity=5, n_iter=5), random_state=0)
                .fit(table)
                .landmarks_
            )
            == 20
        )
        scores = bd.principal_components(table, 2).compute().to_numpy()
        oracle = initial.principal_components(some, 2)
        np.testing.assert_allclose(scores, oracle, atol=1e-4 * np.abs(oracle).max())


@pytest.mark.full
def test_an_estimator_is_wrapped_by_dask_ml(X, model):
    lazy = ParallelPostFit(model.tsne_).transform(da.from_array(X, chunks=(500, 12)))
    np.testing.assert_array_equal(np.asarray(lazy), model.transform(X))
