"""Commands that look at maps: pictures of what was kept, films, and two methods compared."""

import json

import numpy as np
import pytest
from PIL import Image

from bhtsne import TSNE, Recorder, browser, cli, datasets, files, forces
from bhtsne.cli import compare, maps

FAST = ["--perplexity", "5", "--n-iter", "20", "--quiet"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Return a folder with all that a fit of 60 points leaves, and the map."""
    folder = tmp_path_factory.mktemp("kept")
    X, y, _ = datasets.clusters(60, n_clusters=3, random_state=0)
    film = Recorder(5)
    model = TSNE(perplexity=5, n_iter=20, random_state=0, callbacks=[film], callback_every=20,
                 checkpoint=folder / "run").fit(X)  # fmt: skip
    model.set_params(callbacks=(), checkpoint=None).save(folder / "model.npz")
    film.save(folder / "film.npz")
    Y, words = model.embedding_, np.array(["left", "right, <b>", "up"])[y]
    columns = {"weight": np.linspace(0, 1, 60), "name": np.array([f"n{i}" for i in range(60)])}
    files.write(folder / "map.csv", Y, labels=words, columns=columns)
    files.write(folder / "map.npy", Y)
    files.write(folder / "map.parquet", Y, labels=words)
    files.write(folder / "line.csv", Y[:, :1])
    (folder / "words.txt").write_text("\n".join(words))
    np.savez(folder / "map.npz", X=Y, y=y)
    return folder, Y


@pytest.mark.parametrize(
    "name", ["map.csv", "map.npy", "map.parquet", "map.npz", "model.npz", "run", "film.npz"]
)
def test_a_map_is_found_in_whatever_holds_it(name, kept):
    folder, Y = kept
    read = maps.read(str(folder / name))
    places = 1e-3 * np.abs(Y).max() if name == "film.npz" else 0
    np.testing.assert_allclose(read.Y, Y, atol=places, rtol=1e-8)
    known = {"map.csv": ["label", "weight", "name"], "map.parquet": ["label"], "map.npz": ["label"]}
    assert sorted(read.columns) == sorted(known.get(name, []))
    assert (read.errors is not None) == (name == "model.npz")
    assert bool(read.history) == (name in ("model.npz", "run"))


@pytest.mark.full(after=2)
@pytest.mark.parametrize(
    "arguments",
    [
        ["map.csv", "--labels", "weight", "--theme", "dark"],
        ["map.npy", "--labels", "words.txt", "--title", "words"],
        ["model.npz", "--labels", "map.csv:label"],
        ["line.csv"],
        ["run", "--size", "3", "--alpha", "0.5"],
        ["model.npz", "--errors"],
        ["map.parquet", "--density"],
        ["model.npz", "run", "--history"],
        ["map.csv", "model.npz", "--theme", "dark"],
    ],
)
def test_pictures(arguments, kept, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(kept[0])
    out = tmp_path / "map.png"
    assert cli.main(["plot", *arguments, "-o", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["plot"] == str(out)
    with Image.open(out) as picture:
        assert np.asarray(picture.convert("L")).std() > 1  # something is drawn


@pytest.fixture
def pages(monkeypatch):
    """Return a list of what pages are made of, which are written all the same."""
    made, write = [], browser.write

    def noted(path, Y, labels=None, **options):
        made.append({"Y": Y, "labels": labels} | options)
        write(path, Y, labels, **options)

    monkeypatch.setattr(browser, "write", noted)
    return made


def test_a_page_has_the_columns_of_the_map(kept, tmp_path, monkeypatch, pages):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["plot", str(kept[0] / "map.csv"), "--html", "map.html"]) == 0
    several = [str(kept[0] / name) for name in ("map.csv", "map.npy")]
    weight = ["--labels", str(kept[0] / "words.txt"), "--title", "both"]
    assert cli.main(["plot", *several, *weight, "--html", "both.html"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["both.html", "map.html"]
    one, both = pages
    assert (one["labels"], list(one["columns"])) == ("label", ["label", "weight", "name"])
    assert set(both["labels"]) == {"left", "right, <b>", "up"}
    assert list(both["columns"]) == ["label_", "weight", "name"]
    np.testing.assert_allclose(both["Y"][0], both["Y"][1], rtol=1e-7)
    assert (both["titles"], both["title"]) == (["map", "map"], "both")


def test_a_page_of_a_fit_has_features_and_images(tmp_path, monkeypatch, pages):
    monkeypatch.chdir(tmp_path)
    X, y, _ = datasets.clusters(60, 3, random_state=0)
    files.write("few.csv", X, labels=y, columns={"id": np.arange(60)}, axes="width")
    command = ["embed", "few.csv", "--labels", "label", "--keep", "id", "--html", "few.html"]
    assert cli.main([*command, *FAST]) == 0
    assert cli.main(["embed", "digits", "--n-iter", "0", "--html", "digits.html", "--quiet"]) == 0
    assert list(pages[0]["columns"]) == ["id", "width1", "width2", "width3"]
    np.testing.assert_array_equal(pages[0]["columns"]["width3"].astype(np.float32), X[:, 2])
    assert pages[0]["images"] is None
    digits = datasets.load("digits")
    np.testing.assert_array_equal(pages[1]["images"].reshape(-1, 64), digits.X)
    np.testing.assert_array_equal(pages[1]["labels"], digits.y)


def test_images_are_drawn_where_their_points_lie(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files.write("map.csv", np.random.default_rng(0).normal(size=(1797, 2)))
    assert cli.main(["plot", "map.csv", "--images", "digits", "-o", "images.png"]) == 0
    assert cli.main(["plot", "map.csv", "-o", "dots.png"]) == 0
    assert (tmp_path / "images.png").read_bytes() != (tmp_path / "dots.png").read_bytes()
    assert cli.main(["plot", "map.csv", "--images", "clusters:90"]) == 2
    assert "got 'clusters:90' with no images" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing.csv"], "got 'nothing.csv'"),
        (["map.csv", "--errors"], "--errors needs a MODEL"),
        (["map.csv", "--history"], "--history needs"),
        (["map.csv", "--labels", "wight"], "did you mean weight?"),
        (["map.csv", "--labels", "digits"], "60"),
        (["map.csv", "-o", "map.jpeg"], "must end in .png"),
        (["x.npy"], "a map of 1 to 3 dimensions"),
        (["empty"], "without a map"),
        ([], "MAP"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(arguments, says, kept, capsys, monkeypatch):
    monkeypatch.chdir(kept[0])
    np.save("x.npy", np.zeros((5, 4)))
    (kept[0] / "empty").mkdir(exist_ok=True)
    before = sorted(kept[0].iterdir())
    assert cli.main(["plot", *arguments]) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert sorted(kept[0].iterdir()) == before


@pytest.mark.full
def test_films(kept, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = kept[0]
    recording = ["animate", str(folder / "film.npz"), "--labels", str(folder / "words.txt")]
    assert cli.main([*recording, "-o", "a.gif", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["maps"] == 5
    several = [str(folder / name) for name in ("map.csv", "map.npy")]
    assert cli.main(["animate", *several, "-o", "b.gif", "--fps", "10"]) == 0
    run = ["animate", "clusters:60", "-o", "c.gif", "--save", "run.npz", "--frames", "4", *FAST]
    assert cli.main(run) == 0
    embed = ["embed", "clusters:60", "--film", "d.gif", "-o", "map.npy", *FAST]
    assert cli.main(embed) == 0
    plain = ["embed", "clusters:60", "-o", "plain.npy", *FAST]
    assert cli.main(plain) == 0
    np.testing.assert_array_equal(np.load("map.npy"), np.load("plain.npy"))
    last = Recorder.load("run.npz").maps[-1]
    np.testing.assert_allclose(last, np.load("plain.npy"), atol=1e-3 * np.abs(last).max())
    for name in "abcd":
        with Image.open(f"{name}.gif") as film:
            assert film.n_frames > 2
    assert cli.main(["animate", *several, "--save", "r.npz"]) == 2
    assert "--save goes with a run, got several maps" in capsys.readouterr().err


@pytest.mark.full
def test_both_methods_from_one_start(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["compare", "clusters:600", "--plot", "both.png", *FAST]
    assert cli.main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (tmp_path / "both.png").stat().st_size > 10_000
    errors = [row["error"] for row in told["force_errors"]["end"]]
    assert errors == sorted(errors)
    assert 0 < errors[0] < 1e-4 < errors[-1] < 0.1
    tree, pairs = told["barnes_hut"], told["exact"]
    assert tree["kl_divergence"] == pytest.approx(pairs["kl_divergence"], rel=0.1)
    assert 10 / 599 < told["map_neighbor_overlap"] <= 1
    assert cli.main([*command, "--theta", "0"]) == 0  # all pairs, in single precision
    said = capsys.readouterr().out
    assert "Barnes-Hut, θ 0" in said
    assert "relative error of the forces" in said


def test_the_error_of_forces_is_that_of_its_definition():
    Y = np.random.default_rng(0).normal(0, 20, (200, 2)).astype(np.float32)
    right, wrong = forces.repulsion(Y, method="exact"), forces.repulsion(Y, theta=1.0)
    right, wrong = right.force / right.z, wrong.force / wrong.z
    row = next(row for row in compare.errors(Y, 1.0) if row["theta"] == 1.0)
    assert row["error"] == pytest.approx(
        ((wrong - right) ** 2).sum() ** 0.5 / (right**2).sum() ** 0.5
    )


def test_too_many_pairs_are_refused_and_a_part_is_taken(monkeypatch, capsys):
    monkeypatch.setattr(compare, "_LIMIT", 100)
    assert cli.main(["compare", "clusters:150", *FAST]) == 2
    assert "--points 100" in capsys.readouterr().err
    assert cli.main(["compare", "clusters:150", "--points", "40", "--json", *FAST]) == 0
    assert json.loads(capsys.readouterr().out)["points"] == 40
    assert cli.main(["compare", "clusters:150", "--method", "exact"]) == 2
    assert "compare runs both methods" in capsys.readouterr().err
