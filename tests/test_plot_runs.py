"""What fits recorded, and how far to trust a map: the figures show the numbers they were given."""

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from test_plot import drawn

from bhtsne import SNE, TSNE, datasets, forces, optimizer
from bhtsne.optimizer import Phase, Record
from bhtsne.plot import force_errors, kl_history, kl_per_point, stage_times
from bhtsne.tsne.mapping import planned_phases

mpl.use("Agg")
RECORDS = [Record(50 * i, 3.0 / i, 10.0**-i, 1e-4 * i, 0.1 * i) for i in (1, 2, 3, 4)]


def marks(ax):
    """Return where dotted lines stand."""
    return [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == ":"]


@pytest.mark.parametrize("quantity", ["kl", "gradient_norm", "force_error"])
def test_each_record_is_a_point_of_its_run(quantity):
    ax = kl_history({"_a": RECORDS, "$b$": RECORDS[:2]}, quantity=quantity)
    for line, records in zip(ax.lines, (RECORDS, RECORDS[:2]), strict=True):
        expected = [(r.iteration, getattr(r, quantity)) for r in records]
        np.testing.assert_allclose(np.column_stack(line.get_data()), expected)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["_a", "$b$"]
    assert ax.get_yscale() == ("linear" if quantity == "kl" else "log")
    assert ax.lines[0].get_color() != ax.lines[1].get_color()


def test_phases_of_the_ancestors_are_marked_too(digits):
    model = SNE(
        perplexity=10, early_exaggeration_iter=50, n_iter=100, random_state=0, n_jobs=1
    ).fit(digits[:60])
    assert marks(kl_history(model)) == [50]


def test_phases_of_a_model_are_marked_where_they_end(fitted_digits):
    model = fitted_digits
    n = len(model.embedding_)
    ends = np.cumsum([phase.n_iter for phase in planned_phases(model, n)])[:-1]
    ax = kl_history(model)
    assert marks(ax) == list(ends)
    assert ends[0] == 50
    assert any("exaggeration 12" in text.get_text() for text in ax.texts)
    assert ax.get_legend() is None
    assert ax.lines[0].get_ydata()[-1] == model.history_[-1].kl
    early = TSNE(random_state=0, stopping=optimizer.Stopping(1e-3)).fit(datasets.digits().X[:100])
    assert marks(kl_history(early)) == []  # its phases end when they will


def test_phases_may_be_given_and_those_after_the_end_are_left_out():
    phases = [Phase(100, 12.0), Phase(60), Phase(500), Phase(50)]
    assert marks(kl_history(RECORDS, phases=phases)) == [100, 160]
    assert marks(kl_history(RECORDS)) == []


def test_an_exact_run_has_no_error_to_take_the_logarithm_of():
    exact = [record._replace(force_error=0.0) for record in RECORDS]
    ax = kl_history(exact, quantity="force_error")
    ax.figure.canvas.draw()
    assert ax.get_yscale() == "linear"


def test_bars_are_the_seconds_of_the_stages():
    runs = {"a": {"x": 1.0, "y": 3.25}, "b": {"y": 0.002, "z": 120.0}}
    ax = stage_times(runs)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "y", "z"]
    widths = [[bar.get_width() for bar in bars] for bars in ax.containers]
    assert widths == [[1.0, 3.25], [0.002, 120.0]]
    assert [t.get_text() for t in ax.texts] == ["1 s", "3.25 s", "2 ms", "120 s"]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a (4.25 s)", "b (120 s)"]
    spans = sorted((b.get_y(), b.get_y() + b.get_height()) for bars in ax.containers for b in bars)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    top, bottom = ax.get_ylim()[1], ax.get_ylim()[0]
    assert top < 0 < bottom  # the first stage is above the others


def test_stage_times_of_a_model(fitted_digits):
    model = fitted_digits
    ax = stage_times(model)
    assert [t.get_text() for t in ax.get_yticklabels()] == list(model.timings_)
    assert ax.get_legend() is None
    given = plt.figure().add_subplot()
    assert stage_times({"now": model}, ax=given) is given


def test_errors_of_the_force_are_those_of_its_definition():
    Y = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32) * 20
    ax = force_errors(Y, [0.9, 0.4], n_sample=1000)
    truth = forces.repulsion(Y, method="exact").force
    size = np.sqrt((truth**2).sum(axis=1).mean())
    for i, theta in enumerate([0.4, 0.9]):
        error = np.linalg.norm(forces.repulsion(Y, theta=theta).force - truth, axis=1) / size
        parts = [np.quantile(error, 0.99), np.sqrt((error**2).mean()), np.median(error)]
        for line, part in zip(ax.lines, parts, strict=False):
            assert line.get_xdata()[i] == theta
            assert line.get_ydata()[i] == pytest.approx(part, rel=1e-3)


def test_errors_that_were_computed_are_taken():
    ax = force_errors({0.8: [1, 1, 1], 0.2: [0.1, -0.2, 0.2]})
    rms = ax.lines[1].get_data()
    np.testing.assert_allclose(rms, [[0.2, 0.8], [np.sqrt(0.03), 1]])
    ax = force_errors({0.0: np.zeros(5)})
    ax.figure.canvas.draw()
    assert ax.get_yscale() == "linear"


def test_a_sample_is_as_good_as_all_points():
    Y = np.random.default_rng(0).normal(size=(3000, 2)) * 20
    some, all_of_them = (force_errors(Y, [0.8], n_sample=n).lines[1] for n in (500, 3000))
    assert some.get_ydata()[0] == pytest.approx(all_of_them.get_ydata()[0], rel=0.3)


def test_shares_of_the_divergence_are_drawn_in_multiples_of_the_mean(fitted_digits):
    model = fitted_digits
    ax = kl_per_point(model, theme="dark", size=4)
    low, high = np.percentile(model.kl_per_point_ / model.kl_per_point_.mean(), [1, 99])
    bar = ax.figure.axes[1]
    assert bar.get_ylim() == pytest.approx((low, high))
    assert bar.get_ylabel() == "KL divergence of the point / mean"
    assert drawn(ax).get_sizes() == [4]
    assert len(drawn(ax).get_offsets()) == 300


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: kl_history({}), "at least one run"),
        (lambda: kl_history([]), "records of checks, got none"),
        (lambda: kl_history(TSNE()), "fitted estimator .* got TSNE"),
        (lambda: kl_history({"a": 3}), r"runs\['a'\] must be a fitted estimator .* got int"),
        (lambda: kl_history(RECORDS, quantity="loss"), "quantity must be one of .* got 'loss'"),
        (lambda: stage_times({}), "at least one stage"),
        (lambda: stage_times(TSNE()), "got TSNE"),
        (lambda: stage_times({"a": -1.0}), "0 or more, got a: -1.0"),
        (lambda: stage_times({"a": {"b": "c"}}), r"runs\['a'\] must hold seconds"),
        (lambda: force_errors({}), "finite errors for each θ"),
        (lambda: force_errors({0.5: [np.nan]}), "finite errors"),
        (lambda: force_errors({"a": [1.0]}), "thetas must be numbers .* got 'a'"),
        (lambda: force_errors(np.eye(3), [-1]), "got -1"),
        (lambda: force_errors(np.eye(3), []), "at least one number"),
        (lambda: force_errors(np.eye(3), n_sample=0), "n_sample .* got 0"),
        (lambda: force_errors(np.eye(3), dof=0), "dof"),
        (lambda: force_errors(np.zeros((1, 2))), "at least 2 points"),
        (lambda: force_errors([[0, np.inf]]), "finite"),
        (lambda: kl_per_point(TSNE()), "model must be a fitted TSNE"),
    ],
)
def test_what_does_not_fit_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
    assert not plt.get_fignums()
