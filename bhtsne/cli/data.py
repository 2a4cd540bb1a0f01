"""Name of a data set → its description, and a file: the command `bhtsne data`."""

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

from bhtsne.cli.parser import Usage, add_command, add_json, complete_by, did_you_mean

_EXAMPLES = """
bhtsne data                        # list all data sets
bhtsne data mnist                  # describe MNIST; download it on first use
bhtsne data clusters:5000 -o clusters.csv
"""
_SUFFIXES = (".npz", ".npy", ".csv", ".tsv", ".parquet")


class _Entry(NamedTuple):
    """A data set in the list."""

    name: str
    points: int
    features: int
    classes: int
    source: str
    here: bool  # available without a download


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "data", run, _EXAMPLES,
        help="list the data sets, describe one, or write it to a file",
        description="List the data sets, or describe one and write it to a file. MNIST is "
        "downloaded on first use.",
    )  # fmt: skip
    name = command.add_argument("input", metavar="NAME", nargs="?", help="digits, mnist or "
                                "clusters:N")  # fmt: skip
    complete_by(name, _names)
    command.add_argument("-o", "--output", metavar="FILE", type=Path, help=".npz (X and y), .npy "
                         "(X alone), .csv, .tsv or .parquet")  # fmt: skip
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """List the data sets, or describe one; return the exit status."""
    from bhtsne import datasets, files

    if arguments.input is None:
        if arguments.output is not None:
            raise Usage(f"-o needs the name of a data set, one of {', '.join(datasets.NAMES)}")
        return _print_list(_entries(), arguments.json)
    if arguments.input.partition(":")[0] not in datasets.NAMES:
        hint = did_you_mean(arguments.input, datasets.NAMES)
        known = ", ".join(datasets.NAMES)
        raise Usage(f"NAME must be one of {known}, got {arguments.input!r}{hint}")
    if arguments.output is not None:
        files.check_target(arguments.output, _SUFFIXES)
    data = datasets.load(arguments.input)
    if arguments.output is not None:
        _write(arguments.output, data)
    _describe(arguments, data)
    return 0


def _entries() -> list[_Entry]:
    """Return the list of data sets, without loading any."""
    from bhtsne import datasets

    folder = next((place for place in datasets.places() if datasets.holds_mnist(place)), None)
    source = f"in {folder}" if folder else "OpenML, downloaded on first use"
    return [
        _Entry("digits", 1797, 64, 10, "in scikit-learn", True),
        _Entry("mnist", 70_000, 784, 10, source, folder is not None),
        _Entry("clusters", 10_000, 50, 10, "generated; clusters:N for N points", True),
    ]


def _print_list(entries: list[_Entry], as_json: bool) -> int:
    if as_json:
        print(json.dumps({"data": [data._asdict() for data in entries]}))
        return 0
    print(f"{'name':<10}{'points':>8}{'features':>10}{'classes':>9}  {'here':<5} source")
    for data in entries:
        print(
            f"{data.name:<10}{data.points:>8,}{data.features:>10}{data.classes:>9}  "
            f"{'yes' if data.here else 'no':<5} {data.source}"
        )
    return 0


def _write(path: Path, data: Any) -> None:
    import numpy as np

    from bhtsne import files

    if path.suffix.lower() == ".npz":
        with files.atomic_write(path) as file:
            np.savez(file, X=data.X, y=data.y)
    elif path.suffix.lower() == ".npy":
        files.write(path, data.X)
    else:
        files.write(path, data.X, labels=data.y, axes="x")


def _describe(arguments: argparse.Namespace, data: Any) -> None:
    import numpy as np

    sizes = np.bincount(data.y)
    summary = {
        "name": arguments.input,
        "points": len(data.X),
        "features": data.X.shape[1],
        "dtype": str(data.X.dtype),
        "least": data.X.min().item(),
        "greatest": data.X.max().item(),
        "classes": len(sizes),
        "class_sizes": sizes.tolist(),
        "output": None if arguments.output is None else str(arguments.output),
    }
    if arguments.json:
        print(json.dumps(summary))
        return
    print(
        f"{summary['name']}: {summary['points']:,} points, {summary['features']} features "
        f"({summary['dtype']}, {summary['least']:g} to {summary['greatest']:g}), "
        f"{summary['classes']} classes of {sizes.min():,} to {sizes.max():,} points"
    )
    if arguments.output is not None:
        print(f"written to {arguments.output}")


def _names(**_: Any) -> tuple[str, ...]:
    from bhtsne import datasets

    return datasets.NAMES
