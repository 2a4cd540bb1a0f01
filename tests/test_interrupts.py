"""Signals: wherever one arrives, a destructor too, the work ends as documented."""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from bhtsne import (
    SNE,
    TSNE,
    DynamicTSNE,
    LandmarkTSNE,
    Recorder,
    cli,
    datasets,
    events,
    fitting,
    interrupts,
    jit,
    layers,
    neighbors,
    optimizer,
)
from bhtsne.cli import fitting as cli_fitting
from bhtsne.progress import Progress
from bhtsne.tsne import mapping

X = datasets.digits().X[:300]
QUICK = {"n_iter": 60, "early_exaggeration_iter": 20, "random_state": 0}
DEFAULT = signal.default_int_handler


class Sender:
    """Sends a signal when it is destroyed; what its handler raises there, Python ignores."""

    def __init__(self, number=signal.SIGINT):
        self._number = number

    def __del__(self):
        signal.raise_signal(self._number)


def send(*_):
    Sender()
    gc.collect()  # for interpreters that do not count references


def sending(monkeypatch, owner, name):
    """Let a function send SIGINT, in a destructor, before it does its work."""
    function = getattr(owner, name)

    def sends(*args, **kwargs):
        send()
        return function(*args, **kwargs)

    monkeypatch.setattr(owner, name, sends)


@pytest.fixture(autouse=True)
def _default_handlers_before_and_after():
    before = signal.signal(signal.SIGINT, DEFAULT)
    yield
    assert signal.getsignal(signal.SIGINT) is DEFAULT
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert not interrupts.take()
    signal.signal(signal.SIGINT, before)


@pytest.mark.full(after=1)
@pytest.mark.parametrize("stage", ["find_neighbors", "compute_affinities", "initial_map"])
def test_before_a_map_a_signal_in_a_destructor_raises(monkeypatch, stage):
    sending(monkeypatch, fitting, stage)
    model = TSNE(**QUICK)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert not hasattr(model, "embedding_")


def test_before_the_first_stage_too(monkeypatch):
    sending(monkeypatch, mapping, "check_fit")
    with pytest.raises(KeyboardInterrupt):
        TSNE(**QUICK).fit(X)


@pytest.mark.parametrize("stage", [events.blocks, None])
def test_a_stage_ends_between_its_blocks(stage):
    done = []

    def block(start, _):
        done.append(start)
        if start == 3:
            signal.raise_signal(signal.SIGINT)  # in a thread of the pool, or in the main one
        if start > 3:
            time.sleep(1e-3)  # blocks take time, in which the main thread sees the signal

    def work():
        with interrupts.held(), jit.threads(1):
            if stage is None:
                jit.map_blocks(block, 3_000, 1)
            else:
                for some in stage(3_000, 1):
                    block(some.start, some.stop)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert 3 in done
    assert len(done) < 3_000


def test_during_the_optimisation_the_map_so_far_is_fitted(tmp_path):
    model = TSNE(**QUICK, callbacks=[send], callback_every=10, checkpoint=tmp_path / "run").fit(X)
    assert (model.stopped_, model.n_iter_) == ("interrupt", 10)
    assert np.isfinite(model.embedding_).all()
    assert model.transform(X[:3]).shape == (3, 2)
    again = TSNE.resume(tmp_path / "run")
    np.testing.assert_array_equal(again.embedding_, TSNE(**QUICK).fit(X).embedding_)


@pytest.mark.full
def test_in_the_last_iteration_too():
    model = TSNE(**QUICK, callbacks=[send], callback_every=80).fit(X)
    assert (model.stopped_, model.n_iter_) == ("interrupt", 80)


@pytest.mark.full
def test_after_the_optimisation_the_model_is_fitted_and_the_signal_is_raised(monkeypatch):
    sending(monkeypatch, fitting, "kl_per_point")
    model = TSNE(**QUICK)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert model.stopped_ is None
    assert set(model.timings_) >= {"optimization", "divergence"}
    monkeypatch.undo()
    np.testing.assert_array_equal(model.embedding_, TSNE(**QUICK).fit(X).embedding_)


@pytest.mark.full(after=1)
@pytest.mark.parametrize(
    ("estimator", "given"), [(SNE, X[:100]), (DynamicTSNE, [X[:100], X[:100] + 0.1])]
)
def test_other_estimators_keep_the_map_so_far(estimator, given):
    model = estimator(**QUICK, callbacks=[send], callback_every=10).fit(given)
    assert (model.stopped_, model.n_iter_) == ("interrupt", 10)


def test_optimize_keeps_what_was_reached_and_add_installs_once():
    model = TSNE(**QUICK).fit(X[:200]).set_params(callbacks=[send], callback_every=10)
    assert model.optimize(100).n_iter_ == 90
    assert model.add(X[200:220], n_iter=50).stopped_ == "interrupt"
    assert (model.n_iter_, len(model.embedding_)) == (10, 220)


def test_transform_raises(monkeypatch):
    model = TSNE(**QUICK).fit(X)
    sending(monkeypatch, neighbors, "search_among")
    with pytest.raises(KeyboardInterrupt):
        model.transform(X[:5])


@pytest.mark.full
def test_work_that_goes_on_from_a_finished_map_does_not_begin():
    stops = TSNE(**QUICK, callbacks=[send], callback_every=10)
    with pytest.raises(KeyboardInterrupt):
        layers.maps([X, X], stops)
    model = LandmarkTSNE(100, tsne=stops, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit_transform(X)


@pytest.mark.full
def test_a_fit_in_a_callback_leaves_the_outer_handler_in_force():
    seen = []

    def callback(record, _):
        TSNE(**QUICK).fit(X[:100])
        seen.append(signal.getsignal(signal.SIGINT))
        send()

    model = TSNE(**QUICK, callbacks=[callback], callback_every=10).fit(X)
    assert (model.stopped_, model.n_iter_) == ("interrupt", 10)
    assert seen[0] is not DEFAULT


def test_an_error_restores_the_handler_and_hides_no_signal():
    with pytest.raises(ValueError, match="perplexity"):
        TSNE(perplexity=-1).fit(X)

    def fails():
        with interrupts.held():
            send()
            raise ValueError("unrelated")

    with pytest.raises(KeyboardInterrupt) as caught:
        fails()
    assert str(caught.value.__context__) == "unrelated"


def test_a_second_signal_has_its_usual_effect_at_once():
    reached = []

    def waits():
        with interrupts.held():
            signal.raise_signal(signal.SIGINT)
            reached.append("flag")
            signal.raise_signal(signal.SIGINT)
            reached.append("never")

    with pytest.raises(KeyboardInterrupt):
        waits()
    assert reached == ["flag"]


@pytest.mark.full
def test_a_handler_of_the_user_stays():
    calls = []
    handler = lambda *_: calls.append(1)  # noqa: E731
    signal.signal(signal.SIGINT, handler)
    model = TSNE(**QUICK, callbacks=[send], callback_every=40).fit(X)
    assert signal.signal(signal.SIGINT, DEFAULT) is handler
    assert (model.stopped_, len(calls)) == (None, 2)


@pytest.mark.full(after=1)
@pytest.mark.parametrize("ignored", [True, False])
def test_other_signals_are_held_unless_they_are_ignored(ignored):
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        with interrupts.held(signal.SIGTERM):
            Sender(signal.SIGTERM)
            gc.collect()
            assert interrupts.take() is not ignored
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_fit_in_a_thread_installs_nothing_and_is_not_ended():
    """Handlers run in the main thread: the flag is for its work, and no other's."""
    seen, fitted = [], []

    def fit():
        note = [lambda *_: seen.append(signal.getsignal(signal.SIGINT))]
        fitted.append(TSNE(**QUICK, callbacks=note).fit(X))

    thread = threading.Thread(target=fit)
    thread.start()
    thread.join()
    assert set(seen) == {DEFAULT}
    assert fitted[0].stopped_ is None


@pytest.mark.full
def test_of_two_fits_at_once_the_one_of_the_main_thread_ends():
    began, stopped, found = threading.Event(), threading.Event(), []

    def wait(*_):
        began.set()
        assert stopped.wait(60)

    thread = threading.Thread(
        target=lambda: found.append(TSNE(**QUICK, callbacks=[wait], callback_every=10).fit(X))
    )
    thread.start()
    try:
        assert began.wait(60)
        model = TSNE(**QUICK, callbacks=[send], callback_every=10).fit(X)
    finally:
        stopped.set()
        thread.join()
    assert (model.stopped_, model.n_iter_) == ("interrupt", 10)
    assert (found[0].stopped_, found[0].n_iter_) == (None, 80)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_has_the_usual_handlers():
    code = (
        "import os, signal; from bhtsne import interrupts\n"
        "with interrupts.held(signal.SIGTERM):\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        signal.raise_signal(signal.SIGTERM); os._exit(0)\n"
        "    print(os.WTERMSIG(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == signal.SIGTERM


def test_a_stage_that_shows_no_progress_ends_when_it_is_over():
    """A library that cannot be asked to stop has its time; then its stage ends the fit."""
    done = []

    def work():
        with interrupts.held(), Progress(False).timed("neighbors", {}, 10):
            send()
            done.append(True)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [True]


def test_placing_part_by_part_ends_between_the_parts():
    """The parts may be placed by other processes, where no stage of this one checks the flag."""
    done = []

    def work():
        with interrupts.held(), Progress(False).counted("placing", 10) as advance:
            for part in range(10):
                done.append(part)
                send()
                advance(1)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [0]


@pytest.mark.full
def test_a_pass_over_blocks_ends_between_them():
    def blocks():
        for start in range(0, 300, 100):
            done.append(start)
            send()
            yield X[start : start + 100]

    def work():
        with interrupts.held():
            LandmarkTSNE(50, random_state=0).fit(blocks)

    done = []
    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [0]


def test_an_optimisation_by_itself_is_interruptible():
    class Bowl:
        def gradient(self, Y, exaggeration):
            return Y

        def check(self, Y):
            return float((Y**2).sum()), 0.0

    state = optimizer.State(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    phase = optimizer.Phase(50, learning_rate=0.1)
    optimizer.run(state, Bowl(), [phase], callbacks=[send], callback_every=5)
    assert (state.stopped, state.iteration) == ("interrupt", 5)


@pytest.fixture
def points(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("points.npy", X)
    return ["embed", "points.npy", "-o", "map.npy", "--quiet", "--json", "--n-iter", "60"]


@pytest.mark.full(after=1)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("where", ["optimization", "divergence", "recall"])
def test_the_command_writes_the_map_and_says_that_it_was_stopped(
    where, number, points, monkeypatch, capsys
):
    owner, name = {
        "optimization": (optimizer, "_step"),
        "divergence": (fitting, "kl_per_point"),
        "recall": (cli_fitting, "recall"),
    }[where]
    function = getattr(owner, name)

    def sends(*args, **kwargs):
        monkeypatch.setattr(owner, name, function)  # once: a second one would end the tests
        Sender(number)
        gc.collect()
        return function(*args, **kwargs)

    monkeypatch.setattr(owner, name, sends)
    assert cli.main(points) == 130
    assert np.load("map.npy").shape == (len(X), 2)
    told = json.loads(capsys.readouterr().out)
    assert (told["n_iter"] == 1) is (where == "optimization")
    assert (told["neighbor_recall"] is None) is (where != "optimization")


@pytest.mark.full(after=1)
@pytest.mark.parametrize("stage", ["find_neighbors", "compute_affinities", "initial_map"])
def test_before_a_map_the_command_says_that_there_is_none(stage, points, monkeypatch, capsys):
    sending(monkeypatch, fitting, stage)
    assert cli.main(points) == 130
    assert "interrupted before there was a result" in capsys.readouterr().err


def test_a_signal_at_the_very_end_of_the_command_is_its_exit_status(points, monkeypatch):
    monkeypatch.setattr(cli.embed, "print_summary", send)
    assert cli.main(points) == 130
    assert np.load("map.npy").shape == (len(X), 2)


@pytest.mark.full
def test_animate_shows_the_run_so_far(points, monkeypatch):
    shown = []
    monkeypatch.setattr(Recorder, "__call__", send)
    monkeypatch.setattr(cli.animate, "write_film", lambda *given, **_: shown.append(given[0].name))
    assert cli.main(["animate", "points.npy", "-o", "film.gif", "--quiet", "--n-iter", "60"]) == 130
    assert shown == ["film.gif"]


@pytest.mark.full
def test_compare_does_not_begin_the_second_map(points, monkeypatch):
    step, steps = optimizer._step, []

    def sends(*args):
        steps.append(args)
        send()
        return step(*args)

    monkeypatch.setattr(optimizer, "_step", sends)
    assert cli.main(["compare", points[1], "--quiet", "--n-iter", "60"]) == 130
    assert len(steps) == 1


@pytest.mark.full(after=1)
@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_neither_fails_the_command_nor_mixes_with_the_other(closed, points):
    code = f"import sys; sys.{closed} = None; sys.argv[0] = 'bhtsne'; from bhtsne import cli"
    command = [sys.executable, "-c", f"{code}; cli.run()", *points[:-2], "--n-iter", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout or "{}").keys() >= ({"n_iter"} if closed == "stderr" else set())
    assert np.load("map.npy").shape == (len(X), 2)
