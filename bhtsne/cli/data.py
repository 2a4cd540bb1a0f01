"""`bhtsne data`: from the name of a data set to what it is, and to a file of it."""

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

from bhtsne.cli.parser import Usage, add_command, add_json, completed, did_you_mean

_EXAMPLES = """
bhtsne data                        # what there is, and whether it is here
bhtsne data mnist                  # fetch it, once, and say what it is
bhtsne data clusters:5000 -o clusters.csv
"""
_SUFFIXES = (".npz", ".npy", ".csv", ".tsv", ".parquet")


class _About(NamedTuple):
    """What a data set is, and where it comes from."""

    name: str
    points: int
    features: int
    classes: int
    source: str
    here: bool


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "data", run, _EXAMPLES,
        help="list the data sets, fetch one, or write it to a file",
        description="List the data sets that have names; or fetch one, say what it is, and write "
        "it to a file.",
    )  # fmt: skip
    name = command.add_argument("input", metavar="NAME", nargs="?", help="digits, mnist or "
                                "clusters:N")  # fmt: skip
    completed(name, _names)
    command.add_argument("-o", "--output", metavar="FILE", type=Path, help=".npz (X and y), .npy "
                         "(X alone), .csv, .tsv or .parquet")  # fmt: skip
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """List the data sets, or describe one; return the exit status."""
    from bhtsne import datasets, files

    if arguments.input is None:
        if arguments.output is not None:
            raise Usage(f"-o needs the name of a data set too: {', '.join(datasets.NAMES)}")
        return _listed(_known(), arguments.json)
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


def _known() -> list[_About]:
    """Return what is known of each data set; nothing is loaded."""
    from bhtsne import datasets

    held = next((place for place in datasets.places() if datasets.holds_mnist(place)), None)
    source = f"in {held}" if held else "to be fetched, once, from OpenML"
    return [
        _About("digits", 1797, 64, 10, "in scikit-learn", True),
        _About("mnist", 70_000, 784, 10, source, held is not None),
        _About("clusters", 10_000, 50, 10, "generated; clusters:N for N points", True),
    ]


def _listed(about: list[_About], as_json: bool) -> int:
    if as_json:
        print(json.dumps({"data": [data._asdict() for data in about]}))
        return 0
    print(f"{'name':<10}{'points':>8}{'features':>10}{'classes':>9}  {'here':<5} source")
    for data in about:
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
    told = {
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
        print(json.dumps(told))
        return
    print(
        f"{told['name']}: {told['points']:,} points, {told['features']} features ({told['dtype']}, "
        f"{told['least']:g} to {told['greatest']:g}), {told['classes']} classes of "
        f"{sizes.min():,} to {sizes.max():,} points"
    )
    if arguments.output is not None:
        print(f"written to {arguments.output}")


def _names(**_: Any) -> tuple[str, ...]:
    from bhtsne import datasets

    return datasets.NAMES
