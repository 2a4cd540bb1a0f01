"""Programs of bench/ → their help, the measures of the judge, and the pages that show results."""

import datetime
import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bhtsne import affinities, forces, metrics, neighbors

ROOT = Path(__file__).parent.parent
BENCH = ROOT / "bench"
PROGRAMS = sorted(p.stem for p in BENCH.glob("*.py") if "def main" in p.read_text("utf-8"))


@pytest.fixture
def bench(monkeypatch):
    """Return a function that imports a file of bench/."""
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module


HELP = """
import runpy, sys

for path in sys.argv[1:]:
    sys.argv = [path, "--help"]
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        print("status", end.code)
"""


@pytest.mark.full
def test_each_program_has_a_help_text():
    paths = [str(BENCH / f"{name}.py") for name in PROGRAMS if name != "report"]
    command = [sys.executable, "-c", HELP, *paths]  # in the folder that their imports are in
    run = subprocess.run(command, cwd=BENCH, capture_output=True, text=True, check=True)
    *texts, rest = run.stdout.split("status 0\n")
    assert len(texts) == len(paths)
    assert rest == ""
    for path, text in zip(paths, texts, strict=True):
        assert f"usage: {Path(path).name}" in text
        assert "--" in text


@pytest.mark.parametrize("part", ["readme", "page", "development"])
def test_generated_parts_hold_the_figures_of_the_programs(bench, part):
    report = bench("report")
    text = getattr(report, part.upper()).read_text(encoding="utf-8")
    assert [text.count(mark) for mark in report.MARKS] == [1, 1]
    assert report.split(text)[1] == getattr(report, part)()


def test_each_json_has_its_section_and_its_machine(bench):
    sections = bench("sections").SECTIONS
    names = {name for programs in sections.values() for name in programs}
    assert names == {path.stem for path in BENCH.glob("*.json")}
    page = bench("report").page()
    for name in names:
        for machine in machines(json.loads((BENCH / f"{name}.json").read_text(encoding="utf-8"))):
            assert set(machine) == {"processor", "vector_units", "cores", "date"}
            datetime.date.fromisoformat(machine["date"])
            assert bench("sections.tables").measured_on(machine) in page


def machines(result):
    """Return the machines of a file: of all its rows, of several runs, or of each part."""
    if "machines" in result:
        assert {row["machine"] for row in result["rows"]} == set(range(len(result["machines"])))
        return result["machines"]
    parts = [result] if "machine" in result else result.values()
    return [part["machine"] for part in parts]


def test_a_program_writes_the_machine_with_its_result(bench, tmp_path):
    bench("machine").write(tmp_path / "x.json", {"rows": [1]}, cores=2)
    result = json.loads((tmp_path / "x.json").read_text())
    assert result["rows"] == [1]
    assert result["machine"]["cores"] == 2
    assert result["machine"]["processor"]
    assert result["machine"]["date"] == datetime.date.today().isoformat()


def test_a_row_has_the_number_of_its_machine(bench):
    machines = [{"processor": name, "vector_units": "AVX2", "cores": 2, "date": "2026-01-01"}
                for name in ("first", "second")]  # fmt: skip
    measures = ("kl", "recall_at_10", "recall_at_90", "label_accuracy", "class_pieces",
                "long_edges", "class_arrangement")  # fmt: skip
    rows = [
        {"machine": k, "kind": "digits", "points": 9, "method": method} | dict.fromkeys(measures, k)
        for k, method in enumerate(("fast", "opentsne"))
    ]
    text = bench("sections.fits").schedules({"machines": machines, "rows": rows})
    assert "Run 1. *Processor: first;" in text
    assert "Run 2. *Processor: second;" in text
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if "digits, 9" in line]
    assert [(row[1], row[-1]) for row in cells] == [('**"fast"**', "1"), ('"opentsne"', "2")]


def test_the_chart_of_durations_has_all_fits_of_this_library(bench):
    durations = bench("sections.durations")
    rows = [{"peer": "bhtsne", "points": n, "threads": c, "seconds": n / c / 100}
            for n, c in ((1000, 2), (500, 2), (1000, 1))]  # fmt: skip
    rows += [{"peer": "bhtsne", "points": 2000, "threads": 2, "failed": "memory"},
             {"peer": "sklearn", "points": 500, "threads": 2, "seconds": 9}]  # fmt: skip
    found = durations.fits({"rows": rows})
    assert {c: [r["points"] for r in some] for c, some in found.items()} == {
        1: [1000], 2: [500, 1000],
    }  # fmt: skip
    assert [durations.words(s) for s in (1.234, 45.6, 144)] == ["1.2 s", "46 s", "2.4 min"]


def test_the_serial_share_is_that_of_amdahls_law(bench):
    threads = bench("threads")
    assert threads.serial_share(10.0, 10 * (0.2 + 0.8 / 4), 4) == pytest.approx(0.2)
    assert threads.serial_share(10.0, 2.4, 4) == 0  # faster than four times
    rounds = [
        {1: {"fit": one, "search": one, "idle fit": 0.0},
         2: {"fit": 6.0, "search": 6.0, "idle fit": one / 100}, "at once": {"fit": 1, "search": 11}}
        for one in (10.0, 8.0, 30.0)
    ]  # fmt: skip
    stages = threads.row(500, rounds)["stages"]
    fit, search = stages["fit"], stages["search"]
    assert (search["seconds"], search["at_once"]) == ({1: 10.0, 2: 6.0}, 11.0)
    assert search["serial_share"] == pytest.approx(0.2)
    assert search["expected"] == pytest.approx({4: 10 * (0.2 + 0.2), 8: 10 * (0.2 + 0.1)})
    # A thread waits for a tenth of the time: 10.8 seconds of computing take 6 on two threads.
    assert fit["idle"] == 0.1
    assert fit["serial_share"] == pytest.approx(1 / 0.9 - 1)
    assert fit["expected"] == pytest.approx({4: 10.8 * (1 / 9 + 2 / 9), 8: 10.8 * (1 / 9 + 1 / 9)})


def three_classes(n=300):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    return rng.normal(size=(n, 4)) + 20 * np.eye(3, 4)[labels], labels


def test_the_judge_agrees_with_the_library(bench):
    X, labels = three_classes()
    Y = X[:, :2].astype(np.float32)
    measures = bench("judge").Judge(X, labels, perplexity=10).measures(np.tile(Y, 1))
    P = affinities.perplexity(neighbors.find(X, 30), 10)
    assert measures["kl"] == forces.kl_divergence(P, Y.astype(np.float64))
    assert measures["recall_at_10"] == pytest.approx(metrics.neighbor_recall(X, Y, k=10), abs=1e-9)


def test_the_judge_sees_a_torn_class(bench):
    X, labels = three_classes()
    judge = bench("judge").Judge(X, labels, perplexity=10)
    whole = X[:, :2].copy()
    torn = whole.copy()
    torn[np.flatnonzero(labels == 1)[::2]] += 300
    before, after = judge.measures(whole), judge.measures(torn)
    assert (before["class_pieces"], after["class_pieces"]) == (3, 4)
    assert after["long_edges"] > before["long_edges"]
    assert before["label_accuracy"] > 0.95


def test_time_to_a_divergence_is_read_off_a_line(bench):
    time_to = bench("rivals").time_to
    assert time_to(2.5, [1, 2, 3], [4, 3, 2]) == 2.5
    assert time_to(5, [1, 2, 3], [4, 3, 2]) == 1
    assert time_to(1, [1, 2, 3], [4, 3, 2]) is None


def test_exponents_are_those_of_a_power_law(bench):
    scaling = bench("scaling")
    names = ("seconds", "iteration", "peak_memory_bytes", *scaling._STAGES)
    rows = [
        {"peer": "bhtsne", "points": n, "threads": 2} | dict.fromkeys(names, 3 * n**1.25)
        for n in (1_000, 70_000, 150_000, 400_000)
    ]
    rows.append({"peer": "bhtsne", "points": 150_000, "threads": 1} | dict.fromkeys(names, 1.0))
    assert scaling.exponents(rows) == pytest.approx(dict.fromkeys(names, 1.25))
