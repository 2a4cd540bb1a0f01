"""Tables as people export them: what is a feature, what is not, and what is said of it.

Each form is that of a real export: 90 points in three groups, with columns x0 … x5 and kind.
"""

import csv
import datetime
import decimal
import io
import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse
import sklearn.datasets
from pyarrow.feather import write_feather
from sklearn.preprocessing import StandardScaler

from bhtsne import TSNE, cli, metrics, tables
from bhtsne.tables import dialect, report, scales, text

N = 90
KINDS = np.repeat(["ash", "birch", "cedar"], N // 3)
_middles = np.random.default_rng(0).normal(scale=6, size=(3, 6))
X = (_middles[np.arange(N) // (N // 3)] + np.random.default_rng(1).normal(size=(N, 6))).round(3)
NAMES = [f"x{j}" for j in range(6)]
FAST = ["--perplexity", "10", "--n-iter", "150", "--json"]


def written(rows, mark=","):
    out = io.StringIO()
    csv.writer(out, delimiter=mark, lineterminator="\n").writerows(rows)
    return out.getvalue()


def rows(more=None, *, cells=None, header=NAMES, kind=True):
    """Return a table: columns of numbers, as `cells` writes them, more columns, and kind."""
    body = [[f"{value:g}" for value in row] for row in X.tolist()] if cells is None else cells
    more = more or {}
    head = [*header, *more, *(["kind"] if kind else [])]
    return [head, *([*row, *(values[i] for values in more.values()), *([KINDS[i]] if kind else [])]
                    for i, row in enumerate(body))]  # fmt: skip


def with_cells(j, cells):
    """Return the table with other cells in column j."""
    body = rows(kind=False)[1:]
    for i, cell in enumerate(cells):
        body[i][j] = cell
    return rows(cells=body)


def replaced(row, j, cell):
    table = rows()
    table[row][j] = cell
    return table


def of_thousands():
    return [f"{1000 * value:,.2f}" for value in X[:, 0]]


def embed(folder, name, *options, labels="kind"):
    """Run the command on a file; return what it says of the table, and how well groups part."""
    out = folder / "map.csv"
    given = ["--labels", labels] if labels else []
    command = ["embed", str(folder / name), "-o", str(out), *given, *FAST, *options]
    return cli.main(command), out


def column(out, name):
    return [row[name] for row in csv.DictReader(io.StringIO(out.read_text()))]


def hit(out):
    Y = np.array([column(out, "tsne1"), column(out, "tsne2")], float).T
    return metrics.neighbor_hit(Y, np.arange(N) // (N // 3), k=6)


# Forms of a table that make the same map: what writes the file, and the names of its features.
FORMS = {
    "plain": (lambda: written(rows()), NAMES),
    "header of numbers": (lambda: written(rows(header=list("012345"))), list("012345")),
    "header of years": (
        lambda: written(rows(header=[str(2015 + j) for j in range(6)])),
        [str(2015 + j) for j in range(6)],
    ),
    "semicolons": (lambda: written(rows(), ";"), NAMES),
    "tabs": (lambda: written(rows(), "\t"), NAMES),
    "bars": (lambda: written(rows(), "|"), NAMES),
    "decimal commas": (lambda: written(rows(), ";").replace(".", ","), NAMES),
    "decimal commas and tabs": (lambda: written(rows(), "\t").replace(".", ","), NAMES),
    "decimal commas between quotes": (
        lambda: written([[cell.replace(".", ",") for cell in row] for row in rows()]), NAMES
    ),
    "an index of pandas": (
        lambda: written([["", *rows()[0]], *([i, *row] for i, row in enumerate(rows()[1:]))]), NAMES
    ),
    "names of rows of R": (
        lambda: written([rows()[0], *([f"row{i}", *r] for i, r in enumerate(rows()[1:]))], "\t"),
        NAMES,
    ),
    "thousands": (lambda: written(with_cells(0, of_thousands())), NAMES),
    "thousands by spaces": (
        lambda: written(with_cells(0, [c.replace(",", " ") for c in of_thousands()])), NAMES
    ),
    "money": (lambda: written(with_cells(1, [f"${value:g}" for value in X[:, 1]])), NAMES),
    "percentages": (lambda: written(with_cells(1, [f"{value:g}%" for value in X[:, 1]])), NAMES),
    "true and false": (
        lambda: written(rows({"flag": [str(i % 2 == 0) for i in range(N)]})), [*NAMES, "flag"]
    ),
    "lines of Windows": (lambda: written(rows()).replace("\n", "\r\n"), NAMES),
    "blank lines": (lambda: written(rows()).replace("\n", "\n\n"), NAMES),
    "cells between quotes": (lambda: written(rows()).replace("x0", '"x0"'), NAMES),
    "spaces around cells": (lambda: written(rows()).replace(",", " , "), NAMES),
}  # fmt: skip


@pytest.mark.full(after=2)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_table_makes_its_map(form, tmp_path, capsys):
    make, names = FORMS[form]
    (tmp_path / "t.csv").write_text(make(), newline="")
    status, out = embed(tmp_path, "t.csv")
    said = capsys.readouterr()
    assert (status, json.loads(said.out)["points"]) == (0, N), said.err
    assert hit(out) == 1.0
    told = json.loads(said.out)["table"]
    assert (told["features"], told["label"], told["header"]) == (names, "kind", True)


def test_a_table_without_header_loses_no_point_and_says_so(tmp_path, capsys):
    (tmp_path / "t.csv").write_text(written(rows()[1:]))
    status, out = embed(tmp_path, "t.csv", labels="column_7")
    said = capsys.readouterr()
    assert status == 0
    assert "90 points of 6 features (column_1, " in said.err
    assert "the first line is a point" in said.err
    assert len(out.read_text().splitlines()) == N + 1
    assert hit(out) == 1.0
    told = json.loads(said.out)["table"]
    assert (told["header"], told["rows"]) == (False, N)


@pytest.mark.parametrize("option", ["--header", "--no-header"])
def test_header_is_what_the_option_says(option, tmp_path):
    (tmp_path / "t.csv").write_text("0,1,2\n1.5,2.5,3\n4,5.5,6\n7,8,9.5\n")
    read = tables.read(tmp_path / "t.csv", header=option == "--header")
    assert (len(read.X), read.columns) == (
        (3, ("0", "1", "2")) if option == "--header" else (4, None)
    )


@pytest.mark.parametrize("form", ["csv", "tsv", "parquet", "feather", "jsonl", "xlsx"])
def test_columns_mean_the_same_in_every_format(form, tmp_path):

    path = tmp_path / f"t.{form}"
    columns = {
        "whole": pa.array([3, 1, 4]), "real": pa.array([0.5, 1.5, 2.5]),
        "flag": pa.array([True, False, True]), "word": pa.array(["u", "v", "w"]),
    }  # fmt: skip
    table = pa.table(columns)
    if form == "parquet":
        pq.write_table(table, path)
    elif form == "feather":
        write_feather(table, path)
    elif form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    elif form == "xlsx":
        import openpyxl

        book = openpyxl.Workbook()
        for row in [table.column_names, *(list(row.values()) for row in table.to_pylist())]:
            book.active.append(row)
        book.save(path)
    else:
        lines = [table.column_names, *(list(row.values()) for row in table.to_pylist())]
        path.write_text(written(lines, "\t" if form == "tsv" else ","))
    read = tables.read(path)
    assert read.columns == ("whole", "real", "flag")
    np.testing.assert_array_equal(read.X, [[3, 0.5, 1], [1, 1.5, 0], [4, 2.5, 1]])
    assert read.extra["word"].tolist() == ["u", "v", "w"]
    assert read.report.set_aside == {"word": "text"}
    assert tables.read(path, keep=["whole"]).extra["whole"].astype(str).tolist() == ["3", "1", "4"]


def test_types_of_parquet(tmp_path):
    day = datetime.date(2024, 1, 31)
    pq.write_table(
        pa.table({
            "half": pa.array(np.array([1, 2], np.float16)),
            "money": pa.array([decimal.Decimal("1.25"), decimal.Decimal("-3.5")]),
            "nullable": pa.array([7, 8], pa.uint8()),
            "day": pa.array([day, day]),
            "moment": pa.array([datetime.datetime(2024, 1, 31, 12)] * 2),
            "category": pa.array(["u", "v"]).dictionary_encode(),
            "record": pa.array([{"a": 1}, {"a": 2}]),
            "nothing": pa.nulls(2),
            "raw": pa.array([b"u", b"v"]),
        }),
        tmp_path / "t.parquet",
    )  # fmt: skip
    read = tables.read(tmp_path / "t.parquet")
    assert read.columns == ("half", "money", "nullable")
    np.testing.assert_array_equal(read.X, [[1, 1.25, 7], [2, -3.5, 8]])
    assert read.report.set_aside == {
        "day": "dates", "moment": "dates", "category": "categories",
        "record": "records", "nothing": "nothing", "raw": "bytes",
    }  # fmt: skip
    assert read.extra["day"].dtype.kind == "M"
    assert read.extra["category"].tolist() == ["u", "v"]
    assert tables.read(tmp_path / "t.parquet", labels="day").labels.dtype.kind == "M"


@pytest.mark.full(after=1)
@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float32(), 6)]
)
def test_vectors_in_one_column_are_the_points(kind, tmp_path, capsys):
    pq.write_table(
        pa.table({
            "id": [f"d{i}" for i in range(N)], "embedding": pa.array(X.tolist(), kind),
            "weight": X[:, 0], "kind": KINDS,
        }),
        tmp_path / "t.parquet",
    )  # fmt: skip
    status, out = embed(tmp_path, "t.parquet")
    said = capsys.readouterr()
    assert status == 0
    assert hit(out) == 1.0
    told = json.loads(said.out)["table"]
    assert (told["features"], told["vectors"], told["id"]) == (["embedding"], 6, "id")
    assert told["set_aside"]["weight"] == "beside the vectors"
    assert out.read_text().splitlines()[0] == "tsne1,tsne2,label,id,weight"


@pytest.mark.parametrize("row", [1, 41, N])
@pytest.mark.parametrize("cell", ["", "NA", "nan", "?", " "])
def test_a_missing_cell_is_the_same_wherever_it_stands(row, cell, tmp_path, capsys):
    (tmp_path / "t.csv").write_text(written(replaced(row, 3, cell)))
    assert embed(tmp_path, "t.csv")[0] == 2
    said = json.loads(capsys.readouterr().out)["error"]
    assert f"column 'x3' has no value in row {row} (1 of 90 points)" in said
    assert "--missing drop, mean or median" in said


@pytest.mark.full(after=2)
@pytest.mark.parametrize("how", ["drop", "mean", "median"])
def test_the_ways_out_of_missing_cells_work(how, tmp_path, capsys):
    (tmp_path / "t.csv").write_text(written(replaced(41, 3, "")))
    status, out = embed(tmp_path, "t.csv", "--missing", how)
    told = json.loads(capsys.readouterr().out)
    assert (status, told["points"]) == (0, N - (how == "drop"))
    assert told["table"]["missing"] == {"how": how, "cells": 1, "columns": ["x3"], "rows": 1}
    kinds = column(out, "label")
    assert kinds == [k for i, k in enumerate(KINDS) if how != "drop" or i != 40]
    filled = tables.read(tmp_path / "t.csv", labels="kind", missing=how).X
    others = np.delete(X[:, 3], 40)
    if how != "drop":
        assert filled[40, 3] == pytest.approx(getattr(np, how)(others))


def test_missing_values_of_arrays_are_treated_alike(tmp_path):
    holed = X.copy()
    holed[4, 2] = np.nan
    np.save(tmp_path / "t.npy", holed)
    (tmp_path / "l.txt").write_text("\n".join(KINDS))
    read = tables.read(tmp_path / "t.npy", missing="drop", labels=tmp_path / "l.txt")
    np.testing.assert_array_equal(read.X, np.delete(X, 4, axis=0))
    assert read.labels.tolist() == np.delete(KINDS, 4).tolist()
    assert np.isnan(tables.read(tmp_path / "t.npy").X[4, 2])


IDS = {
    "with zeros": [f"{i:05d}" for i in range(N)],
    "like exponents": [f"{i}E5" for i in range(N)],
    "like decimals": [f"{i}.10" for i in range(N)],
    "very long": [f"{10**17 + i}" for i in range(N)],
    "with spaces": [f"a  {i}" for i in range(N)],
    "like dates": [f"2024-01-{i:02d}" for i in range(N)],
    "like bools": ["True" if i % 2 else "false" for i in range(N)],
    "mixed": [str(i) if i % 2 else f"A{i}" for i in range(N)],
    "missing": ["" if i == 3 else str(i) for i in range(N)],
}


@pytest.mark.full(after=2)
@pytest.mark.parametrize("option", ["--keep", "--id"])
@pytest.mark.parametrize("ids", IDS)
def test_ids_come_out_as_the_text_that_went_in(ids, option, tmp_path, capsys):
    (tmp_path / "t.csv").write_text(written(rows({"code": IDS[ids]})))
    status, out = embed(tmp_path, "t.csv", option, "code")
    assert status == 0, capsys.readouterr().err
    assert column(out, "code") == IDS[ids]
    assert hit(out) == 1.0


@pytest.mark.full(after=2)
@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("id", [f"{i:05d}" for i in range(N)], "an id by its name"),
        ("customer_id", [7 * i % 91 for i in range(N)], "an id by its name"),
        ("", list(range(N)), "an index without a name"),
        ("Unnamed: 0", list(range(N)), "an id by its name"),
        ("number", list(range(1000, 1000 + N)), "a running number"),
    ],
)
def test_an_id_is_no_feature_and_is_said(name, values, why, tmp_path, capsys):
    (tmp_path / "t.csv").write_text(written(rows({name: values})))
    status, out = embed(tmp_path, "t.csv", "--quiet")
    said = capsys.readouterr()
    assert status == 0
    assert why in said.err  # also with --quiet, since nobody asked for it
    told = json.loads(said.out)["table"]
    assert told["features"] == NAMES
    assert list(told["set_aside"].values()) == [why]
    assert column(out, name or "id") == list(map(str, values))
    assert hit(out) == 1.0
    if name:
        read = tables.read(tmp_path / "t.csv", features=[*NAMES, name], labels="kind")
        assert read.columns == (*NAMES, name)


def test_a_column_that_rises_stays_a_feature_and_is_said(tmp_path, capsys):
    values = (np.arange(N) ** 1.1 * 3).astype(int).tolist()
    (tmp_path / "t.csv").write_text(written(rows({"year": values})))
    assert embed(tmp_path, "t.csv", "--quiet")[0] == 0
    said = capsys.readouterr()
    assert "year is a feature, but rises from row to row, as an id does" in said.err
    assert json.loads(said.out)["table"]["features"] == [*NAMES, "year"]


def test_a_feature_with_a_name_of_labels_is_said(tmp_path):
    (tmp_path / "t.csv").write_text(written(rows({"Class": [1, 2, 3] * (N // 3)})))
    assert tables.read(tmp_path / "t.csv").report.notes == [
        "Class is a feature, but has a name of labels (--labels Class)"
    ]
    assert tables.read(tmp_path / "t.csv", labels="Class").report.notes == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wine", "proline holds 100% of the variance of the 13 features, so that it alone decides"),
        ("breast_cancer", "worst area, mean area hold 99% of the variance of the 30 features"),
        ("iris", None),
        ("digits", None),
    ],
)
def test_features_that_decide_alone_are_found(name, expected):
    data = getattr(sklearn.datasets, f"load_{name}")()
    found = scales.dominance(data.data, data.feature_names)
    assert found is None if expected is None else found.startswith(expected)
    assert scales.dominance(StandardScaler().fit_transform(data.data)) is None
    assert scales.dominance(scipy.sparse.csr_array(data.data)) is None


def test_a_map_of_standardized_features_is_that_of_a_standardized_table(tmp_path, capsys):
    data = sklearn.datasets.load_wine()
    np.save(tmp_path / "given.npy", data.data)
    np.save(tmp_path / "scaled.npy", StandardScaler().fit_transform(data.data))
    np.save(tmp_path / "distances.npy", np.ones((9, 9)) - np.eye(9))
    scipy.sparse.save_npz(tmp_path / "sparse.npz", scipy.sparse.csr_array(data.data))
    maps = {}
    for name, options in (("given", ["--standardize"]), ("scaled", [])):
        status, out = embed(tmp_path, f"{name}.npy", *options, labels=None)
        assert status == 0
        maps[name] = out.read_text()
        assert "decides" not in capsys.readouterr().err
    assert maps["given"] == maps["scaled"]
    assert embed(tmp_path, "given.npy", "--quiet", labels=None)[0] == 0
    said = capsys.readouterr()
    assert "bhtsne: 178 points of 13 features\n" in said.err
    assert "feature 13 holds 100% of the variance" in said.err
    assert "--standardize gives all features the same variance" in said.err
    for name, options, message in (
        ("given.npy", ["--save", str(tmp_path / "m.npz")], "--save stores no scales"),
        ("distances.npy", ["--metric", "precomputed"], "dense points, got distances"),
        ("sparse.npz", [], "dense points, got a sparse array"),
        ("given.npy", ["--landmarks", "50"], "--standardize does not go with --landmarks"),
    ):
        assert embed(tmp_path, name, "--standardize", *options, labels=None)[0] == 2
        assert message in capsys.readouterr().err


def test_a_missing_value_of_an_array_is_refused_with_its_place(tmp_path, capsys):
    X = np.random.default_rng(0).normal(size=(40, 3))
    X[4, 1] = np.nan
    np.save(tmp_path / "x.npy", X)
    assert embed(tmp_path, "x.npy", labels=None)[0] == 2
    said = "column 2 has no value in row 5 (1 of 40 points); fill it in, or use --missing drop"
    assert said in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"got NaN or infinity, the first at \(4, 1\)"):
        TSNE().fit(X)
    assert embed(tmp_path, "x.npy", "--missing", "mean", labels=None)[0] == 0
    assert "40 points of 3 features\nbhtsne: 1 missing value replaced" in capsys.readouterr().err


def test_labels_of_other_points_are_refused_by_their_number(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((5, 2)))
    (tmp_path / "y.csv").write_text("id,kind\n" + "".join(f"{i},a\n" for i in range(7)))
    (tmp_path / "one.csv").write_text("kind\n" + "a\n" * 7)
    for name in ("y.csv:kind", "one.csv", "one.csv:kind"):
        with pytest.raises(ValueError, match=r"5 points, got <U1 of shape \(7,\)"):
            tables.read(tmp_path / "x.npy", labels=f"{tmp_path}/{name}")


def test_a_missing_package_is_no_damage(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    (tmp_path / "x.xlsx").write_bytes(b"PK")
    assert embed(tmp_path, "x.xlsx", labels=None)[0] == 1
    said = capsys.readouterr().err
    assert said == (
        f"bhtsne: {tmp_path / 'x.xlsx'} needs the package python-calamine; install it, or save the "
        "workbook as .csv.\n"
    )


def test_the_only_column_is_not_set_aside(tmp_path):
    (tmp_path / "t.csv").write_text(written([["n"], *([i] for i in range(20))]))
    read = tables.read(tmp_path / "t.csv")
    assert read.X.ravel().tolist() == list(range(20))
    assert "n may number the rows" in read.report.notes[0]


def test_columns_are_chosen_by_name(tmp_path, capsys):
    (tmp_path / "t.csv").write_text(written(rows({"id": list(range(N)), "note": list(KINDS)})))
    path = tmp_path / "t.csv"
    read = tables.read(path, features=["x2", "x0"], labels="kind")
    np.testing.assert_array_equal(read.X, X[:, [2, 0]])
    assert read.report.set_aside["x1"] == "not named"
    read = tables.read(path, drop=["x5", "note"], keep=["x4"], labels="kind")
    assert read.columns == tuple(NAMES[:4])
    assert list(read.extra) == ["x4", "id"]
    for options, said in (
        (
            {"features": ["x00"]},
            "--features must name one of .*; did you mean 'x0'",
        ),
        ({"features": ["kind"]}, "--features must name columns of numbers, got 'kind', .* text"),
        ({"features": ["x0"], "drop": ["x0"]}, "'x0' cannot be a feature and something else"),
        ({"id": "ide"}, "--id must name one of the columns .*; did you mean 'id'"),
        ({"drop": [*NAMES, "id"]}, "no column of numbers to make points of"),
    ):
        with pytest.raises(ValueError, match=said):
            tables.read(path, **options)


def test_labels_may_be_missing_and_are_counted(tmp_path, capsys):
    (tmp_path / "t.csv").write_text(written(replaced(5, 6, "")))
    status, out = embed(tmp_path, "t.csv", "--plot", str(tmp_path / "t.png"))
    said = capsys.readouterr()
    assert status == 0
    assert "labels: kind, 1 without one" in said.err
    assert json.loads(said.out)["table"]["unlabelled"] == 1
    assert column(out, "label")[4] == ""
    assert (tmp_path / "t.png").exists()


@pytest.mark.parametrize(("cells", "expected"), [
    (["3", "1", ""], ["3", "1", ""]), (["0.5", "1.5", ""], [0.5, 1.5, np.nan]),
    (["3", "1", "2"], [3, 1, 2]), (["007", "1", "2"], ["007", "1", "2"]),
    (["2024-01-31", "", "2024-02-01"], np.array(["2024-01-31", "NaT", "2024-02-01"], "M8[s]")),
])  # fmt: skip
def test_labels_are_what_they_look_like(cells, expected, tmp_path):
    lines = [["a", "b"], *([i * i % 7, cell] for i, cell in enumerate(cells))]
    (tmp_path / "t.csv").write_text(written(lines))
    np.testing.assert_array_equal(tables.read(tmp_path / "t.csv", labels="b").labels, expected)


def test_labels_of_a_file_may_name_a_column_of_it(tmp_path, capsys):
    np.savetxt(tmp_path / "vectors.tsv", X, delimiter="\t", fmt="%.3f")
    words = [f"w{i}" for i in range(N)]
    (tmp_path / "meta.tsv").write_text(
        written([["word", "kind"], *zip(words, KINDS, strict=True)], "\t")
    )
    pq.write_table(pa.table({"word": words, "kind": KINDS}), tmp_path / "meta.parquet")
    for meta in ("meta.tsv", "meta.parquet"):
        status, out = embed(tmp_path, "vectors.tsv", labels=f"{tmp_path / meta}:kind")
        assert status == 0, capsys.readouterr().err
        assert column(out, "label") == KINDS.tolist()
        capsys.readouterr()
        assert embed(tmp_path, "vectors.tsv", labels=str(tmp_path / meta))[0] == 2
        assert (
            f"its columns word, kind; name it as {tmp_path / meta}:kind" in capsys.readouterr().err
        )
    assert embed(tmp_path, "vectors.tsv", labels=f"{tmp_path / 'meta.tsv'}:kin")[0] == 2
    assert "did you mean 'kind'" in capsys.readouterr().err


@pytest.mark.parametrize(("sample", "header"), [
    ("a,b\n1,2\n3,4\n", True), ("1,2\n3,4\n", False), ("1,2,u\n3,4,v\n", False),
    ("a,b,c\n1,2,u\n3,4,v\n", True), ("name,kind\nu,v\nw,v\n", True), ("u,v\nu,w\n", False),
    ("gene,2019,2020\nu,1.5,2\nv,3,4.5\n", True), ("0,1,2\n0,1,2\n1,1,0\n", False),
    (",a,b\n0,1.5,2\n1,3,4\n", True), ("1.5,NA\n2,3\n", False), ("5,6\n0.5,1.5\n", True),
    ("1,2\n", False), ("a,b\n", True),
])  # fmt: skip
def test_what_is_a_header(sample, header):
    assert dialect.has_header(list(csv.reader(io.StringIO(sample)))) is header


@pytest.mark.parametrize(("cells", "mark", "values"), [
    (["1", "-2.5", "+3e2", " 4 "], ".", [1, -2.5, 300, 4]), (["1,5", "2"], ",", [1.5, 2]),
    (["1.234,5", "7"], ",", [1234.5, 7]), (["4.2%", "7 %"], ".", [0.042, 0.07]),
    (["€5", "-$3", "1,000"], ".", [5, -3, 1000]), (["inf", "-Infinity"], ".", [np.inf, -np.inf]),
    (["true", "FALSE", ""], ".", [1, 0, np.nan]), (["1,5", "2"], ".", None),
    (["1_0", "2"], ".", None),
    (["0x1F", "2"], ".", None), (["1e400", "2"], ".", [np.inf, 2]),
])  # fmt: skip
def test_cells_are_numbers_as_people_write_them(cells, mark, values):
    found = text.parse(pa.chunked_array([cells]), mark).values
    if values is None:
        assert found is None
    else:
        np.testing.assert_allclose(found, values)


def test_a_number_far_down_is_parsed_as_one_far_up(tmp_path):
    """What the sample does not show: a word, a comma, an id with zeros, each in the last row."""
    many = 3000
    body = [[i % 7 + 0.5, i % 5, f"{i % 3}"] for i in range(many)]
    for cell, said in (("x", "'x' in row 3,001 among numbers"), ("", "no value in row 3,001")):
        (tmp_path / "t.csv").write_text(written([["a", "b", "c"], *body, [1.5, cell, "1"]]))
        with pytest.raises(ValueError, match=f"column 'b' .*{said}"):
            tables.read(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text(written([["a", "b", "c"], *body, ["1,234.5", 2, "1"]]))
    assert tables.read(tmp_path / "t.csv").X[-1].tolist() == [1234.5, 2, 1]


def test_both_lines_stay_short_whatever_the_table_holds():
    names = [f"a_rather_long_name_{i}" for i in range(20_000)]
    told = report.Report(7, names, set_aside=dict.fromkeys(names, "text"), kept=names)
    assert len(told.lines()) == 2
    assert all(len(line) < 1000 for line in told.lines())


def test_an_id_of_a_page_stays_text(tmp_path):
    (tmp_path / "t.csv").write_text(written(rows({"code": IDS["with zeros"]})))
    kept = tables.read(tmp_path / "t.csv", keep=["code"], labels="kind").extra["code"]
    assert tables.readable(kept).tolist() == IDS["with zeros"]
    assert tables.readable(np.array(["1.50", "2"])).tolist() == [1.5, 2.0]


def test_a_saved_model_reorders_the_columns_of_a_file_and_names_what_is_amiss(tmp_path, capsys):
    (tmp_path / "plain.csv").write_text(written(rows()))
    turned = [[row[j] for j in (5, 4, 3, 2, 1, 0, 6)] for row in rows()[:31]]
    (tmp_path / "turned.csv").write_text(written(turned))
    (tmp_path / "same.csv").write_text(written(rows()[:31]))
    (tmp_path / "fewer.csv").write_text(written([row[:5] + row[6:] for row in rows()[:31]]))
    (tmp_path / "more.csv").write_text(
        written([[*row, i * i % 7] for i, row in enumerate(rows()[:31])])
    )
    model = tmp_path / "model.npz"
    assert embed(tmp_path, "plain.csv", "--save", str(model))[0] == 0
    assert TSNE.load(model).feature_names_in_.tolist() == NAMES
    places = {}
    for name in ("same", "turned", "fewer", "more"):
        out = tmp_path / f"{name}-map.csv"
        command = ["transform", str(model), str(tmp_path / f"{name}.csv"), "-o", str(out)]
        capsys.readouterr()
        status = cli.main([*command, "--labels", "kind", "--quiet"])
        said = capsys.readouterr().err
        if name == "fewer":
            assert status == 2
            assert "'x5'" in said
        elif name == "more":
            assert status == 2
            assert "'0'" in said
        else:
            assert status == 0, said
            places[name] = out.read_text()
    assert places["same"] == places["turned"]
