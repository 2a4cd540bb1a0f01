"""The command, as its user meets it: files in and out, a summary, one sentence for a fault."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bhtsne import TSNE, cli, forces, optimizer, tables
from bhtsne.cli import embed, maps

FAST = ["--perplexity", "5", "--n-iter", "30", "--quiet"]


@pytest.fixture
def points(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 4))
    X[30:] += 8
    path = tmp_path / "points.csv"
    rows = [",".join([*map(str, row), "ab"[i // 30]]) for i, row in enumerate(X)]
    path.write_text("\n".join(["u,v,w,x,kind", *rows]))
    return path


def test_a_table_becomes_a_map_a_picture_and_a_summary(points, tmp_path, capsys):
    out, picture = tmp_path / "map.csv", tmp_path / "map.png"
    arguments = [str(points), "--labels", "kind", "-o", str(out), "--plot", str(picture)]
    assert cli.main(["embed", *arguments, *FAST]) == 0
    said = capsys.readouterr().out
    assert "60 points, 4 features" in said
    assert f"written to {out}" in said
    assert picture.read_bytes().startswith(b"\x89PNG")
    table = tables.read(out, labels="label")
    assert table.X.shape == (60, 2)
    assert list(table.labels) == ["a"] * 30 + ["b"] * 30


def test_json_is_one_object_with_the_figures(points, tmp_path, capsys):
    out = tmp_path / "map.npy"
    status = cli.main(["embed", str(points), "--labels", "kind", "-o", str(out), "--json", *FAST])
    assert status == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["points"] == 60
    assert summary["n_iter"] == 150  # 120 of early exaggeration and the 30 that were asked for
    assert summary["output"] == str(out)
    assert 0 < summary["kl_divergence"] < 5
    assert 0.2 < summary["neighbor_recall"]["recall"] <= 1
    assert summary["peak_memory_bytes"] > 2**20
    stages = {"load", "pca", "neighbors", "affinities", "initial", "optimization", "write"}
    assert stages <= set(summary["seconds"])
    assert sum(summary["seconds"].values()) <= summary["total_seconds"] + 0.1


def test_same_seed_same_map_at_any_number_of_threads(points, tmp_path):
    maps = []
    for threads in "12":
        out = tmp_path / f"{threads}.npy"
        command = ["embed", str(points), "--labels", "kind", "-o", str(out), "--threads", threads]
        assert cli.main([*command, *FAST]) == 0
        maps.append(np.load(out))
    np.testing.assert_array_equal(*maps)


def test_without_a_target_the_map_is_kept_all_the_same(points, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["embed", "clusters:200", *FAST]) == 0
    assert np.load(tmp_path / "clusters-200-tsne.npy").shape == (200, 2)
    assert "written to clusters-200-tsne.npy" in capsys.readouterr().out


def test_more_than_fifty_features_are_reduced_unless_told_otherwise(tmp_path, capsys):
    path = tmp_path / "wide.npy"
    np.save(path, np.random.default_rng(0).normal(size=(80, 60)))
    for pca, features in (([], 50), (["--pca", "0"], 60), (["--pca", "7"], 7)):
        command = ["embed", str(path), "-o", str(tmp_path / "map.npy"), "--json", *pca, *FAST]
        assert cli.main(command) == 0
        assert json.loads(capsys.readouterr().out)["features"] == features


def test_exact_agrees_with_its_own_neighbours(points, tmp_path, capsys):
    command = ["embed", str(points), "--labels", "kind", "-o", str(tmp_path / "map.npy")]
    assert cli.main([*command, "--method", "exact", "--json", *FAST]) == 0
    assert json.loads(capsys.readouterr().out)["neighbor_recall"]["k"] == 10


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.csv"], "nowhere.csv"),
        (["nodata"], "digits, mnist, clusters"),
        (["digits", "--perplexity", "many"], "perplexity"),
        (["digits", "--perplexity", "5000"], "perplexity must be below"),
        (["digits", "--perplexity", "-3"], "perplexity must be at least 1"),
        (["digits", "--method", "fft"], "--method: must be barnes_hut or exact"),
        (["digits", "--metric", "nearby"], "metric must be one of"),
        (["digits", "--theta", "-1"], "theta must be at least 0"),
        (["digits", "--threads", "0"], "n_jobs must be"),
        (["digits", "--pca", "-1"], "--pca must be 0 or more"),
        (["digits", "-o", "map.xls"], "must end in .npy, .csv, .tsv or .parquet"),
        (["digits", "-o", "map.png"], "got map.png; use --plot map.png"),
        (["digits", "-o", "map.html"], "got map.html; use --html map.html"),
        (["digits", "-o", "map.npz"], "got map.npz; use --save map.npz"),
        (["map.csv"], "there is no file map.csv; IN must be a file"),
        (["."], "IN must be a file, got the folder ."),
        (["digits", "--plot", "map.jpeg"], "must end in .png"),
        (["digits", "--plot", "no/such/folder/map.png"], "there is no folder"),
        (["digits", "--labels", "kind"], "--labels goes with a file"),
        (["digits", "--keep", "id"], "--keep goes with a file, got 'id'"),
        (["digits", "--no-such-option"], "--no-such-option"),
        (["digits", "--perplexty", "5"], "did you mean --perplexity?"),
        (["digits", "--perp", "5"], "did you mean --perplexity?"),
        (["digits", "more"], "takes no further argument more"),
        (["digts"], "did you mean digits?"),
        (["digits", "--html", "map.htm"], "must end in .html"),
        (["digits", "--film", "map.avi"], "must end in .gif"),
        (["digits", "--format", "csv", "-o", "map.csv"], "--format goes with -o -"),
        (["digits", "-o", "-", "--json"], "both write to the standard output"),
        (["digits", "--theme", "pink"], "--theme"),
        ([], "IN"),
    ],
)
def test_a_fault_is_one_sentence_and_status_2(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["embed", *arguments, "--quiet"]) == 2
    said = capsys.readouterr()
    if "--json" in arguments:
        told = json.loads(said.out)
        assert (told["error"], told["status"]) == (said.err.removeprefix("bhtsne: ")[:-1], 2)
    else:
        assert said.out == ""
    assert words in said.err
    assert said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_ctrl_c_before_a_map_is_said_in_a_sentence(monkeypatch, capsys, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(embed, "load", interrupt)
    assert cli.main(["embed", "digits", "-o", str(tmp_path / "map.npy")]) == 130
    assert "interrupted before there was a result" in capsys.readouterr().err


def test_help_and_version_load_nothing_heavy():
    code = (
        "import sys; from bhtsne import cli\n"
        "try: cli.main(['embed', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numba', 'scipy', 'sklearn', 'matplotlib', 'numpy'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "examples:" in done.stdout


def test_the_installed_command_runs(tmp_path):
    command = os.path.join(os.path.dirname(sys.executable), "bhtsne")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("bhtsne ")


def test_a_kept_map_takes_new_points_by_another_command(points, tmp_path, capsys):
    model, out, new = tmp_path / "map.npz", tmp_path / "new.csv", tmp_path / "few.npy"
    arguments = [str(points), "--labels", "kind", "--save", str(model), *FAST]
    assert cli.main(["embed", *arguments]) == 0
    assert f"written to {model}" in capsys.readouterr().out
    X, labels = tables.read(points, labels="kind")[:2]
    np.testing.assert_array_equal(maps.labels(maps.read(str(model)), None), labels)
    np.save(new, X[:7])
    command = ["transform", str(model), str(new), "-o", str(out), "--quiet", "--json"]
    assert cli.main(command) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["points"], summary["output"]) == (7, str(out))
    placed = TSNE.load(model).transform(X[:7])
    np.testing.assert_array_equal(tables.read(out).X.astype(np.float32), placed)
    assert cli.main(["transform", str(model), str(new), "--plot", str(tmp_path / "new.png")]) == 0
    assert "7 points placed" in capsys.readouterr().out


def test_options_reach_the_estimator(points, tmp_path, capsys):
    options = ["--affinities", "mixture", "--perplexity", "4,9", "--dof", "0.8", "--init", "random",
               "--exaggeration", "1.5", "--early-exaggeration", "8", "--learning-rate", "20",
               "--force-error", "1e-3", "--min-kl-rate", "1e-3"]  # fmt: skip
    model = tmp_path / "map.npz"
    arguments = [str(points), "--labels", "kind", "--save", str(model), "--quiet", *options]
    assert cli.main(["embed", *arguments]) == 0
    told = TSNE.load(model).get_params()
    expected = {
        "affinities": "mixture", "perplexity": [4.0, 9.0], "dof": 0.8, "init": "random",
        "exaggeration": 1.5, "early_exaggeration": 8.0, "learning_rate": 20.0,
        "theta": forces.AdaptiveTheta(1e-3), "stopping": optimizer.Stopping(1e-3),
    }  # fmt: skip
    assert {name: told[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["embed", "IN", "--affinities", "gauss"], "--affinities: must be gaussian, multiscale"),
        (["embed", "IN", "--sigma", "2"], "--sigma goes with --affinities fixed_sigma"),
        (
            ["embed", "IN", "--affinities", "fixed_sigma"],
            "--sigma goes with --affinities fixed_sigma",
        ),
        (["embed", "IN", "--perplexity", "5,x"], "--perplexity"),
        (["embed", "IN", "--save", "map.csv"], "must end in .npz"),
        (["embed", "IN", "--force-error", "0"], "error must be at least 1e-09"),
        (["transform", "nothing.npz", "IN"], "nothing.npz"),
        (["transform", "IN", "IN"], "points.csv"),
    ],
)
def test_a_bad_option_or_model_is_one_sentence(
    points, arguments, says, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    arguments = [str(points) if word == "IN" else word for word in arguments]
    labels = ["--labels", "kind", "--quiet"]
    assert cli.main([*arguments, *labels]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["points.csv"]


def test_a_run_is_resumed_by_its_own_command_and_no_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    embed_digits = ["embed", "digits", "--quiet", "--n-iter", "5", "--checkpoint", "run"]
    assert cli.main([*embed_digits, "-o", "map.npy"]) == 0
    first = Path("map.npy").read_bytes()
    assert cli.main([*embed_digits, "-o", "other.npy", "--perplexity", "9"]) == 2
    assert "holds a run with perplexity=30" in capsys.readouterr().err
    Path("map.npy").unlink()
    Path("run").rename("moved")
    assert cli.main(["resume", str(tmp_path / "moved")]) == 0
    assert Path("map.npy").read_bytes() == first
    assert not Path("other.npy").exists()
    assert cli.main(["resume", str(tmp_path)]) == 2
    assert "RUN must be a folder" in capsys.readouterr().err
