"""Fitted model → a page on how far its map can be trusted: the command `bhtsne report`."""

import argparse
from pathlib import Path
from typing import Any

from bhtsne.cli import maps
from bhtsne.cli.parser import Usage, add_command, add_json, add_labels
from bhtsne.cli.points import Watch, check_page, print_summary

_EXAMPLES = """
bhtsne embed points.csv --labels kind --save map.npz
bhtsne report map.npz -o report.html
bhtsne report map.npz --labels points.csv:kind -o report.html
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "report", run, _EXAMPLES,
        help="write a page on how far a map can be trusted",
        description="Write a page about a fitted map in plain sentences: where it is wrong, what "
        "recurs with other starts, what shuffled columns would show, and parameters and versions "
        "to cite. The page is one file, offline and printable.",
    )  # fmt: skip
    command.add_argument("maps", metavar="MODEL", help="file of `bhtsne embed --save`")
    command.add_argument("-o", "--html", metavar="FILE", type=Path, required=True, help="the page, "
                         ".html")  # fmt: skip
    add_labels(command, "labels that colour the map: a data set, or a file of labels, FILE:COLUMN "
               "(those of MODEL)")  # fmt: skip
    command.add_argument("--title", metavar="TEXT", help="title of the page (name of MODEL)")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Write the report; return the exit status."""
    check_page(arguments.html)
    path = Path(arguments.maps)
    if not path.is_file() or maps.format_of(path) != maps.MODEL:
        raise Usage(f"MODEL must be a file of `bhtsne embed --save`, got {arguments.maps!r}")
    from bhtsne import reporting

    watch = Watch()
    given, model = maps.of_model(path)
    labels = maps.labels(given, arguments.labels)
    found = reporting.write(
        arguments.html, model, labels, title=arguments.title or path.stem,
        verbose=not arguments.quiet,
    )  # fmt: skip
    watch.lap("report")
    summary = {
        "model": str(path), **summarised(found), **watch.summary(), "html": str(arguments.html)
    }  # fmt: skip
    print_summary(summary, lines(found), arguments)
    return 0


def summarised(found: Any) -> dict[str, Any]:
    """Return the figures of a report as entries of a summary."""
    names = ("kept", "recurring", "kept_sample", "kept_shuffled", "kl_sample", "kl_shuffled")
    values = {name: getattr(found, name) for name in names}
    rounded = {name: None if x is None else round(x, 4) for name, x in values.items()}
    return rounded | {"dominance": found.dominance}


def lines(found: Any) -> list[str]:
    """Return the figures of a report as lines of text."""
    text = [f"with other starts, {found.recurring:.1%} of the neighbours on the map recur"]
    if found.kept is not None:
        text.insert(0, f"the map keeps {found.kept:.1%} of 10 nearest neighbours")
    if found.kept_shuffled is not None:
        text.append(
            f"of {found.n_sample:,} points, it keeps {found.kept_sample:.1%}, and of shuffled "
            f"columns {found.kept_shuffled:.1%}"
        )
    if found.dominance is not None:
        text.append(found.dominance)
    return text
