"""The report on a map: its figures, its sentences, and a page that is safe to open."""

import json
from copy import copy
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from bhtsne import TSNE, cli, datasets, metrics, reporting

X, y = datasets.digits()[:2]
X, y = X[:250], y[:250]


@pytest.fixture(scope="module")
def model():
    """Return a fitted model."""
    return TSNE(random_state=0, n_jobs=1).fit(X)


class Text(HTMLParser):
    """The text of a page, and the names of its elements."""

    def __init__(self, page):
        super().__init__()
        self.text, self.names, self.sources = "", [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        self.sources += [value for name, value in attributes if name == "src"]

    def handle_data(self, data):
        self.text += data


def test_the_figures_are_those_of_the_map(model, tmp_path):
    path = tmp_path / "report.html"
    found = reporting.write(path, model, y)
    assert found.kept == pytest.approx(metrics.neighbor_recall(X, model.embedding_, 10))
    assert found.kept_sample == pytest.approx(found.kept, abs=1e-6)  # all points are the sample
    assert found.kl_sample == pytest.approx(model.kl_divergence_, rel=1e-2)
    assert found.kept_shuffled < 0.8 * found.kept_sample
    assert found.kl_shuffled > found.kl_sample
    assert 0 < found.recurring < 1
    assert found.recurring_by_point.shape == (250,)
    page = Text(path.read_text(encoding="utf-8"))
    for words in (
        f"keeps {found.kept:.0%} among its 10 nearest", f"map, {found.recurring:.0%} are among",
        f"keeps {found.kept_shuffled:.0%} at {found.kl_shuffled:.3f}",
        f"is {model.kl_divergence_:.3f} after {model.n_iter_} iterations",
        "have structure that the shuffled columns lack", "numba", "initauto",
        "iterations 1 to 120exaggeration 12, learning rate 20.8333, momentum 0.8, θ 1",
    ):  # fmt: skip
        assert words in page.text
    assert len(page.sources) == 4
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "script" not in page.names


def test_noise_is_called_noise(tmp_path):
    noise = np.random.default_rng(0).normal(size=(200, 10)).astype(np.float32)
    model = TSNE(random_state=0, n_jobs=1).fit(noise)
    reporting.write(tmp_path / "report.html", model)
    assert "groups on this map may be noise" in (tmp_path / "report.html").read_text("utf-8")


def test_text_of_a_user_is_no_markup(model, tmp_path):
    path = tmp_path / "report.html"
    nasty = "<script>alert(1)</script>{x}"
    reporting.write(path, model, [nasty if k == 3 else "a" for k in y], title=nasty)
    page = Text(path.read_text(encoding="utf-8"))
    assert "script" not in page.names
    assert nasty in page.text


@pytest.mark.parametrize("kind", ["distances", "affinities"])
def test_without_points_the_report_says_what_it_can(model, kind, tmp_path):
    if kind == "distances":
        D = np.linalg.norm(X[:, None] - X[None], axis=-1)
        fitted = TSNE(metric="precomputed", random_state=0, n_jobs=1).fit(D)
    else:
        fitted = TSNE(affinities="precomputed", random_state=0, n_jobs=1).fit(model.affinities_)
    found = reporting.write(tmp_path / "report.html", fitted)
    assert found.kept_shuffled is None
    assert (found.kept is None) == (kind == "affinities")


def test_a_model_without_phases_has_no_table_of_them(model, tmp_path):
    path = tmp_path / "report.html"
    pages = []
    for phases in (model.phases_, []):
        other = copy(model)
        other.phases_ = phases
        reporting.write(path, other, y)
        pages.append(Text(path.read_text(encoding="utf-8")).text)
    assert ["Phases of the optimization" in text for text in pages] == [True, False]
    assert all("Versions, to cite" in text for text in pages)


def test_features_that_decide_alone_are_named(tmp_path):
    table = pd.DataFrame(X[:90, 20:26] * [1, 1, 1000, 1, 1, 1], columns=list("abcdef"))
    fitted = TSNE(perplexity=10, n_iter=5, early_exaggeration_iter=5, random_state=0).fit(table)
    said = "c holds 100% of the variance of the 6 features, so that it alone decides"
    assert reporting.write(tmp_path / "r.html", fitted).dominance.startswith(said)
    assert f"{said} which points are near. If" in (tmp_path / "r.html").read_text("utf-8")


def test_errors(model, tmp_path):
    with pytest.raises(ValueError, match="html"):
        reporting.write(tmp_path / "report.pdf", model)
    with pytest.raises(ValueError, match="fitted"):
        reporting.write(tmp_path / "report.html", TSNE())
    three = TSNE(n_components=3, n_iter=1, early_exaggeration_iter=1, n_jobs=1).fit(X)
    with pytest.raises(ValueError, match="two dimensions"):
        reporting.write(tmp_path / "report.html", three)
    with pytest.raises(FileNotFoundError):
        reporting.write(tmp_path / "none" / "report.html", model)


def test_the_command(model, tmp_path, capsys):
    path, out = tmp_path / "map.npz", tmp_path / "report.html"
    model.save(path)
    assert cli.main(["report", str(path), "-o", str(out), "--json", "--quiet"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["html"] == str(out)
    assert 0 < summary["kept_shuffled"] < summary["kept"] < 1
    assert out.exists()
    np.save(tmp_path / "map.npy", model.embedding_)
    assert cli.main(["report", str(tmp_path / "map.npy"), "-o", str(out)]) == 2
    assert "embed --save" in capsys.readouterr().err


@pytest.mark.full
def test_a_fit_by_the_command_with_its_report(tmp_path):
    out = tmp_path / "report.html"
    assert cli.main(["embed", "clusters:100", "--report", str(out), "--quiet"]) == 0
    assert "clusters:100" in out.read_text(encoding="utf-8")
