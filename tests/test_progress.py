"""Progress: what each stage tells, and what a terminal, a notebook and a log file show of it."""

import io
import os
import re
import sys
import threading
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import numpy as np
import pytest

import bhtsne.progress
from bhtsne import SNE, TSNE, DynamicTSNE, datasets, events, jit, neighbors
from bhtsne.affinities import multiscale
from bhtsne.neighbors import forest
from bhtsne.progress import Progress

X = datasets.digits().X.astype(np.float32)
QUICK = {"n_iter": 60, "early_exaggeration_iter": 40, "random_state": 0}


def heard(function, *args, **options):
    reported = []
    with events.listening(reported.append):
        result = function(*args, **options)
    return reported, result


def rises(reported):
    return reported == sorted(reported) and reported[0] > 0 and reported[-1] == pytest.approx(1)


@pytest.mark.parametrize("columns", [64, 5])  # by products of matrices, by a k-d tree
def test_an_exact_search_tells_how_far_it_is_and_finds_the_same(columns):
    points = np.random.default_rng(0).normal(size=(20_000 if columns == 5 else 4_000, columns))
    reported, near = heard(neighbors.find, points, 5, method="exact")
    assert rises(reported)
    assert len(reported) >= (16 if columns == 64 else 2)
    again = neighbors.find(points, 5, method="exact")
    assert all(np.array_equal(a, b) for a, b in zip(near, again, strict=True))


def test_the_forest_tells_of_its_trees_and_rounds_as_one():
    reported, near = heard(neighbors.find, X, 20, method="forest", random_state=0)
    assert rises(reported)
    assert len([part for part in reported if part <= forest._SHARES[1]]) == forest._TREES
    again = neighbors.find(X, 20, method="forest", random_state=0)
    assert np.array_equal(near.indices, again.indices)


@pytest.mark.full(after=1)
@pytest.mark.parametrize(
    "model",
    [
        TSNE(**QUICK),
        TSNE(affinities="multiscale", perplexity=[5, 20], **QUICK),
        TSNE(method="exact", **QUICK),
        SNE(n_iter=10, early_exaggeration_iter=5),
    ],
    ids=str,
)
def test_every_stage_of_points_rises_to_its_end(model, monkeypatch):
    stages = {}

    def hear(self, done):
        stages.setdefault(self._bar.desc, []).append(done)

    monkeypatch.setattr(Progress, "_show_fraction", hear)
    monkeypatch.setattr(bhtsne.progress, "_bar", lambda stage, points: Silent(stage))
    model.set_params(verbose=True).fit(X[:300])
    assert {"affinities", "initial"} <= stages.keys()
    assert "optimization" not in stages
    # the work of a stage after its last block reports nothing
    assert all(
        reported == sorted(reported) and 0.85 < reported[-1] <= 1.0001
        for reported in stages.values()
    )


class Silent(SimpleNamespace):
    """A bar that is not shown."""

    def __init__(self, stage):
        super().__init__(desc=stage, unit=" points", n=0)

    def nothing(self, *args, **options):
        pass

    reset = update = set_postfix = write = close = nothing


def test_snapshots_have_equal_shares():
    snapshots = [X[:100], X[:100] + 1]
    reported, _ = heard(events.mapped, lambda some: neighbors.find(some, 5), snapshots)
    assert rises(reported)
    assert 0.5 in reported
    assert len(reported) % 2 == 0
    assert DynamicTSNE(n_iter=5, early_exaggeration_iter=5).fit(snapshots).n_iter_ == 10


def test_shares_lie_within_shares_and_nobody_needs_to_listen():
    def work():
        with events.portion(0.5, 1):
            for _ in events.blocks(10, 4):
                pass
            with events.portion(0, 0.5):
                events.report(0.5)
            with events.listening(None):
                events.report(0.123)

    reported, _ = heard(work)
    assert reported == pytest.approx([0.7, 0.9, 1, 0.625])
    work()
    assert sum(s.stop - s.start for s in events.blocks(12, 4)) == 12


def test_a_fit_in_another_thread_is_not_heard():
    def others():
        neighbors.find(X[:500], 5)

    def both():
        thread = threading.Thread(target=others)
        thread.start()
        thread.join()

    assert heard(both)[0] == []


def test_what_a_listener_raises_ends_the_search_and_the_next_one_works():
    def refuse(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), events.listening(refuse):
        neighbors.find(X, 5)
    assert heard(jit.map_blocks, lambda a, b: b - a, 10, 4) == ([1 / 3, 2 / 3, 1], [4, 4, 2])


def test_multiscale_affinities_are_the_same_row_by_row_in_blocks(monkeypatch):
    near = neighbors.find(X, 60)
    whole = multiscale(near, [5, 20])
    monkeypatch.setattr("bhtsne.affinities.rows._ROWS", 100)
    reported, parted = heard(multiscale, near, [5, 20])
    assert np.array_equal(whole.data, parted.data)
    assert len(reported) == 2 * 18 + 3


@contextmanager
def terminal(monkeypatch):
    """Make stderr a terminal of 100 columns; yield a list, of one text in the end."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (30, 100))
    written, texts = [], []

    def read():
        with suppress(OSError):  # once the other end is closed
            while block := os.read(ours, 65536):
                written.append(block)

    reader = threading.Thread(target=read)
    reader.start()
    with monkeypatch.context() as patch, os.fdopen(theirs, "w", encoding="utf-8") as stream:
        patch.setattr(sys, "stderr", stream)
        yield texts
    reader.join()
    os.close(ours)
    texts.append(b"".join(written).decode())


def left(text):
    """Return the lines that a terminal shows in the end."""
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        cells = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


def test_a_terminal_keeps_a_line_of_each_long_stage(monkeypatch):
    monkeypatch.setattr(bhtsne.progress, "_BRIEF", 0.0)
    with terminal(monkeypatch) as texts:
        TSNE(verbose=True, **QUICK).fit(X[:500])
    lines = left(texts[0])
    names = ["neighbors", "affinities", "initial", "optimization", "divergence", ""]
    assert [line.split(" ")[0] for line in lines if "Compiling" not in line] == names
    assert max(map(len, lines)) <= 100
    counts = r" +100%\|█+\| 500/500 \[00:\d\d<00:00, +[\d.]+k? points/s\]"
    assert re.fullmatch("neighbors" + counts, lines[-6])
    assert re.fullmatch("affinities" + counts, lines[-5])
    assert re.search(r"100/100 \[00:\d\d<00:00, .*it/s, KL=\d\.\d{3}\]$", lines[-3])
    assert "\x1b" not in texts[0]


def test_brief_stages_leave_no_trace_and_neither_does_ctrl_c(monkeypatch):
    def press(record, Y):
        raise KeyboardInterrupt

    with terminal(monkeypatch) as texts:
        model = TSNE(verbose=True, callbacks=[press], **QUICK).fit(X[:500])
    assert (model.stopped_, model.n_iter_) == ("interrupt", 50)
    lines = [line for line in left(texts[0]) if "Compiling" not in line]
    assert len(lines) == 2
    assert lines[0].startswith("optimization  4")
    assert "/100 [" in lines[0]
    assert lines[1] == ""


def test_a_compilation_is_announced_once_and_counted(monkeypatch):
    calls = []

    @contextmanager
    def when_compiling(call):
        calls.append(call)
        yield

    monkeypatch.setattr(jit, "when_compiling", when_compiling)
    with (
        terminal(monkeypatch) as texts,
        Progress(True) as progress,
        progress.timed("neighbors", {}, 100),
    ):
        for count in (1, 2, 3):
            calls[0](count)
    assert texts[0].count("Compiling for this machine") == 1
    assert [f"compiled={count}" in texts[0] for count in (1, 2, 3)] == [True] * 3


def test_a_stage_that_ctrl_c_ends_leaves_the_cursor_on_a_line_of_its_own(monkeypatch):
    def work():
        with Progress(True) as progress, progress.timed("neighbors", {}, 100):
            events.report(0.3)
            raise KeyboardInterrupt

    with terminal(monkeypatch) as texts, pytest.raises(KeyboardInterrupt):
        work()
    assert left(texts[0])[-1] == ""


def test_a_run_that_goes_on_counts_from_where_it_was(monkeypatch):
    model = TSNE(**QUICK).fit(X[:300])
    with terminal(monkeypatch) as texts:
        model.set_params(verbose=True).optimize(20)
    assert "120/120" in texts[0]


def log(monkeypatch, *ticks):
    """Return the lines of a stage of 100 iterations, one at each tick of the clock."""
    monkeypatch.setattr(bhtsne.progress.time, "perf_counter", lambda: clock[0])
    stream, clock = io.StringIO(), [0.0]
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(True) as progress, progress.timed("optimization", {}):
        progress.expect(len(ticks))
        for i, clock[0] in enumerate(ticks, 1):
            history = [SimpleNamespace(kl=i / 10)]
            progress.advance(SimpleNamespace(iteration=i, history=history))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(("each", "count"), [(0.01, 1), (0.5, 5), (1, 10), (60, 10)])
def test_a_log_file_has_few_lines_without_returns(monkeypatch, each, count):
    lines = log(monkeypatch, *(each * i for i in range(1, 101)))
    assert len(lines) == count
    assert lines[-1].startswith("optimization 100% 100/100 [")
    assert lines[-1].endswith("KL=10.000]")
    assert not any("\r" in line or "█" in line for line in lines)


def test_a_line_of_a_log_tells_the_time_left_at_the_last_pace(monkeypatch):
    lines = log(monkeypatch, *(i if i <= 50 else 50 + 3 * (i - 50) for i in range(1, 101)))
    assert "20% 20/100 [00:20<01:20,  1.00it/s, KL=2.000]" in lines[1]
    line = next(line for line in lines if " 6" in line[12:16])
    assert "s/it" in line
    assert "<01:" in line


def test_brief_stages_and_none_asked_for_are_silent(capfd):
    with Progress(True) as progress, progress.timed("neighbors", {}, 100):
        events.report(1)
    with Progress(False) as progress, progress.timed("optimization", {}, 100):
        events.report(1)
        progress.expect(5)
        progress.advance(SimpleNamespace(iteration=1, history=[]))
    assert capfd.readouterr() == ("", "")


def test_a_stage_that_begins_anew_is_counted_anew(monkeypatch, capfd):
    monkeypatch.setattr(bhtsne.progress, "_BRIEF", 0.0)
    seconds = {}
    with Progress(True) as progress, progress.timed("neighbors", seconds, 1000):
        for done in (0.5, 1, 0.25):
            events.report(done)
    assert "neighbors     25% 250/1.00k" in capfd.readouterr().err
    assert seconds["neighbors"] > 0
