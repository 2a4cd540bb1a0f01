"""Folder with a wheel and an sdist → exit status: both hold the package, its data and metadata.

Usage: python .ci/check_dist.py FOLDER
"""

import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

ROOT = Path(__file__).parents[1]


def source_files() -> set[str]:
    """Return the paths of the package's files, relative to the checkout."""
    paths = (path for path in (ROOT / "bhtsne").rglob("*") if path.is_file())
    return {
        path.relative_to(ROOT).as_posix() for path in paths if path.parent.name != "__pycache__"
    }


def check_wheel(path: Path, project: dict) -> list[str]:
    """Return the faults of a wheel: missing and additional files, wrong metadata."""
    with zipfile.ZipFile(path) as archive:
        inside = archive.namelist()
        [info] = {name.partition("/")[0] for name in inside if ".dist-info/" in name}
        metadata = message_from_string(archive.read(f"{info}/METADATA").decode())
        commands = archive.read(f"{info}/entry_points.txt").decode()
    files = {name for name in inside if not name.startswith(info)}
    faults = [f"{path.name}: {name} is missing" for name in source_files() - files]
    faults += [f"{path.name}: {name} is no file of the package" for name in files - source_files()]
    required = {line.partition(";")[0] for line in metadata.get_all("Requires-Dist", [])}
    expected = {
        "Name": project["name"],
        "Summary": project["description"],
        "Requires-Python": project["requires-python"],
        "License-Expression": project["license"],
        "Description-Content-Type": "text/markdown",
    }
    faults += [
        f"{path.name}: {field} is {metadata[field]!r}, not {value!r}"
        for field, value in expected.items()
        if metadata[field] != value
    ]
    faults += [f"{path.name}: no dependency {x}" for x in set(project["dependencies"]) - required]
    licences = metadata.get_all("License-File", [])
    faults += [f"{path.name}: no {x}" for x in set(project["license-files"]) - set(licences)]
    if metadata["Version"] != path.name.split("-")[1] or metadata.get_payload().count("\n") < 20:
        faults.append(f"{path.name}: no version, or no README as description")
    if any(f"{name} = {target}" not in commands for name, target in project["scripts"].items()):
        faults.append(f"{path.name}: no command {', '.join(project['scripts'])}")
    return faults


def check_sdist(path: Path) -> list[str]:
    """Return the files of the package and of its tests that an sdist lacks."""
    with tarfile.open(path) as archive:
        inside = {member.name.partition("/")[2] for member in archive if member.isfile()}
    needed = source_files() | {"pyproject.toml", "README.md", "LICENSE", "conftest.py", "PKG-INFO"}
    needed |= {file.relative_to(ROOT).as_posix() for file in (ROOT / "tests").rglob("*.py")}
    return [f"{path.name}: {name} is missing" for name in needed - inside]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    sys.exit("\n".join(sorted(check_wheel(wheel, project) + check_sdist(sdist))) or 0)
