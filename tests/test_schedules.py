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
            assert last.momentum == 0.6
            assert 0 < last.n_iter <= min(60, 0.3 * late)


def test_more_iterations_lengthen_the_last_step_but_one_and_fewer_shorten_all():
    usual = schedules.phases("fast", 5000)
    more = schedules.phases("fast", 5000, n_iter=total(usual[1:]) + 300)
    assert [m.n_iter - u.n_iter for m, u in zip(more, usual, strict=True)] == [0] * 6 + [300, 0]
    half = schedules.phases("fast", 5000, n_iter=total(usual[1:]) // 2)
    for h, u in zip(half[1:], usual[1:], strict=True):
        assert abs(h.n_iter - u.n_iter / 2) <= 1


@pytest.mark.parametrize(("first", "last"), [(12, 1), (4, 1), (12, 4), (1, 1), (1, 12)])
def test_exaggeration_falls_or_rises_in_steps_from_the_first_to_the_last(first, last):
    phases = schedules.phases("fast", 1000, early_exaggeration=first, exaggeration=last)
    factors = np.array([phase.exaggeration for phase in phases])
    assert (factors[0], factors[-2], factors[-1]) == (first, last, last)
    assert (np.sign(np.diff(factors[:-1])) == np.sign(last - first)).all()


def test_without_early_exaggeration_no_phase_is_exaggerated():
    phases = schedules.phases("fast", 1000, early_exaggeration_iter=0)
    assert {phase.exaggeration for phase in phases} == {1.0}


def test_the_smallest_gradient_norm_counts_at_the_last_exaggeration_alone():
    for name in schedules.SCHEDULES:
        for phase in schedules.phases(name, 1000, min_gradient_norm=1e-3):
            assert phase.min_gradient_norm == (1e-3 if phase.exaggeration == 1 else 0)


def test_phases_before_the_last_have_a_larger_theta():
    for theta, coarse in ((0.0, 0.0), (0.2, 0.5), (0.45, 1.0), (0.8, 1.0), (1.3, 1.3)):
        *before, last = schedules.phases("fast", 1000, theta=theta)
        assert {phase.theta for phase in before} == {coarse}
        assert last.theta == theta
        assert {p.theta for p in schedules.phases("opentsne", 1000, theta=theta)} == {theta}
    assert {phase.theta for phase in schedules.phases("fast", 1000)} == {None}


def test_a_fit_that_stops_early_has_the_theta_of_its_parameter(digits):
    model = TSNE(theta=0.3, callbacks=lambda record, Y: True, callback_every=10)
    assert model.fit(digits[:200]).theta_ == 0.3
    assert model.n_iter_ == 10


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_momentum_and_learning_rate_that_are_given_hold_throughout(name):
    phases = schedules.phases(name, 100, momentum=0.3, learning_rate=7)
    assert {(p.momentum, p.learning_rate) for p in phases} == {(0.3, 7)}


def test_a_random_start_has_a_longer_early_exaggeration():
    for init, expected in (("random", 250), ("spectral", 102), (np.eye(50_000, 2), 102)):
        assert schedules.phases("fast", 50_000, init=init)[0].n_iter == expected


def test_one_rule_holds_for_all_sizes():
    """From one size to the next, no step changes by more than an iteration."""
    sizes = np.unique(np.geomspace(2, 3e6, 400).astype(int))
    steps = [schedules.phases("fast", n) for n in sizes]
    counts = np.array([[phase.n_iter for phase in phases] for phases in steps])
    assert (np.abs(np.diff(counts, axis=0)) <= 1).all()
    shares = np.array([phases[0].affinity_share for phases in steps])
    assert (shares[sizes <= 5000] == 1).all()
    assert np.allclose(shares[sizes >= 30_000], 1 / 6)
    assert (np.diff(shares) >= -0.05).all()
    assert (np.diff(shares) <= 0).all()
    many = [phase.affinity_share for phase in schedules.phases("fast", 1_000_000)]
    assert many == [1 / 6] * 3 + [1 / 2] * 4 + [1]


def test_a_repulsion_is_used_again_at_the_steps_of_the_schedule_alone():
    def every(n, **options):
        return [phase.repulsion_every for phase in schedules.phases("fast", n, **options)]

    assert every(5001) == every(1_000_000) == [3, 3, 3, 2, 2, 2, 1, 2]
    for calm in (every(5000), every(10_000, momentum=0.9), every(10_000, learning_rate=900.0)):
        assert calm == [1] * 8
    assert [phase.repulsion_every for phase in schedules.phases("opentsne", 10_000)] == [1, 1]


def test_opentsne_is_the_habit_of_the_field():
    early, late = schedules.phases("opentsne", 1200)
    assert early[:4] == (250, 12.0, 25.0, 0.8)
    assert late[:4] == (500, 1.0, 300.0, 0.8)


@pytest.mark.full
def test_fast_comes_as_far_in_half_of_the_iterations():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10_000, 10)) + 6 * np.eye(10)[rng.integers(10, size=10_000)]
    near = neighbors.find(X, 90)
    fast, slow = (TSNE(schedule=name, neighbors=near).fit(X) for name in ("fast", "opentsne"))
    assert fast.n_iter_ < slow.n_iter_ / 2
    assert fast.kl_divergence_ < slow.kl_divergence_


# Iterations, exaggeration and momentum of every phase: a change of a default has to change this
# list, the docs and what `bench/schedules.py` has measured.
DEFAULTS = {
    ("fast", 5000): [
        (120, 12, 0.8), (25, 8, 0.8), (25, 4, 0.8), (30, 2, 0.9), (30, 1.5, 0.9), (30, 1.2, 0.9),
        (85, 1, 0.95), (60, 1, 0.6),
    ],
    ("fast", 1_000_000): [
        (100, 12, 0.8), (20, 8, 0.8), (20, 4, 0.8), (25, 2, 0.9), (25, 1.5, 0.9), (25, 1.2, 0.9),
        (60, 1, 0.95), (60, 1, 0.6),
    ],
    ("opentsne", 5000): [(250, 12, 0.8), (500, 1, 0.8)],
    ("opentsne", 1_000_000): [(250, 12, 0.8), (500, 1, 0.8)],
}  # fmt: skip


@pytest.mark.parametrize(("name", "n"), DEFAULTS)
def test_the_defaults_are_those_that_were_measured(name, n):
    phases = schedules.phases(name, n)
    assert [(p.n_iter, round(p.exaggeration, 9), p.momentum) for p in phases] == DEFAULTS[name, n]
