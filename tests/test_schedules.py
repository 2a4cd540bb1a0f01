"""A schedule stands for what is "auto", and what is given wins."""

import numpy as np
import pytest

from bhtsne import TSNE, neighbors, schedules


def total(phases):
    return sum(phase.n_iter for phase in phases)


@pytest.mark.parametrize(("name", "part"), [("fast", 1), ("opentsne", 4)])
def test_learning_rate_is_n_over_exaggeration_in_each_phase(name, part):
    """A quarter of it for openTSNE, whose gradient lacks the factor 4."""
    for phase in schedules.phases(name, 6000, early_exaggeration=8, exaggeration=2.0):
        assert phase.learning_rate == 6000 / phase.exaggeration / part
    assert schedules.phases(name, 6000, early_exaggeration=8)[0].exaggeration == 8
    least = {"fast": 1, "opentsne": 5 / 48}[name]
    assert schedules.phases(name, 5)[0].learning_rate == least


@pytest.mark.parametrize("name", schedules.SCHEDULES)
@pytest.mark.parametrize("late", [0, 1, 60, 1000])
@pytest.mark.parametrize("early", [0, 1, 70, 400])
def test_iterations_are_those_asked_for(name, early, late):
    phases = schedules.phases(name, 100, early_exaggeration_iter=early, n_iter=late)
    assert total(phases) == early + late
    assert total(p for p in phases if p.exaggeration == 12) == early
    assert all(p.n_iter > 0 for p in phases)


def test_a_schedule_ends_calmly_however_long_it_is():
    for n in (1000, 50_000):
        for late in (5, 60, 1000):
            last = schedules.phases("fast", n, n_iter=late)[-1]
            assert last.momentum == 0.8
            assert 0 < last.n_iter <= late / 5


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_momentum_and_learning_rate_that_are_given_hold_throughout(name):
    phases = schedules.phases(name, 100, momentum=0.3, learning_rate=7)
    assert {(p.momentum, p.learning_rate) for p in phases} == {(0.3, 7)}


def test_a_random_start_is_given_time_to_find_its_order():
    for init, expected in (
        ("random", 100),
        ("spectral", 100),
        (np.eye(50_000, 2), 50),
        ("pca", 50),
    ):
        assert schedules.phases("fast", 50_000, init=init)[0].n_iter == expected


def test_few_points_are_given_as_many_iterations_as_is_usual():
    names = ("fast", "opentsne")
    assert [total(schedules.phases(name, 49_999)) for name in names] == [750, 750]
    assert [total(schedules.phases(name, 50_000)) for name in names] == [250, 750]


def test_very_many_points_are_exaggerated_for_longer():
    many = [schedules.phases("fast", n) for n in (199_999, 200_000)]
    assert [phases[0].n_iter for phases in many] == [50, 250]
    assert [p.momentum for p in many[1]] == [0.8, 0.9, 0.95, 0.8]
    assert [p.n_iter for p in many[0][1:]] == [p.n_iter for p in many[1][1:]]


def test_opentsne_is_the_habit_of_the_field():
    early, late = schedules.phases("opentsne", 1200)
    assert early[:4] == (250, 12.0, 25.0, 0.8)
    assert late[:4] == (500, 1.0, 300.0, 0.8)


@pytest.mark.full
def test_fast_comes_as_far_in_a_third_of_the_iterations():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10_000, 10)) + 6 * np.eye(10)[rng.integers(10, size=10_000)]
    steps = [step._replace(learning_rate="auto") for step in schedules.phases("fast", 50_000)]
    near = neighbors.find(X, 90)
    fast, slow = (TSNE(schedule=name, neighbors=near).fit(X) for name in (steps, "opentsne"))
    assert (fast.n_iter_, slow.n_iter_) == (250, 750)
    assert fast.kl_divergence_ < 1.03 * slow.kl_divergence_


# Iterations of early exaggeration and the momentum of every phase: a change of a default has to
# change this list, the docs and what `bench/schedules.py` has measured.
DEFAULTS = {
    ("fast", "pca", 49_999): [(250, 0.8), (100, 0.8), (100, 0.9), (250, 0.95), (50, 0.8)],
    ("fast", "pca", 50_000): [(50, 0.9), (50, 0.9), (120, 0.95), (30, 0.8)],
    ("fast", "spectral", 50_000): [(100, 0.9), (50, 0.9), (120, 0.95), (30, 0.8)],
    ("fast", "pca", 199_999): [(50, 0.9), (50, 0.9), (120, 0.95), (30, 0.8)],
    ("fast", "pca", 200_000): [(250, 0.8), (50, 0.9), (120, 0.95), (30, 0.8)],
    ("opentsne", "pca", 70_000): [(250, 0.8), (500, 0.8)],
}


@pytest.mark.parametrize(("name", "init", "n"), DEFAULTS)
def test_the_defaults_of_every_size_are_those_that_were_measured(name, init, n):
    found = [(phase.n_iter, phase.momentum) for phase in schedules.phases(name, n, init=init)]
    assert found == DEFAULTS[name, init, n]
