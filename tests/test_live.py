"""A run on a page: its server refuses strangers, its maps move, its controls change the run."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pytest

from bhtsne import TSNE, DynamicTSNE, datasets, live, optimizer
from bhtsne.live import announcement, steering

pytest.importorskip("websockets")
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

X, y = datasets.digits()[:2]
X, y = X[:400], y[:400]
SHORT = {"random_state": 0, "n_jobs": 1}


class Commands:
    """A callback that gives commands to a run at iterations, without a page."""

    def __init__(self, by_iteration):
        self.by_iteration, self.steering = dict(by_iteration), steering.Steering(lambda state: None)
        self.begin = self.steering.begin

    def __call__(self, record, Y):
        pass

    def after_iteration(self, state):
        for command in self.by_iteration.pop(state.iteration, []):
            self.steering.take(command)
        return self.steering.follow(state)


def setting(name, value):
    return {"do": "set", "name": name, "value": value}


COMMANDS = {
    40: [setting("exaggeration", 6.0)],
    70: [setting("momentum", 0.5), setting("theta", 0.3)],
    90: [{"do": "schedule"}],
    130: [{"do": "restart"}],
    150: [setting("learning_rate", 0.5), {"do": "more"}],
    200: [setting("exaggeration", 3.0), setting("dof", 0.8)],
}


REUSING = [
    {"n_iter": 150, "exaggeration": 12, "repulsion_every": 3},
    {"n_iter": 100, "momentum": 0.6, "repulsion_every": 2},
]


@pytest.mark.parametrize("schedule", ["fast", REUSING], ids=["fast", "reusing"])
def test_a_steered_run_is_repeated_by_its_phases_without_the_page(schedule):
    model = TSNE(**SHORT, schedule=schedule, callbacks=[Commands(COMMANDS)]).fit(X)
    plain = TSNE(**SHORT, schedule=schedule).fit(X)
    assert model.n_iter_ == plain.n_iter_ + 130 + 100
    assert model.dof_ == 0.8
    assert sum(phase.n_iter for phase in model.phases_) == model.n_iter_
    assert [phase.restart for phase in model.phases_].count(True) == 1
    again = TSNE(**SHORT, schedule=model.phases_).fit(X)
    np.testing.assert_array_equal(again.embedding_, model.embedding_)
    assert again.phases_ == model.phases_
    assert again.kl_divergence_ == model.kl_divergence_


def test_a_factor_multiplies_the_automatic_learning_rate_of_a_schedule_of_phases():
    phases = [{"n_iter": 40, "exaggeration": 4.0}, {"n_iter": 20}]
    commands = Commands({10: [setting("learning_rate", 0.5)]})
    model = TSNE(**SHORT, schedule=phases, callbacks=[commands]).fit(X)
    assert [phase.learning_rate for phase in model.phases_] == [100.0, 50.0, 200.0]


def test_the_schedule_sets_all_parameters_back():
    changed = [setting("dof", 0.7), setting("theta", 0.9), setting("momentum", 0.1)]
    model = TSNE(**SHORT, callbacks=[Commands({60: changed, 61: [{"do": "schedule"}]})]).fit(X)
    plain = TSNE(**SHORT).fit(X)
    assert [phase.dof for phase in model.phases_][:3] == [1.0, 0.7, 1.0]
    assert model.phases_[2] == plain.phases_[0]._replace(n_iter=plain.phases_[0].n_iter - 61)
    assert model.phases_[3:] == plain.phases_[1:]


def test_the_phases_of_a_plain_run_repeat_it():
    model = TSNE(**SHORT).fit(X)
    again = TSNE(**SHORT, schedule=model.phases_).fit(X)
    np.testing.assert_array_equal(again.embedding_, model.embedding_)


@pytest.mark.parametrize("name", ["momentum", "learning_rate"])
def test_a_repulsion_is_not_used_again_at_a_momentum_or_learning_rate_set_by_hand(name):
    commands = Commands({11: [setting(name, 0.7)], 20: [{"do": "schedule"}]})
    model = TSNE(**SHORT, schedule=REUSING, callbacks=[commands]).fit(X)
    assert [phase.repulsion_every for phase in model.phases_] == [3, 1, 3, 2]


@pytest.mark.parametrize("schedule", ["fast", "opentsne"])
def test_the_learning_rate_stays_in_inverse_proportion_to_the_exaggeration(schedule):
    commands = {50: [setting("exaggeration", 24.0)], 100: [setting("learning_rate", 2.0)]}
    model = TSNE(**SHORT, schedule=schedule, callbacks=[Commands(commands)]).fit(X)
    products = {round(phase.learning_rate * phase.exaggeration, 6) for phase in model.phases_}
    assert len(products) == 2
    assert max(products) == 2 * min(products)
    assert model.phases_[1].exaggeration == 24


@pytest.mark.parametrize(
    "command",
    [
        {}, {"do": "dance"}, {"do": "set"}, setting("exaggeration", -1), setting("theta", "1"),
        setting("momentum", 1.0), setting("dof", float("nan")), setting("n_iter", 5),
        setting("learning_rate", 1e9), setting("theta", None), {"do": ["pause"]},
    ],
)  # fmt: skip
def test_a_command_that_makes_no_sense_changes_nothing(command):
    model = TSNE(**SHORT, n_iter=60, callbacks=[Commands({30: [command]})]).fit(X)
    np.testing.assert_array_equal(model.embedding_, TSNE(**SHORT, n_iter=60).fit(X).embedding_)


def test_more_iterations_can_be_asked_for_at_the_last_one():
    n_iter = TSNE(**SHORT).fit(X).n_iter_
    model = TSNE(**SHORT, callbacks=[Commands({n_iter: [{"do": "more"}]})]).fit(X)
    assert model.n_iter_ == n_iter + steering.MORE
    assert model.history_[-1].iteration == model.n_iter_


def test_stop_ends_the_run_with_the_map_so_far():
    model = TSNE(**SHORT, callbacks=[Commands({33: [{"do": "stop"}]})]).fit(X)
    assert (model.n_iter_, model.stopped_) == (33, "callback")
    assert np.isfinite(model.embedding_).all()


def test_the_methods_of_callbacks_are_called_in_order():
    calls = []

    class Watcher:
        def __call__(self, record, Y):
            calls.append("check")

        def __getattr__(self, name):
            if name not in ("open", "stage", "receive", "begin", "after_iteration", "end", "fail"):
                raise AttributeError(name)
            return lambda *values: calls.append(name)

    TSNE(**SHORT, early_exaggeration_iter=1, n_iter=2, callbacks=[Watcher()]).fit(X)
    several = [name for i, name in enumerate(calls) if name != calls[i - 1] or not i]
    expected = ["open", "stage", "receive", "stage", "begin", "after_iteration", "check"]
    assert several == [*expected, "after_iteration", "end", "stage"]


# The server


class Run:
    """A fit in a thread, with a page; paused from its start on unless it is to go."""

    def __init__(self, page, paused=True, **options):
        self.page, self.model = page, TSNE(**SHORT | options, callbacks=[page])
        self.thread = threading.Thread(target=self.model.fit, args=(X,))
        self.paused, self.begin, self.begun = paused, page.begin, threading.Event()
        page.begin = self._begin if paused else page.begin
        self.thread.start()
        if paused:
            assert self.begun.wait(60)

    def _begin(self, state):
        self.begin(state)
        self.page._steering.take({"do": "pause"})
        self.begun.set()

    def send(self, **command):
        self.page._steering.take(command)

    def finish(self):
        if self.paused:
            self.send(do="go")
        self.thread.join(120)
        assert not self.thread.is_alive()
        return self.model


@pytest.fixture
def run(capsys):
    """Return a function that starts a run with a page; it ends with the test."""
    runs = []

    def start(*arguments, options=None, paused=True, **keywords):
        page = live.Page(*arguments, show=False, **keywords)
        runs.append(Run(page, paused, **(options or {})))
        return runs[-1]

    yield start
    for one in runs:
        if one.thread.is_alive():
            one.send(do="stop")
            one.finish()
        one.page.close()


def asked(url, path=None, **headers):
    """Return the status and the text of the answer to a request."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)) as connection:
        connection.request("GET", parts.path if path is None else path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def connected(url, **options):
    parts = urlsplit(url)
    options = {"origin": f"http://{parts.netloc}", "max_size": None} | options
    return connect(f"ws://{parts.netloc}{parts.path}socket", **options)


def status_of(socket, wanted, seconds=30):
    """Return the first status for which `wanted` is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        message = socket.recv(timeout=seconds)
        if isinstance(message, str):
            status = json.loads(message)
            if wanted(status):
                return status
    raise AssertionError("no such status")


def test_only_the_page_itself_is_served_and_only_to_those_with_the_token(run):
    url = run(y).page.url
    parts = urlsplit(url)
    assert parts.hostname == "127.0.0.1"
    assert len(parts.path.strip("/")) >= 20
    status, text = asked(url)
    assert status == 200
    assert "<canvas" in text
    for path in ("/", "/wrong/", parts.path[:-3] + "/", "/wrong/socket"):
        assert asked(url, path)[0] == 403
    assert asked(url, parts.path + "etc/passwd")[0] == 404
    assert asked(url, parts.path + "../../etc/passwd")[0] == 404
    assert asked(url, Host="evil.example")[0] == 403
    assert asked(url, Host=f"evil.example:{parts.port}")[0] == 403
    assert asked(url, Host=f"localhost:{parts.port}")[0] == 200


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null", "http://127.0.0.1:1"])
def test_messages_go_to_the_page_alone(run, origin):
    url = run(y).page.url
    with pytest.raises(InvalidStatus, match="403"):
        connected(url, origin=origin)
    with connected(url) as socket:
        assert json.loads(next(m for m in socket if isinstance(m, str)))["type"] == "status"


def test_two_windows_see_the_same_and_one_of_them_steers(run):
    started = run(y)
    with connected(started.page.url) as one, connected(started.page.url) as two:
        one.send(json.dumps(setting("exaggeration", 5)))
        for socket in (one, two):
            seen = status_of(socket, lambda status: status.get("given"))
            assert seen["parameters"]["exaggeration"] == 5
            assert seen["paused"]
        two.send("not JSON")
        two.send(json.dumps([1]))
        two.send(b"\xff\xfe")
        one.send(json.dumps({"do": "step"}))
        assert status_of(two, lambda status: status.get("iteration") == 2)["paused"]
    assert started.finish().phases_[1].exaggeration == 5


def test_the_run_ends_its_server_and_a_window_that_is_gone_does_not_touch_it(run):
    started = run(y)
    url = started.page.url
    gone = connected(url)
    gone.socket.close()
    with connected(url) as socket, ThreadPoolExecutor(1) as pool:
        # Read during the run: websockets 14 discards unread messages when the connection closes.
        last = pool.submit(status_of, socket, lambda status: status.get("over"))
        plain = TSNE(**SHORT).fit(X)
        model = started.finish()
        assert last.result()["over"] == "finished"
    np.testing.assert_array_equal(model.embedding_, plain.embedding_)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and answers(url):
        time.sleep(0.05)
    assert not answers(url)


def test_without_a_window_no_map_is_made_on_the_way(run, monkeypatch):
    made = []
    original = live.page.map_message
    monkeypatch.setattr(
        live.page, "map_message", lambda *a, **k: made.append(1) or original(*a, **k)
    )
    run(y, paused=False).finish()
    assert len(made) == 2  # at the beginning and at the end


def test_maps_that_a_viewer_keeps(run):
    started = run(y)
    with connected(started.page.url) as socket:
        status_of(socket, lambda status: status.get("iteration") == 1)
        socket.send(json.dumps({"do": "keep"}))
        socket.send(json.dumps({"do": "keep"}))
        socket.send(json.dumps({"do": "step"}))
        status_of(socket, lambda status: status.get("iteration") == 2)
        socket.send(json.dumps({"do": "keep"}))
        deadline = time.monotonic() + 20
        while len(started.page.kept) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
    first, second = started.page.kept
    assert (first.iteration, second.iteration) == (1, 2)
    assert second.Y.shape == (len(X), 2)
    assert not np.array_equal(first.Y, second.Y)


def test_the_page_of_another_optimizer(capsys):
    page = live.Page(y, show=False, stay=True)
    assert page.url is None
    page.open(len(X))
    assert capsys.readouterr().out == f"{page.url}\n"
    page.stage("neighbors", 0.5)
    page.receive(None)
    state = optimizer.State(X[:, :2], left=[optimizer.Phase(3, theta=0.5, restart=True)])
    page.begin(state)
    page(optimizer.Record(1, 2.0, 1.0, 0.0, 0.1), state.Y)
    assert page.after_iteration(state) is False
    page.end(state)
    state.left = [state.left[0].rest(2)]
    assert state.left == [optimizer.Phase(2)]

    def check():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        page.wait(check)  # for a window, of which there is none
    page.fail()
    page.close()
    assert page.url is None


@pytest.mark.parametrize(
    ("show", "remote", "notebook", "opened", "framed"),
    [
        (True, False, False, 1, 0), (True, True, False, 0, 0), (True, False, True, 0, 1),
        (True, True, True, 0, 1), (False, False, False, 0, 0), (False, True, True, 0, 0),
    ],
)  # fmt: skip
def test_the_address_is_printed_and_opened_where_there_is_a_browser(
    monkeypatch, capsys, show, remote, notebook, opened, framed
):
    calls = {"opened": [], "framed": []}
    display = SimpleNamespace(IFrame=lambda url, *size: url, display=calls["framed"].append)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr("webbrowser.open", calls["opened"].append)
    monkeypatch.delitem(sys.modules, "ipykernel.zmqshell", raising=False)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    if notebook:
        monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", SimpleNamespace())
    if remote:
        monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")
    url = "http://127.0.0.1:8765/token/"
    announcement.announce(SimpleNamespace(url=url, port=8765), show)
    assert calls == {"opened": [url] * opened, "framed": [url] * framed}
    printed = capsys.readouterr()
    assert printed.out == f"{url}\n"
    assert ("ssh -N -L 8765:127.0.0.1:8765" in printed.err) == remote


def test_a_fit_that_fails_ends_its_page(run):
    page = live.Page(show=False)
    stage, urls = page.stage, []

    def fails(name, done):
        stage(name, done)
        urls.append(page.url)
        raise ArithmeticError("in a stage")

    page.stage = fails
    with pytest.raises(ArithmeticError, match="in a stage"):
        TSNE(**SHORT, callbacks=[page]).fit(X)
    assert page.url is None
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and answers(urls[0]):
        time.sleep(0.05)
    assert not answers(urls[0])


def answers(url):
    """Return whether a server is there."""
    try:
        return bool(asked(url))
    except OSError:
        return False


def test_errors_are_one_sentence(monkeypatch):
    page = live.Page(show=False)
    with pytest.raises(TypeError, match="two dimensions"):
        TSNE(n_components=3, n_iter=1, callbacks=[page]).fit(X)
    with pytest.raises(TypeError, match="one map that moves"):
        DynamicTSNE(perplexity=5, n_iter=1, callbacks=[live.Page(show=False)]).fit([X[:50], X[:50]])
    with pytest.raises(ValueError, match="labels"):
        TSNE(callbacks=[live.Page(y[:5], show=False)]).fit(X)
    first = live.Page(show=False, stay=True)
    TSNE(**SHORT, early_exaggeration_iter=1, n_iter=1, callbacks=[first]).fit(X)
    port = urlsplit(first.url).port
    with pytest.raises(OSError, match=f"port {port} cannot be used"):
        TSNE(callbacks=[live.Page(show=False, port=port)]).fit(X)
    first.close()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"numba-bhtsne\[live\]"):
        live.Page()


# The command


def command(*arguments):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "bhtsne", "live", *map(str, arguments), "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


@pytest.mark.full(after=1)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_the_address_first_and_a_signal_leaves_the_map(tmp_path, number):
    out = tmp_path / "map.npy"
    process = command("digits", "-o", out, "--quiet")
    url = process.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:")
    with connected(url) as socket:
        status_of(socket, lambda status: status.get("iteration", 0) > 0, 120)
        socket.send(json.dumps({"do": "pause"}))
        status_of(socket, lambda status: status.get("paused"))
        process.send_signal(number)
        said, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert " iterations (interrupted) in " in said
    assert np.load(out).shape == (1797, 2)


@pytest.mark.full
def test_the_command_ends_when_the_page_is_closed(tmp_path):
    out = tmp_path / "map.csv"
    process = command("digits", "-o", out, "--json", "--quiet")
    with connected(process.stdout.readline().strip()) as socket:
        socket.send(json.dumps({"do": "keep"}))
        status_of(socket, lambda status: status.get("over"), 120)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert json.loads(rest)["points"] == 1797
    assert out.exists()


def test_the_command_refuses_what_a_page_cannot_show(cli_error):
    assert "the standard output" in cli_error("live", "digits", "-o", "-")
    assert "--n-components must be 2" in cli_error("live", "digits", "--n-components", "3")
    # before the file is read, which may take long
    assert "port must be at most 65535" in cli_error("live", "no-file.csv", "--port", "70000")


@pytest.fixture
def cli_error(capsys):
    """Return a function that runs a command in vain, and returns its message."""
    from bhtsne import cli

    def run_in_vain(*arguments):
        assert cli.main(list(arguments)) == 2
        return capsys.readouterr().err

    return run_in_vain


# The page


def iteration(page):
    return int(page.evaluate("document.body.dataset.iteration || 0"))


@pytest.mark.full
def test_the_page_shows_maps_that_move_and_steers_the_run(run, window):
    started = run(["<script>alert(1)</script>" if k == 3 else str(k) for k in y])
    page = window(started.page.url)
    page.wait_for_function("document.body.dataset.iteration === '1'")
    assert page.inner_text("#state") == "Paused"
    before = page.locator("#map").screenshot()
    for expected in ("2", "3"):
        page.click("#step")
        page.wait_for_function(f"document.body.dataset.iteration === '{expected}'")
    page.wait_for_timeout(400)
    assert iteration(page) == 3  # the pause holds
    assert page.locator("#map").screenshot() != before
    page.click("#parameters summary")
    page.locator("#exaggeration").evaluate(
        "e => { e.value = 700; e.dispatchEvent(new Event('input')) }"
    )
    page.wait_for_selector("label.given #exaggeration")
    page.click("#keep")
    page.wait_for_selector("#time:visible")
    shown = int(page.evaluate("document.body.dataset.maps"))
    page.click("#pause")
    page.wait_for_function("document.body.dataset.over !== ''")
    assert int(page.evaluate("document.body.dataset.maps")) > shown
    assert page.inner_text("#state") == "The run is over"
    model = started.finish()
    low, high = 0.5, 32
    assert model.phases_[1].exaggeration == float(f"{low * (high / low) ** 0.7:.4g}")
    assert "<script>alert(1)</script>" in page.locator("#legend .name").all_inner_texts()
    # all is there when the server is gone
    page.select_option("#column", label="neighbours kept of 15")
    assert page.locator("#legend .ends").is_visible()


@pytest.mark.full
def test_a_browser_that_is_killed_does_not_touch_the_run(run, window):
    started = run(y)
    page = window(started.page.url)
    page.wait_for_function("document.body.dataset.iteration === '1'")
    page.context.close()
    np.testing.assert_array_equal(started.finish().embedding_, TSNE(**SHORT).fit(X).embedding_)
