"""pyproject.toml → .ci/oldest.txt: the lowest versions that it allows, which CI tests."""

import re
import tomllib
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).parents[1]
# Extras that `pip install '.[test]'` does not install, and their requirements with it.
OTHERS = {"bench", "docs", "notebooks"}


def versions(requirements, sign):
    """Return a dict of names to versions."""
    found = (re.match(rf"([\w-]+)(?:\[.*\])?{sign}([\d.]+)", text) for text in requirements)
    return {one[1].lower(): Version(one[2]) for one in found if one}


def test_the_oldest_versions_are_those_that_the_project_allows():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    required = [*project["dependencies"]]
    required += [one for name in extras.keys() - OTHERS for one in extras[name]]
    oldest = (ROOT / ".ci" / "oldest.txt").read_text(encoding="utf-8").splitlines()
    assert versions(oldest, "==") == versions(required, ">=")
    assert len(required) - 1 == len(versions(required, ">="))  # one is the package's own extras
