"""Maps at several parameters from one search: equal to single maps, measured, compared, drawn."""

import json

import numpy as np
import pytest
from PIL import Image

from bhtsne import TSNE, affinities, browser, cli, datasets, metrics, neighbors, scan, scanning
from bhtsne.scanning import making
from bhtsne.scanning.advice import advice
from bhtsne.scanning.results import Agreement, Cell, ScannedMap

X, y = datasets.digits()[:2]
X, y = X[:250], y[:250]


@pytest.fixture(scope="module")
def scanned():
    """Return a scan of two perplexities, two exaggerations and two seeds."""
    return scan(X, perplexity=[5, 20], exaggeration=[1, 4], seeds=2, n_jobs=1)


def test_the_grid_is_complete_and_in_order(scanned):
    expected = [(p, e, s) for p in (5, 20) for e in (1, 4) for s in (0, 1)]
    assert [tuple(one.cell) for one in scanned.maps] == expected
    assert [one[:2] for one in scanned.agreement] == [(5, 1), (5, 4), (20, 1), (20, 4)]
    assert isinstance(scanned, scanning.Scan)
    rows = scanned.rows()
    assert [tuple(row.values())[:3] for row in rows] == expected
    assert rows[3]["agreement"] == scanned.agreement[1].share
    assert json.dumps(rows)
    assert repr(scanned) == "Scan(8 maps of 250 points)"


@pytest.mark.parametrize("index", [0, 6])
def test_a_map_is_that_of_a_fit_alone(scanned, index):
    one = scanned.maps[index]
    alone = TSNE(
        perplexity=one.cell.perplexity, exaggeration=one.cell.exaggeration, random_state=0, n_jobs=1
    ).fit(X)
    first = TSNE(perplexity=5, random_state=0, n_jobs=1).fit(X).embedding_
    expected = metrics.align(alone.embedding_, first).Y
    np.testing.assert_allclose(one.Y, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    assert one.kl == pytest.approx(alone.kl_divergence_, rel=1e-3)
    assert one.recall_10 == pytest.approx(metrics.neighbor_recall(X, alone.embedding_, 10))
    assert one.recall_100 == pytest.approx(metrics.neighbor_recall(X, alone.embedding_, 100))
    assert one.trustworthiness == pytest.approx(metrics.trustworthiness(X, alone.embedding_, 10))
    correlation = metrics.distance_correlation(X, alone.embedding_, random_state=0)
    assert one.distance_correlation == pytest.approx(correlation)


def test_agreement_is_the_part_of_the_map_neighbours_that_recur(scanned):
    a, b = (neighbors.find(one.Y.astype(np.float64), 10).indices for one in scanned.maps[4:6])
    shares = [len(set(p) & set(q)) / 10 for p, q in zip(a.tolist(), b.tolist(), strict=True)]
    np.testing.assert_allclose(scanned.agreement[2].by_point, shares, atol=1e-6)
    assert scanned.agreement[2].share == pytest.approx(np.mean(shares))


@pytest.mark.full
def test_processes_make_the_maps_that_one_thread_makes(scanned):
    beside = scan(X, perplexity=[5, 20], exaggeration=[1, 4], seeds=2, n_jobs=2)
    for one, other in zip(scanned.maps, beside.maps, strict=True):
        np.testing.assert_array_equal(one.Y, other.Y)


def test_neighbours_are_found_once(monkeypatch):
    calls = []
    original = making.fitting.find_neighbors
    monkeypatch.setattr(
        making.fitting, "find_neighbors", lambda *a, **k: calls.append(1) or original(*a, **k)
    )
    result = scan(X, perplexity=[5, 40], n_jobs=1)
    assert calls == [1]
    assert result.neighbors.indices.shape == (250, 120)


def test_affinities_of_a_perplexity_are_those_of_a_search_of_its_own():
    found = making.neighbors_of(making.Data(X), [5.0, 60.0], making.Progress(False))
    own = neighbors.find(X, 15)
    expected = affinities.joint(affinities.perplexity(own, 5.0))
    P = making.joint(found, 5.0, len(X))
    np.testing.assert_allclose(P.toarray(), expected.toarray(), rtol=1e-5)


@pytest.mark.parametrize("metric", ["cosine", "manhattan"])
def test_other_metrics(metric):
    result = scan(X, perplexity=10, metric=metric, n_jobs=1)
    (one,) = result.maps
    assert one.recall_10 == pytest.approx(metrics.neighbor_recall(X, one.Y, 10, metric=metric))
    assert np.isnan(one.distance_correlation)
    assert result.rows()[0]["distance_correlation"] is None


def test_distances_in_place_of_points():
    D = np.linalg.norm(X[:, None] - X[None], axis=-1)
    (one,) = scan(D, perplexity=20, metric="precomputed", n_jobs=1).maps
    alone = TSNE(perplexity=20, metric="precomputed", random_state=0, n_jobs=1).fit(D)
    assert one.kl == pytest.approx(alone.kl_divergence_, rel=1e-3)
    assert one.recall_10 == pytest.approx(metrics.neighbor_recall(X, alone.embedding_, 10))


def test_the_usual_perplexities_are_those_that_the_points_allow():
    assert [one.cell.perplexity for one in scan(X[:100], n_jobs=1).maps] == [5, 15, 30]
    assert [one.cell.perplexity for one in scan(X[:10], n_jobs=1).maps] == [3]


def test_a_perplexity_that_is_lowered_is_shown_as_it_was_used():
    with pytest.warns(UserWarning, match="33 is used"):
        result = scan(X[:100], perplexity=[5, 60, 70], n_jobs=1)
    assert [one.cell.perplexity for one in result.maps] == [5, 33]
    assert "perplexity 60" not in " ".join(result.advice)


def test_very_few_points():
    result = scan(X[:12], perplexity=[2, 3], seeds=2, n_jobs=1)
    assert all(0 <= one.recall_10 <= 1 for one in result.maps)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"perplexity": []}, "perplexity"), ({"perplexity": [5, 300]}, "below the number"),
        ({"perplexity": "30"}, "perplexity"), ({"seeds": 0}, "seeds"),
        ({"exaggeration": 0}, "exaggeration"), ({"metric": "none"}, "metric"),
        ({"random_state": -1}, "random_state"),
    ],
)  # fmt: skip
def test_errors_name_the_parameter(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        scan(X, **options)


def row(perplexity, near, far, correlation=0.5):
    cell = Cell(perplexity, 1.0, 0)
    return ScannedMap(cell, np.zeros((5, 2)), 1.0, near, far, 0.9, correlation, 1.0)


def agreeing(share):
    return [Agreement(30.0, 1.0, share, np.zeros(5))]


@pytest.mark.parametrize(
    ("rows", "agreements", "message"),
    [
        ([row(5, 0.5, 0.3), row(30, 0.4, 0.45)], [], ("take perplexity 5", "take perplexity 30")),
        ([row(5, 0.5, 0.3), row(30, 0.4, 0.305)], [], ("perplexity 5 is the one to begin with",)),
        ([row(30, 0.5, 0.3)], [], ("The only map", "perplexity 30", "50%", "data is 0.50, at")),
        ([row(5, 0.5, 0.3, 0.2), row(30, 0.4, 0.3)], [], ("highest 0.50, at perplexity 30",)),
        ([row(30, 0.5, 0.3)], agreeing(0.2), ("20%", "trust only what recurs")),
        ([row(30, 0.5, 0.3)], agreeing(0.5), ("50%", "groups recur")),
        ([row(30, 0.5, 0.3)], agreeing(0.8), ("80%", "hardly depends on the start")),
        ([row(30, 0.5, 0.3, 0.2)], [], ("0.20", "do not read distances between groups")),
        ([row(30, 0.5, 0.3, np.nan)], [], ("seeds=3",)),
    ],
)
def test_advice_follows_from_the_figures(rows, agreements, message):
    sentences = advice(rows, agreements)
    assert len(sentences) == 2
    assert all(sentence.endswith(".") for sentence in sentences)
    assert all(words in " ".join(sentences) for words in message)


# Along the exaggeration


def test_a_spectrum_ends_at_a_map_of_t_sne():
    result = scanning.spectrum(X, steps=5, n_iter=80, n_jobs=1)
    np.testing.assert_allclose(result.exaggerations, np.geomspace(30, 1, 5))
    P = TSNE(random_state=0, n_iter=1, n_jobs=1).fit(X).affinities_
    last = metrics.kl_per_point(P, result.maps[-1]).sum()
    fit = TSNE(random_state=0, n_jobs=1).fit(X).kl_divergence_
    assert last < 1.2 * fit
    assert np.ptp(result.maps[-1]) > 10 * np.ptp(result.maps[0])  # less attraction, a wider map


@pytest.mark.parametrize(
    "options", [{"steps": 1}, {"largest": 1.0}, {"n_iter": 0}, {"perplexity": -1}]
)
def test_errors_of_a_spectrum(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        scanning.spectrum(X, **options)


# The command


def test_the_command_prints_a_table_and_draws_a_sheet(tmp_path, capsys, monkeypatch):
    write, titles = browser.write, []

    def noted(*arguments, **options):
        titles.extend(options["titles"])
        write(*arguments, **options)

    monkeypatch.setattr(browser, "write", noted)
    table = tmp_path / "points.csv"
    rows = [",".join([f"c{i}" for i in range(64)] + ["kind"])]
    rows += [",".join([*map(str, x), f"k{k}"]) for x, k in zip(X.tolist(), y, strict=True)]
    table.write_text("\n".join(rows))
    sheet, page = tmp_path / "scan.png", tmp_path / "scan.html"
    options = ["--perplexity", "5,20", "--seeds", "2", "--threads", "1", "--quiet"]
    assert (
        cli.main(
            [
                "scan",
                str(table),
                "--labels",
                "kind",
                *options,
                "-o",
                str(sheet),
                "--html",
                str(page),
            ]
        )
        == 0
    )
    lines = capsys.readouterr().out.splitlines()
    head, first = lines[1].split(), lines[2].split()
    assert head[:4] == ["perplexity", "exaggeration", "seed", "KL"]
    assert titles[0] == f"perplexity 5, seed 0: KL {first[3]}, keeps {first[4]} of 10 neighbours"
    assert [line.split()[:3] for line in lines[2:6]] == [
        [p, "1", s] for p in ("5", "20") for s in ("0", "1")
    ]
    assert lines[6].startswith(("The map at", "For the nearest"))
    with Image.open(sheet) as picture:
        assert picture.size[0] > 500
    assert page.stat().st_size > 100_000


def test_the_command_prints_json(tmp_path, capsys):
    assert cli.main(["scan", "clusters:60", "--perplexity", "5", "--json", "--quiet"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["maps"][0]["perplexity"] == 5
    assert len(summary["advice"]) == 2


@pytest.mark.full
def test_the_command_writes_a_film_of_the_spectrum(tmp_path):
    film = tmp_path / "spectrum.gif"
    assert (
        cli.main(["scan", "clusters:60", "--perplexity", "5", "--spectrum", str(film), "--quiet"])
        == 0
    )
    with Image.open(film) as frames:
        assert frames.n_frames > 24


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--spectrum", "a.gif", "--seeds", "2"], "one perplexity"),
        (["--spectrum", "a.gif", "--perplexity", "5,30"], "one perplexity"),
        (["--spectrum", "a.gif", "-o", "a.png"], "a film alone"),
        (["-o", "a.csv"], ".png"), (["--html", "a.png"], ".html"),
        (["--perplexity", "x"], "perplexity"),
    ],
)  # fmt: skip
def test_errors_of_the_command(options, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["scan", "clusters:60", *options]) == 2
    assert message in capsys.readouterr().err
