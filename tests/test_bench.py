"""The programs of bench/ start, their judge is right, and the README says what they found."""

import importlib
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


@pytest.mark.full(after=1)
@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "report"])
def test_the_program_says_what_it_does(name):
    command = [sys.executable, str(BENCH / f"{name}.py"), "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "--" in said


def test_the_readme_says_what_the_programs_wrote(bench):
    report = bench("report")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count(report.MARKS[0]) == readme.count(report.MARKS[1]) == 1
    _, _, rest = readme.partition(report.MARKS[0])
    assert rest.partition(report.MARKS[1])[0] == report.section()


def three_classes(n=300):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    return rng.normal(size=(n, 4)) + 20 * np.eye(3, 4)[labels], labels


def test_the_judge_agrees_with_the_library(bench):
    X, labels = three_classes()
    Y = X[:, :2].astype(np.float32)
    told = bench("judge").Judge(X, labels, perplexity=10).measures(np.tile(Y, 1))
    P = affinities.perplexity(neighbors.find(X, 30), 10)
    assert told["kl"] == forces.kl_divergence(P, Y.astype(np.float64))
    assert told["recall_at_10"] == pytest.approx(metrics.neighbor_recall(X, Y, k=10), abs=1e-9)


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
