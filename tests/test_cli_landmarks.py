"""`bhtsne embed --landmarks`: parts of a table in, parts of a map out, and on after any stop."""

import json
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client, LocalCluster

from bhtsne import TSNE, cli, datasets, files, landmarks, storage
from bhtsne.landmarks import folder
from bhtsne.tables import Wanted, partwise

OPTIONS = ["--landmarks", "120", "--perplexity", "6", "--n-iter", "30", "--quiet"]


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr(folder, "ROWS", 200)
    monkeypatch.setattr(folder, "_BLOCK", 90)


@pytest.fixture(scope="module")
def table():
    data = datasets.clusters(900, 5, random_state=0)
    frame = pd.DataFrame(data.X, columns=list("abcde"))
    frame["kind"], frame["id"] = data.y % 3, np.arange(900)
    frame["note"] = [None if i % 7 == 0 else f"n{i}" for i in range(900)]
    return frame


@pytest.fixture(scope="module")
def given(table, tmp_path_factory):
    """Return points in a file, and the map that one uninterrupted command made of them."""
    here = tmp_path_factory.mktemp("given")
    table.to_parquet(here / "big.parquet", row_group_size=100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder, "ROWS", 200)
        patch.setattr(folder, "_BLOCK", 90)
        assert embed(here / "big.parquet", here / "whole.parquet") == 0
    return here / "big.parquet", here / "whole.parquet"


def embed(path, out, *more):
    options = ["--labels", "kind", "--keep", "id"] if str(path).endswith(".parquet") else []
    return cli.main(["embed", str(path), "-o", str(out), *options, *OPTIONS, *more])


def parts(out):
    return {part.name: part.read_bytes() for part in out.glob("part-*")}


def test_the_parts_are_one_table_with_what_is_kept_as_it_was(given, table):
    out = given[1]
    names = sorted(file.name for file in out.iterdir())
    assert names == ["_landmarks.npz", "_settings.npz", *(f"part-0000{i}.parquet"
                                                          for i in range(5))]  # fmt: skip
    whole = pd.read_parquet(out)
    assert list(whole.columns) == ["tsne1", "tsne2", "label", "id", "note"]
    assert whole.tsne1.dtype == np.float32
    for name, of in (("label", "kind"), ("id", "id"), ("note", "note")):
        pd.testing.assert_series_equal(whole[name], table[of], check_names=False)
    model = TSNE.load(out / "_landmarks.npz")
    assert model.embedding_.shape == (120, 2)
    points = table[list("abcde")].to_numpy()
    np.testing.assert_array_equal(model.transform(points), whole[["tsne1", "tsne2"]].to_numpy())


def test_the_landmarks_are_those_of_the_estimator(given, table):
    points = table[list("abcde")]
    content = storage.load(given[1] / "_settings.npz", folder._FORMAT)
    assert content["settings"]["--landmarks"] == 120
    tsne = TSNE(perplexity=6, n_iter=30)
    other = landmarks.LandmarkTSNE(120, tsne=tsne, random_state=0).fit(points)
    kept = TSNE.load(given[1] / "_landmarks.npz")
    np.testing.assert_array_equal(other.tsne_.embedding_, kept.embedding_)


def test_what_is_missing_is_placed_and_nothing_else(given, tmp_path, capsys):
    path, whole = given
    out = shutil.copytree(whole, tmp_path / "out.parquet")
    (out / "part-00003.parquet").unlink()
    kept = (out / "part-00001.parquet").stat().st_mtime_ns
    assert embed(path, out, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["parts"], summary["parts_placed"], summary["points_placed"]) == (5, 1, 200)
    assert summary["peak_memory_bytes"] > 2**20
    assert (out / "part-00001.parquet").stat().st_mtime_ns == kept
    assert parts(out) == parts(whole)
    assert embed(path, out, "--plot", str(tmp_path / "map.png")) == 0
    assert "0 points in 0 of 5 parts" in capsys.readouterr().out
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert cli.main(["plot", str(out), "-o", str(tmp_path / "again.png")]) == 0
    assert (tmp_path / "again.png").exists()


def test_an_interrupt_leaves_what_is_finished(given, tmp_path, capsys, monkeypatch):
    path, whole = given
    out, place = tmp_path / "out.parquet", folder.place

    def stopped(task, advance):
        if task.number == 2:
            raise KeyboardInterrupt
        return place(task, advance)

    monkeypatch.setattr(folder, "place", stopped)
    assert embed(path, out) == 130
    assert "2 of 5 parts are finished and stay in" in capsys.readouterr().err
    assert set(parts(out)) == {"part-00000.parquet", "part-00001.parquet"}
    monkeypatch.setattr(folder, "place", place)
    assert embed(path, out) == 0
    assert parts(out) == parts(whole)


def test_a_bad_part_is_named_and_what_was_finished_stays(given, table, tmp_path, capsys):
    out = tmp_path / "out.parquet"
    files_of = tmp_path / "in"
    files_of.mkdir()
    table[:450].to_parquet(files_of / "a.parquet", row_group_size=150)
    table[450:].to_parquet(files_of / "b.parquet", row_group_size=150)
    assert cli.main(["embed", str(files_of), "-o", str(out), "--labels", "kind", *OPTIONS]) == 0
    for i in (0, 4):
        (out / folder.name_of(i)).unlink()
    bad = table[450:].copy()
    bad.loc[700, "c"] = np.inf
    bad.to_parquet(files_of / "b.parquet", row_group_size=150)
    content = storage.load(out / "_settings.npz", folder._FORMAT)
    content["settings"]["input"] = partwise.fingerprints(files_of)  # as if from the beginning
    storage.save(out / "_settings.npz", folder._FORMAT, content)
    assert cli.main(["embed", str(files_of), "-o", str(out), "--labels", "kind", *OPTIONS]) == 2
    said = capsys.readouterr().err
    assert "part 4 (" in said
    assert "b.parquet, rows 150 to 299): its rows must be finite" in said
    assert "5 of 6 parts are finished and stay" in said
    assert folder.missing(out, partwise.cut(files_of, 200)) == [4]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--landmarks", "100"], "was begun with --landmarks 120, and now it is 100"),
        (["--perplexity", "7"], "was begun with perplexity 6.0, and now it is 7.0"),
        (["--landmarks-by", "coreset"], 'was begun with --landmarks-by "uniform", and now it is'),
        (["--keep", "note"], 'was begun with --keep ["id"], and now it is ["note"]'),
    ],
)
def test_other_parameters_do_not_go_on(more, says, given, capsys):
    assert embed(*given, *more) == 2
    assert says in capsys.readouterr().err


def test_a_parameter_that_the_folder_lacks_has_its_default(given, tmp_path, capsys):
    out = shutil.copytree(given[1], tmp_path / "out.parquet")
    content = storage.load(out / "_settings.npz", folder._FORMAT)
    for name in ("dof", "schedule"):
        del content["settings"]["parameters"][name]
    storage.save(out / "_settings.npz", folder._FORMAT, content)
    assert embed(given[0], out) == 0
    assert embed(given[0], out, "--schedule", "opentsne") == 2
    assert 'was begun with schedule "fast", and now it is "opentsne"' in capsys.readouterr().err
    content["settings"]["parameters"]["eta"] = 200.0
    storage.save(out / "_settings.npz", folder._FORMAT, content)
    assert embed(given[0], out) == 2
    assert "_settings.npz holds the parameter 'eta', which bhtsne" in capsys.readouterr().err


def test_settings_of_a_later_version_or_damaged_ones_are_refused(given, tmp_path, capsys):
    out = shutil.copytree(given[1], tmp_path / "out.parquet")
    content = storage.load(out / "_settings.npz", folder._FORMAT)
    storage.save(out / "_settings.npz", folder._FORMAT._replace(version=9), content)
    assert embed(given[0], out) == 2
    assert "_settings.npz is version 9 of the format" in capsys.readouterr().err
    storage.save(out / "_settings.npz", folder._FORMAT, {"settings": {}})
    assert embed(given[0], out) == 2
    assert "_settings.npz must hold the settings of a map" in capsys.readouterr().err
    (out / "_settings.npz").write_bytes((given[1] / "_settings.npz").read_bytes()[:-9])
    assert embed(given[0], out) == 2
    assert "_settings.npz must hold the settings of a map" in capsys.readouterr().err


def test_another_input_does_not_go_on(given, table, tmp_path, capsys):
    table[::-1].to_parquet(tmp_path / "big.parquet", row_group_size=100)
    assert embed(tmp_path / "big.parquet", given[1]) == 2
    assert "was begun with input" in capsys.readouterr().err


def test_arrays_are_reduced_by_the_components_of_the_landmarks(tmp_path, capsys):
    X = np.random.default_rng(0).normal(size=(500, 60)).astype(np.float32) * np.linspace(3, 0.1, 60)
    y = np.arange(500) % 4
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    out = tmp_path / "out.parquet"
    more = ["--labels", str(tmp_path / "y.npy"), "--landmarks-by", "stratified", "--pca", "8"]
    assert embed(tmp_path / "X.npy", out, *more) == 0
    assert "features, embedded in" in capsys.readouterr().out
    whole = pd.read_parquet(out)
    np.testing.assert_array_equal(whole.label, y)
    model = TSNE.load(out / "_landmarks.npz")
    mean, axes = storage.load(out / "_settings.npz", folder._FORMAT)["components"]
    assert axes.shape == (60, 8)
    reduced = ((X - mean) @ axes).astype(np.float32)
    near = model.transform(reduced)
    np.testing.assert_allclose(near, whole[["tsne1", "tsne2"]].to_numpy(), atol=1e-2)


def test_workers_write_the_same_bits(given, tmp_path, capsys):
    path, whole = given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with (
            LocalCluster(
                n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
            ) as here,
            Client(here),
        ):
            address = here.scheduler_address
            assert embed(path, tmp_path / "out.parquet", "--dask", address, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["workers_peak_memory_bytes"] > 2**20
    assert parts(tmp_path / "out.parquet") == parts(whole)


def by_local_workers(path, out):
    """Return the summary of a command of its own, with workers of its own."""
    command = [sys.executable, "-m", "bhtsne", "embed", path, "-o", out, *OPTIONS, "--json"]
    done = subprocess.run(
        [*command, "--dask", "local", "--threads", "2"], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


@pytest.mark.full
def test_local_workers_write_the_same_bits_and_hold_a_part_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "_BLOCK", 1 << 15)  # as theirs: 1,000 columns are read slowly
    rng, peaks = np.random.default_rng(0), {}
    for n in (3, 10):
        many = tmp_path / str(n)
        many.mkdir()
        for i in range(n):  # 16 MB each
            table = pa.table({f"x{a}": rng.random(4000, np.float32) for a in range(1000)})
            pq.write_table(table, many / f"{i:02}.parquet")
        summary = by_local_workers(many, tmp_path / f"map-of-{n}.parquet")
        assert (summary["parts"], summary["points_placed"]) == (n, n * 4000)
        peaks[n] = summary["workers_peak_memory_bytes"]
    assert peaks[10] - peaks[3] < 5 * 16e6
    assert embed(tmp_path / "3", tmp_path / "here.parquet") == 0
    assert parts(tmp_path / "here.parquet") == parts(tmp_path / "map-of-3.parquet")


def test_a_folder_is_held_by_one_command_and_cleared_of_torn_parts(given, tmp_path, capsys):
    path, whole = given
    out = shutil.copytree(whole, tmp_path / "out.parquet")
    (out / "part-00003.parquet").unlink()
    (out / ".part-00003.parquet.0123abcd.tmp").write_bytes(b"torn")
    with files.locked(whole, "the map"):
        assert embed(path, whole) == 1
    assert "is in use by another run" in capsys.readouterr().err
    assert embed(path, out) == 0
    assert parts(out) == parts(whole)
    assert not list(out.glob(".*"))


def test_features_that_decide_alone_are_said(tmp_path, capsys):
    X = np.random.default_rng(0).normal(size=(300, 4)) * [1, 1, 100, 1]
    np.save(tmp_path / "x.npy", X)
    pd.DataFrame(X, columns=list("abcd")).to_parquet(tmp_path / "x.parquet")
    for name, feature in (("x.npy", "feature 3"), ("x.parquet", "c")):
        command = ["embed", str(tmp_path / name), "-o", str(tmp_path / f"{name}-map.parquet")]
        assert cli.main([*command, *OPTIONS]) == 0
        said = capsys.readouterr().err
        assert f"{feature} holds 100% of the variance of the 4 features, so that" in said
        assert "standardize the columns of IN, or --drop one" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["digits", "--landmarks-by", "coreset"], "--landmarks-by goes with --landmarks; add"),
        (["digits", "--dask", "local"], "--dask goes with --landmarks; add"),
        (["digits", "--landmarks", "9"], "IN must be a .npy file, a .parquet file or a folder"),
        (["IN", "--landmarks", "0"], "--landmarks: must be a whole number of at least 1"),
        (["IN", "--landmarks", "9", "-o", "map.csv"], "OUT must end in .parquet with"),
        (["IN", "--landmarks", "9", "-o", "IN"], "OUT must differ from IN"),
        (["IN", "--landmarks", "9", "--html", "a.html"], "--html does not go with --landmarks"),
        (["IN", "--landmarks", "9", "--landmarks-by", "luck"], "got 'luck'"),
        (["IN", "--landmarks", "9", "--landmarks-by", "stratified"], "add --labels"),
        (["IN", "--landmarks", "9", "--labels", "kin"], "did you mean 'kind'?"),
        (
            ["IN", "--landmarks", "9", "--keep", "idx"],
            "--keep must name one of the columns",
        ),
        (["IN", "--landmarks", "9", "-o", "other.parquet"], "must be a folder for parts"),
        (["IN", "--landmarks", "9", "-o", "held.parquet"], "must be a map begun by landmarks"),
    ],
)
def test_a_fault_is_one_sentence_before_any_work(arguments, says, given, tmp_path, monkeypatch,
                                                 capsys):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.parquet").write_text("a file")
    (tmp_path / "held.parquet").mkdir()
    (tmp_path / "held.parquet" / "mine.txt").write_text("mine")
    arguments = [str(given[0]) if word == "IN" else word for word in arguments]
    assert cli.main(["embed", *arguments, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_nobody_at_an_address_is_said(given, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("bhtsne.dask.clusters._TIMEOUT", "1s")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert embed(given[0], tmp_path / "out.parquet", "--dask", "tcp://127.0.0.1:9") == 1
    assert "no scheduler of dask answers at 'tcp://127.0.0.1:9'" in capsys.readouterr().err


def test_columns_are_chosen_as_from_a_table_that_is_read_at_once(table, tmp_path, capsys):
    """Ids, dropped columns, labels of a file, and a column that is itself called label."""
    frame = table.assign(label=[f"old{i}" for i in range(900)])
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=300)
    (tmp_path / "l.txt").write_text("\n".join(map(str, table.kind)))
    out = tmp_path / "map.parquet"
    options = ["--labels", str(tmp_path / "l.txt"), "--drop", "note,e", "--json"]
    assert cli.main(["embed", str(tmp_path / "t.parquet"), "-o", str(out), *options, *OPTIONS]) == 0
    told = json.loads(capsys.readouterr().out)["table"]
    assert told["features"] == ["a", "b", "c", "d", "kind"]
    assert told["set_aside"] == {"id": "an id by its name", "label": "text"}
    whole = pd.read_parquet(out)
    assert list(whole.columns) == ["tsne1", "tsne2", "label", "id", "label_"]
    assert whole.label.astype(int).tolist() == table.kind.tolist()
    assert whole.label_.tolist() == frame.label.tolist()


def test_a_folder_of_arrays_is_one_table(table, tmp_path, capsys):
    points = table[list("abcde")].to_numpy()
    (tmp_path / "parts").mkdir()
    np.save(tmp_path / "whole.npy", points)
    for i in range(3):
        np.save(tmp_path / "parts" / f"{i}.npy", points[300 * i : 300 * i + 300])
    for name in ("whole.npy", "parts"):
        assert embed(tmp_path / name, tmp_path / f"{name}.parquet") == 0, capsys.readouterr().err
    maps = [pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("whole.npy", "parts")]
    pd.testing.assert_frame_equal(*maps)
    table.to_parquet(tmp_path / "parts" / "x.parquet")
    assert embed(tmp_path / "parts", tmp_path / "both.parquet") == 2
    assert "a folder of .npy files or of .parquet files, got both" in capsys.readouterr().err


def test_parts_are_whole_row_groups(table, tmp_path):
    table.to_parquet(tmp_path / "t.parquet", row_group_size=130)
    cut = partwise.cut(tmp_path / "t.parquet", 300)
    assert [(part.start, part.rows, part.groups) for part in cut] == [
        (0, 260, (0, 1)), (260, 260, (2, 3)), (520, 260, (4, 5)), (780, 120, (6,))
    ]  # fmt: skip
    assert pq.ParquetFile(tmp_path / "t.parquet").metadata.num_row_groups == 7
    these = partwise.columns(tmp_path / "t.parquet", Wanted("kind", keep=("id",)))
    assert these == partwise.Columns(tuple("abcde"), "kind", ("id", "note"), {"note": "text"})
    rows = [X for part in cut for X, _ in partwise.read(part, these, 64)]
    np.testing.assert_array_equal(np.concatenate(rows), table[list("abcde")].to_numpy())
    assert max(map(len, rows)) <= 64
    files.write(tmp_path / "one.parquet", np.zeros((3, 2)))
    assert [part.rows for part in partwise.cut(tmp_path / "one.parquet", 1)] == [3]
