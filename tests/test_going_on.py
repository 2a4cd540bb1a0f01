"""A fit goes on where it stood: more iterations, and more points."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from bhtsne import TSNE, datasets, forces, metrics, neighbors
from bhtsne.optimizer import Phase

QUICK = {"perplexity": 8, "random_state": 0, "callback_every": 10}


@pytest.fixture(scope="module")
def digits():
    return datasets.digits().X[:400]


def fitted(X, late, **options):
    phases = [Phase(20, 12.0), *([Phase(late)] if late else [])]
    return TSNE(schedule=phases, **QUICK, **options).fit(X)


@pytest.mark.full(after=2)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_components": 3},
        {"method": "exact"},
        {"dof": 0.5},
        {"theta": forces.AdaptiveTheta(1e-3)},
    ],
    ids=str,
)
def test_halves_are_one_whole_bit_for_bit(digits, options):
    whole, halves = fitted(digits, 80, **options), fitted(digits, 40, **options)
    assert halves.optimize(40) is halves
    for name in ("embedding_", "_velocity", "_gains", "kl_per_point_"):
        assert getattr(whole, name).tobytes() == getattr(halves, name).tobytes()
    assert (whole.n_iter_, whole.theta_) == (halves.n_iter_, halves.theta_)
    assert [r[:4] for r in whole.history_] == [r[:4] for r in halves.history_]
    seconds = [record.seconds for record in halves.history_]
    assert seconds == sorted(seconds)
    assert halves.timings_["optimization"] == seconds[-1]


def test_a_saved_map_goes_on_as_if_it_had_not_been(digits, tmp_path):
    model = fitted(digits, 20)
    model.save(tmp_path / "map.npz")
    again = TSNE.load(tmp_path / "map.npz")
    assert model.optimize(30).embedding_.tobytes() == again.optimize(30).embedding_.tobytes()


def test_what_is_not_given_is_as_it_was_last(digits):
    model = fitted(digits, 0).optimize(10, exaggeration=4.0)
    assert model._last_phase == Phase(10, 4.0, "auto", 0.8)
    model.optimize(10, momentum=0.5, learning_rate=70.0)
    assert model._last_phase == Phase(10, 4.0, 70.0, 0.5)
    assert model.optimize(10, exaggeration=1.0)._last_phase == Phase(10, 1.0, 280.0, 0.5)
    assert model.optimize(10, theta=0.2).theta_ == 0.2
    assert model.optimize(10).theta_ == 0.2


def test_exaggeration_draws_the_map_together(digits):
    def mean_edge(model):
        P, Y = model.affinities_.tocoo(), model.embedding_
        return (P.data * np.linalg.norm(Y[P.row] - Y[P.col], axis=1)).sum()

    model = fitted(digits, 100)
    before = mean_edge(model)
    assert mean_edge(model.optimize(60, exaggeration=6)) < 0.7 * before


def test_a_map_that_would_be_lost_stays(digits):
    def fail(record, _):
        if record.iteration == 60:
            raise FloatingPointError

    model = fitted(digits, 20, callbacks=(fail,))
    before = model.embedding_.copy(), model.n_iter_, list(model.history_), dict(model.timings_)
    with pytest.raises(FloatingPointError):
        model.optimize(50)
    after = model.embedding_, model.n_iter_, model.history_, model.timings_
    assert after[0].tobytes() == before[0].tobytes()
    assert after[1:] == before[1:]


def test_an_interrupt_keeps_what_was_reached(digits):
    def interrupt(record, _):
        if record.iteration == 60:
            raise KeyboardInterrupt

    model = fitted(digits, 20, callbacks=(interrupt,)).optimize(100)
    assert (model.n_iter_, model.stopped_) == (60, "interrupt")
    assert model.kl_per_point_.sum() == pytest.approx(model.kl_divergence_)
    assert model.optimize(10).n_iter_ == 70


@pytest.mark.full(after=1)
@pytest.mark.parametrize("kind", ["array", "csr", "frame"])
def test_points_are_added_and_all_go_on(digits, kind):
    wrap = {"array": np.asarray, "csr": sparse.csr_array, "frame": pd.DataFrame}[kind]
    old, new = wrap(digits[:300]), wrap(digits[300:])
    if kind == "frame":
        old.columns = new.columns = [f"p{i}" for i in range(64)]
    model = TSNE(perplexity=8, random_state=0).fit(old)
    before = model.embedding_.copy()
    assert model.add(new) is model
    assert model.embedding_.shape == (400, 2)
    assert model.affinities_.shape == (400, 400)
    truth = neighbors.find(digits, 24)
    assert (model.neighbors_.indices == truth.indices).mean() > 0.97  # the rest are ties
    # The map goes on from where it was, and is as good as one of all the points.
    assert metrics.align(model.embedding_[:300], before).disparity < 0.2
    whole = TSNE(perplexity=8, random_state=0).fit(digits)
    assert model.kl_divergence_ < 1.1 * whole.kl_divergence_
    assert model.transform(new).shape == (100, 2)


def test_points_are_added_to_those_that_were_added(digits):
    model = fitted(digits[:200], 50).add(digits[200:300], n_iter=20).add(digits[300:], n_iter=20)
    assert model.embedding_.shape == (400, 2)
    assert model.n_iter_ == 20


def test_nothing_goes_on_before_there_is_a_map(digits):
    with pytest.raises(NotFittedError):
        TSNE().optimize(10)
    with pytest.raises(NotFittedError):
        TSNE().add(digits)


def test_what_cannot_be_done_is_said_and_changes_nothing(digits):
    near = neighbors.find(digits, 24)
    cases = [
        (fitted(digits, 5, neighbors=near), "neighbors must be a search"),
        (fitted(digits, 5, affinities=fitted(digits, 5).affinities_), "a kind of affinities"),
    ]
    for model, says in cases:
        before = model.embedding_.copy()
        with pytest.raises(ValueError, match=says):
            model.add(digits[:10])
        assert model.embedding_.tobytes() == before.tobytes()
    model = fitted(digits, 5)
    for options, says in (
        ({"n_iter": -1}, "n_iter must be at least 0"),
        ({"n_iter": 5, "exaggeration": 0}, "exaggeration must be at least 1e-06"),
        ({"n_iter": 5, "momentum": 1.0}, "momentum must be at least 0 and below 1"),
        ({"n_iter": 5, "learning_rate": -1.0}, "learning_rate must be above 0"),
        ({"n_iter": 5, "theta": -1.0}, "theta must be at least 0"),
    ):
        with pytest.raises(ValueError, match=says):
            model.optimize(**options)
    with pytest.raises(TypeError, match="n_iter must be a whole number"):
        model.optimize(2.5)
    with pytest.raises(ValueError, match="features"):
        model.add(digits[:, :10])
    assert model.embedding_.shape == (400, 2)


@pytest.mark.full
def test_points_are_added_to_a_model_whose_search_has_options(digits):
    search = {"method": "pynndescent", "n_trees": 4}
    grown = fitted(digits, 5, neighbors=search).add(digits[:30] + 0.01, n_iter=5)
    assert len(grown.embedding_) == len(grown.neighbors_.indices)
    assert np.isfinite(grown.embedding_).all()
