"""The optimizer does what its equations say, one step after another, and stops in good order."""

import copy
import math

import numpy as np
import pytest

from bhtsne import jit, optimizer
from bhtsne.optimizer import Phase, Record, State, step

ARRAYS = ("Y", "velocity", "gains")
PHASE = Phase(20, exaggeration=1.0, learning_rate=0.3, momentum=0.6)


class Bowl:
    """Half the squared distance from the target; `change`, if given, is done to each gradient."""

    def __init__(self, target, change=None):
        self.target = target - target.mean(axis=0)
        self.change = change
        self.exaggerations = []

    def gradient(self, Y, exaggeration):
        """Return the gradient at Y."""
        grad = exaggeration * Y - self.target
        if self.change is not None:
            grad = self.change(grad, len(self.exaggerations))
        self.exaggerations.append(exaggeration)
        return grad

    def check(self, Y):
        """Return the height above the ground and a made-up error."""
        return float(((Y - self.target) ** 2).sum() / 2), 0.25


def bowl(n=200, d=2, *, size=1.0, change=None):
    target = size * np.random.default_rng(0).normal(size=(n, d))
    return Bowl(target.astype(np.float32), change)


def failing(call, error):
    """Return a bowl whose gradient raises the error at the given call."""

    def fail(grad, calls):
        if calls == call:
            raise error
        return grad

    return bowl(change=fail)


def start(n=200, d=2, seed=1):
    Y = np.random.default_rng(seed).normal(size=(n, d))
    return State(Y - Y.mean(axis=0))


def moving(n, d, seed=2):
    """Return a state in full swing: no velocity is zero, and some gains are at their floor."""
    rng = np.random.default_rng(seed)
    state = start(n, d)
    state.velocity = rng.normal(size=(n, d)).astype(np.float32)
    state.gains = rng.uniform(0.01, 3, size=(n, d)).astype(np.float32)
    state.gains[::5] = 0.01
    return state


def same_bits(a, b):
    return all(getattr(a, f).tobytes() == getattr(b, f).tobytes() for f in ARRAYS)


def naive_step(Y, velocity, gains, grad, learning_rate, momentum):
    """Make one step in float64; return also the steps' lengths before they are clipped."""
    apart = grad * velocity < 0
    gains = np.where(apart, gains + 0.2, np.maximum(0.8 * gains, 0.01))
    velocity = momentum * velocity - learning_rate * gains * grad
    length = np.linalg.norm(velocity, axis=1, keepdims=True)
    velocity = velocity * np.minimum(1, 5 / length)
    Y = Y + velocity
    return Y - Y.mean(axis=0), velocity, gains, length


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [1.0, 30.0])
def test_steps_follow_the_equations(d, size):
    state, objective = moving(3000, d), bowl(3000, d, size=size)
    phase = Phase(1, 1.0, learning_rate=0.5, momentum=0.8)
    expected = [getattr(state, f).astype(np.float64) for f in ARRAYS]
    clipped = 0
    for _ in range(8):
        grad = objective.gradient(state.Y, 1.0).astype(np.float64)
        *expected, length = naive_step(*expected, grad, 0.5, 0.8)
        clipped += (length > 5).sum()
        optimizer.run(state, objective, [phase])
        for field, truth in zip(ARRAYS, expected, strict=True):
            np.testing.assert_allclose(getattr(state, field), truth, rtol=1e-5, atol=1e-4)
        # From here on the signs of what is near zero may differ: go on from the same numbers.
        expected = [getattr(state, f).astype(np.float64) for f in ARRAYS]
    assert 0 < clipped < 8 * 3000


def test_gains_change_by_their_rules_exactly():
    state = State(np.array([[1.0], [1.0], [-1.0], [-1.0]]))
    state.velocity = np.array([[0.1], [-0.1], [0.1], [-0.1]], np.float32)
    state.gains = np.array([[1.0], [1.0], [0.01], [2.0]], np.float32)
    optimizer.run(state, Bowl(np.zeros((4, 1), np.float32)), [Phase(1, 1.0, 0.1, 0.5)])
    # The gradient is the map: 1, 1, −1, −1.
    np.testing.assert_allclose(state.gains.ravel(), [0.8, 1.2, 0.21, 1.6], rtol=1e-6)


def test_gains_do_not_fall_below_their_floor():
    objective = bowl(50, change=lambda grad, calls: np.ones_like(grad))
    state = start(50)
    state.velocity[:] = 1
    optimizer.run(state, objective, [Phase(60, 1.0, 1e-6, 0.99)])
    np.testing.assert_array_equal(state.gains, np.float32(step.MIN_GAIN))


def test_no_point_moves_further_than_the_longest_step():
    state = start(500, 3)
    optimizer.run(state, bowl(500, 3, size=1e3), [Phase(3, 1.0, 10.0, 0.5)])
    longest = np.linalg.norm(state.velocity.astype(np.float64), axis=1).max()
    assert longest == pytest.approx(5.0, rel=1e-6)


def test_a_mirrored_problem_has_the_mirrored_path():
    """Nothing prefers one sign, not even the first step, which has no velocity yet."""
    objective, mirrored = bowl(), bowl()
    mirrored.target = -mirrored.target
    a, b = start(), start()
    b.Y = -b.Y
    for _ in range(3):
        optimizer.run(a, objective, [PHASE._replace(n_iter=1)])
        optimizer.run(b, mirrored, [PHASE._replace(n_iter=1)])
        np.testing.assert_array_equal(a.gains, b.gains)
        np.testing.assert_allclose(a.Y, -b.Y, atol=1e-6)


@pytest.mark.parametrize("speed", [0.0, 1e-42, 1e-38, 1e-30, 1e-25, 1e-22, 1e-20, 1e-19, 1e-10])
def test_the_smallest_velocities_do_no_harm(speed):
    """Their squares are denormal or zero in float32."""
    state = start()
    before = state.Y.copy()
    state.velocity[:] = speed
    optimizer.run(state, bowl(change=lambda grad, calls: 0 * grad), [PHASE._replace(n_iter=1)])
    np.testing.assert_allclose(state.velocity, 0.6 * np.float32(speed), rtol=1e-5, atol=1e-44)
    np.testing.assert_allclose(state.Y, before, atol=1e-6)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_bowl_is_descended_to_its_ground(d):
    objective = bowl(300, d)
    state = optimizer.run(start(300, d), objective, [PHASE._replace(n_iter=300)])
    np.testing.assert_allclose(state.Y, objective.target, atol=1e-4)
    assert state.history[-1].kl < 1e-6


def test_the_map_stays_centred_whatever_the_forces():
    wind = bowl(3000, change=lambda grad, calls: np.full_like(grad, 3.0))
    state = optimizer.run(start(3000, 2), wind, [PHASE])
    assert abs(state.Y.mean(axis=0, dtype=np.float64)).max() < 1e-5


def test_two_halves_are_one_whole_bit_for_bit():
    whole, halves = start(3000, 2), start(3000, 2)
    optimizer.run(whole, bowl(3000), [PHASE._replace(n_iter=500)])
    for _ in range(2):
        optimizer.run(halves, bowl(3000), [PHASE._replace(n_iter=250)])
    assert same_bits(whole, halves)
    assert whole.iteration == halves.iteration == 500
    assert [r[:4] for r in whole.history] == [r[:4] for r in halves.history]


def test_phases_in_one_run_are_the_same_as_run_after_run():
    phases = [PHASE, Phase(15, 12.0, 0.05, 0.2), Phase(7, 0.5, 0.4, 0.9)]
    together, apart = start(), start()
    optimizer.run(together, bowl(), phases)
    for phase in phases:
        optimizer.run(apart, bowl(), [phase])
    assert same_bits(together, apart)


def test_each_phase_uses_its_own_exaggeration():
    objective = bowl()
    optimizer.run(start(), objective, [Phase(3, 12.0, 0.01, 0.5), Phase(2, 1.5, 0.01, 0.5)])
    assert objective.exaggerations == [12.0] * 3 + [1.5] * 2


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_number_of_threads_does_not_change_a_bit(d):
    states = []
    for n_jobs in (1, 2):
        with jit.threads(n_jobs):
            states.append(optimizer.run(start(5000, d), bowl(5000, d), [PHASE]))
    assert same_bits(*states)


def test_the_start_map_is_not_changed():
    Y = start().Y.astype(np.float32)
    before = Y.copy()
    Y.setflags(write=False)
    optimizer.run(State(Y), bowl(), [PHASE])
    np.testing.assert_array_equal(Y, before)


def test_history_has_a_record_every_so_often_and_one_at_the_end():
    objective = bowl()
    state = optimizer.run(start(), objective, [PHASE, PHASE._replace(n_iter=5)], callback_every=10)
    assert [r.iteration for r in state.history] == [10, 20, 25]
    assert state.stopped is None
    last = state.history[-1]
    assert (last.kl, last.force_error) == objective.check(state.Y)
    assert all(type(value) in (int, float) for value in last)
    seconds = [r.seconds for r in state.history]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


def test_the_gradient_norm_is_that_of_the_gradient_that_was_used():
    norms = []

    def note(grad, calls):
        norms.append(math.sqrt((grad.astype(np.float64) ** 2).sum()))
        return grad

    phase = PHASE._replace(exaggeration=4.0)
    state = optimizer.run(start(), bowl(change=note), [phase], callback_every=7)
    found = [r.gradient_norm for r in state.history]
    np.testing.assert_allclose(found, [norms[i - 1] for i in (7, 14, 20)], rtol=1e-12)


def test_seconds_go_on_in_a_second_run():
    state = start()
    for _ in range(2):
        optimizer.run(state, bowl(), [PHASE])
    assert state.history[0].seconds < state.history[1].seconds


def test_callbacks_get_the_record_and_the_map_of_its_iteration():
    seen = []
    state = start()

    def note(record, Y):
        seen.append((record, Y))
        assert np.array_equal(Y, state.Y)

    optimizer.run(state, bowl(), [PHASE], callbacks=[note, note], callback_every=8)
    assert [record.iteration for record, _ in seen] == [8, 8, 16, 16, 20, 20]
    assert all(isinstance(record, Record) for record, _ in seen)
    assert [record for record, _ in seen[::2]] == state.history
    assert not np.array_equal(seen[0][1], seen[-1][1])  # each has a copy, not the moving map


def test_what_a_callback_does_to_its_map_does_not_change_the_run():
    def spoil(record, Y):
        Y[:] = np.nan

    seen = []
    spoiled = optimizer.run(
        start(), bowl(), [PHASE], callback_every=3,
        callbacks=[spoil, lambda record, Y: seen.append(np.isfinite(Y).all())],
    )  # fmt: skip
    assert same_bits(spoiled, optimizer.run(start(), bowl(), [PHASE]))
    assert seen == [True] * 7


def test_a_callback_that_returns_true_ends_the_run_after_the_others_were_called():
    seen = []
    state = optimizer.run(
        start(), bowl(), [PHASE, PHASE], callback_every=6,
        callbacks=[lambda r, Y: r.iteration == 12, lambda r, Y: seen.append(r.iteration)],
    )  # fmt: skip
    assert (state.stopped, state.iteration) == ("callback", 12)
    assert seen == [6, 12]
    assert same_bits(state, optimizer.run(start(), bowl(), [PHASE._replace(n_iter=12)]))


@pytest.mark.parametrize("answer", [None, False, 1, "stop", [1]], ids=repr)
def test_other_answers_do_not_end_the_run(answer):
    state = optimizer.run(
        start(), bowl(), [PHASE], callbacks=[lambda r, Y: answer], callback_every=4
    )
    assert (state.stopped, state.iteration) == (None, 20)


def test_a_stopped_run_can_go_on():
    state = optimizer.run(start(), bowl(), [PHASE], callbacks=[lambda r, Y: True], callback_every=5)
    optimizer.run(state, bowl(), [PHASE._replace(n_iter=15)])
    assert (state.stopped, state.iteration) == (None, 20)
    assert same_bits(state, optimizer.run(start(), bowl(), [PHASE]))


def test_an_interrupt_leaves_the_last_whole_iteration():
    state = start()
    objective = failing(7, KeyboardInterrupt())
    assert optimizer.run(state, objective, [PHASE]) is state
    assert (state.stopped, state.iteration, state.history) == ("interrupt", 7, [])
    assert same_bits(state, optimizer.run(start(), bowl(), [PHASE._replace(n_iter=7)]))
    optimizer.run(state, bowl(), [PHASE._replace(n_iter=13)])
    assert same_bits(state, optimizer.run(start(), bowl(), [PHASE]))


def test_an_interrupt_in_a_callback_or_in_progress_is_caught_too():
    def interrupt(*_):
        raise KeyboardInterrupt

    for options in ({"callbacks": [interrupt], "callback_every": 5}, {"progress": interrupt}):
        state = optimizer.run(start(), bowl(), [PHASE], **options)
        assert state.stopped == "interrupt"
        at = optimizer.run(start(), bowl(), [PHASE._replace(n_iter=state.iteration)])
        assert same_bits(state, at)


def test_other_errors_pass_and_leave_the_last_whole_iteration():
    state = start()
    with pytest.raises(OSError, match="disk"):
        optimizer.run(state, failing(4, OSError("disk")), [PHASE])
    assert state.iteration == 4
    assert same_bits(state, optimizer.run(start(), bowl(), [PHASE._replace(n_iter=4)]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_diverged_map_is_an_error_that_says_what_to_do(value):
    def spoil(grad, calls):
        grad[3, 1] = value
        return grad

    seen = []
    with pytest.raises(FloatingPointError, match=r"after 10 iterations.*smaller learning_rate"):
        optimizer.run(
            start(), bowl(change=spoil), [PHASE], callback_every=10,
            callbacks=[lambda r, Y: seen.append(r)],
        )  # fmt: skip
    assert seen == []


def test_progress_is_called_after_each_iteration():
    seen = []
    optimizer.run(start(), bowl(), [PHASE], progress=lambda state: seen.append(state.iteration))
    assert seen == list(range(1, 21))


def test_nothing_to_do_is_done():
    state = optimizer.run(start(), bowl(), [])
    assert (state.iteration, state.stopped) == (0, None)
    assert same_bits(state, start())


def test_a_phase_sets_theta_and_none_leaves_it():
    objective = bowl()
    seen = []
    objective.theta, objective.change = 0.5, lambda grad, _: seen.append(objective.theta) or grad
    phases = [Phase(2), Phase(2, theta=0.2), Phase(2)]
    optimizer.run(start(), objective, phases)
    assert seen == [0.5, 0.5, 0.2, 0.2, 0.2, 0.2]


def test_a_phase_sets_the_share_of_the_affinities_for_itself_alone():
    objective = bowl()
    seen = []
    objective.change = lambda grad, _: seen.append(objective.affinity_share) or grad
    phases = [Phase(2, affinity_share=0.2), Phase(1), Phase(2, affinity_share=0.5)]
    state = optimizer.run(
        start(), objective, phases, callbacks=lambda *_: True, callback_every=1
    )  # fmt: skip
    optimizer.resume(state, objective)
    assert seen == [0.2, 0.2, 1.0, 0.5, 0.5]


def test_a_phase_sets_in_which_iterations_a_repulsion_is_used_again():
    objective = bowl()
    seen = []
    objective.change = lambda grad, _: seen.append(objective.reuse) or grad
    phases = [Phase(4, repulsion_every=3), Phase(2), Phase(3, repulsion_every=2)]
    optimizer.run(start(), objective, phases)
    assert seen == [False, True, True, False, False, False, False, True, False]
    whole = list(seen)
    seen.clear()
    split = [Phase(3, repulsion_every=3), Phase(1, repulsion_every=3), *phases[1:]]
    optimizer.run(start(), objective, split)
    assert seen == whole


def test_the_objective_owns_theta_and_the_state_holds_a_copy():
    class Adapting(Bowl):
        """A bowl whose checks change θ."""

        theta = 0.5

        def check(self, Y):
            self.theta *= 0.9
            return super().check(Y)

    objective, copies = Adapting(bowl().target), []
    state = optimizer.run(
        start(), objective, [Phase(2), Phase(2, theta=0.2)], callback_every=2,
        progress=lambda state: copies.append(state.theta),
    )  # fmt: skip
    assert copies == [0.5, 0.5 * 0.9, 0.2, 0.2 * 0.9]
    state.left, objective = [Phase(1)], Adapting(bowl().target)
    assert optimizer.resume(state, objective, callback_every=2).theta == 0.2 * 0.9 * 0.9
    optimizer.run(state, objective, [Phase(0, theta=0.7)])
    assert state.theta == objective.theta == 0.7


def test_an_automatic_rate_is_points_by_exaggeration():
    assert [Phase(1, factor).rate(600) for factor in (1.0, 12.0, 1200.0)] == [600, 50, 1]
    by_name, by_number = start(), start()
    optimizer.run(by_name, bowl(), [PHASE._replace(learning_rate="auto", exaggeration=200.0)])
    optimizer.run(by_number, bowl(), [PHASE._replace(learning_rate=1.0, exaggeration=200.0)])
    assert same_bits(by_name, by_number)


def test_a_phase_ends_when_the_divergence_falls_too_slowly():
    whole, early = start(), start()
    slow = PHASE._replace(n_iter=400, learning_rate=0.01)
    optimizer.run(whole, bowl(), [slow], callback_every=10)
    optimizer.run(early, bowl(), [slow._replace(min_kl_rate=5e-3)], callback_every=10)
    kl = np.array([record.kl for record in whole.history])
    rates = (kl[:-1] - kl[1:]) / kl[1:] / 10
    ends = next(k for k in range(1, 40) if rates[k] < 5e-3 and rates[k] < rates[: k + 1].max())
    assert (early.iteration, early.stopped) == (10 * (ends + 2), "converged")
    assert early.iteration < whole.iteration
    assert whole.stopped is None


def test_a_start_at_which_nothing_moves_yet_is_no_end():
    state = State(np.array([[1e-6, 0.0], [-1e-6, 0.0]]))
    objective = Bowl(np.array([[9.0, 0.0], [-9.0, 0.0]]), lambda g, call: g * 1e-7 * 1.3**call)
    phase = Phase(100, learning_rate=1.0, min_kl_rate=1e-3)
    optimizer.run(state, objective, [phase], callback_every=5)
    assert state.history[-1].kl < 0.5 * state.history[0].kl


def test_a_phase_ends_at_a_small_gradient_and_the_next_goes_on():
    state = start()
    ends = PHASE._replace(n_iter=1000, min_gradient_norm=1e-3)
    optimizer.run(state, bowl(), [ends, PHASE._replace(n_iter=7)], callback_every=10)
    assert state.stopped == "converged"
    assert state.iteration % 10 == 7
    assert state.history[-1].iteration == state.iteration
    assert state.history[-2].gradient_norm <= 1e-3 < state.history[-3].gradient_norm


def test_a_phase_that_comes_to_its_last_iteration_has_not_converged():
    state = start()
    phases = [PHASE._replace(n_iter=500, min_gradient_norm=1e-3), Phase(5, 2.0, min_kl_rate=1e-9)]
    assert optimizer.run(state, bowl(), phases, callback_every=10).stopped is None


@pytest.mark.parametrize("rates", [{}, {"min_kl_rate": 0.02}, {"min_gradient_norm": 1e-3}])
def test_a_run_goes_on_from_any_iteration_to_the_same_bits(rates):
    phases = [Phase(30, 4.0, 0.1, 0.5, **rates), Phase(0, 9.0), Phase(25, 1.0, 0.2, 0.7, theta=0.3)]
    seen = []
    whole = optimizer.run(
        start(), bowl(), phases, callback_every=4, progress=lambda s: seen.append(copy.deepcopy(s))
    )
    assert len(seen) == whole.iteration
    for state in seen:
        again = optimizer.resume(state, bowl(), callback_every=4)
        assert same_bits(again, whole)
        assert (again.stopped, again.theta, again.left) == (whole.stopped, 0.3, [])
        assert [r[:3] for r in again.history] == [r[:3] for r in whole.history]
