"""Marks `full` → the quick suite: tests without the mark, and the first cases of others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TESTS = """
import pytest

full = pytest.mark.full

def test_quick(): pass

@full
def test_slow(): pass

@full(after=2)
@pytest.mark.parametrize("x", "abc")
def test_family(x): pass

@pytest.mark.parametrize("x", [pytest.param("a", marks=full), "b"])
def test_case(x): pass
"""
ALL = ["quick", "slow", "family[a]", "family[b]", "family[c]", "case[a]", "case[b]"]


@pytest.mark.parametrize(
    ("arguments", "tests"),
    [
        ([], ["quick", "family[a]", "family[b]", "case[b]"]),
        (["--full"], ALL),
        (["test_some.py::test_slow"], ["slow"]),
    ],
)
def test_the_suite_has_two_speeds(arguments, tests, tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = full\naddopts = --strict-markers\n")
    (tmp_path / "test_some.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", *arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert [line for line in run.stdout.splitlines() if "::" in line] == [
        f"test_some.py::test_{name}" for name in tests
    ]
