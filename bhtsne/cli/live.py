"""Data set or file → a page that shows the run and steers it: the command `bhtsne live`."""

import argparse
import contextlib
import sys
from typing import Any

from bhtsne import interrupts
from bhtsne.cli import embed
from bhtsne.cli.parser import Usage, add_command, add_common
from bhtsne.cli.points import Watch, beside_label
from bhtsne.cli.streams import is_stream

_EXAMPLES = """
bhtsne live digits
bhtsne live mnist -o mnist.csv --html mnist.html
bhtsne live points.csv --labels species --no-browser --port 8765
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "live", run, _EXAMPLES,
        help="show a run in the browser while it goes on, and steer it",
        description="Compute a map as `bhtsne embed` does, on a page that shows the map as it "
        "moves. The page can pause the run, change its parameters, keep maps and stop it. The "
        "first line on stdout is the address of the page, which only this machine can reach. The "
        "command writes the map as soon as the run is over, and ends when the page is closed. "
        "Ctrl-C ends a run earlier, with the map of that moment and exit status 130.",
    )  # fmt: skip
    embed.add_fit(command)
    group = command.add_argument_group("page")
    group.add_argument("--no-browser", action="store_true", help="print the address of the page, "
                       "and open no browser")  # fmt: skip
    group.add_argument("--port", type=int, default=0, metavar="N", help="port of the page, 0 for "
                       "any that is free (0)")  # fmt: skip
    add_common(command)


def run(arguments: argparse.Namespace) -> int:
    """Compute the map and show the run; return the exit status."""
    from bhtsne import live
    from bhtsne.live.server import check_installed, check_port

    if is_stream(arguments.output):
        raise Usage("-o - and the address of the page both go to the standard output; give a file "
                    "to -o")  # fmt: skip
    if arguments.n_components != 2:
        raise Usage(f"--n-components must be 2 for a page, got {arguments.n_components}")
    check_installed()
    check_port(arguments.port)  # the page opens when the data are read, which may take long
    embed.check(arguments)
    watch = Watch()
    points, features, X, pca = embed.loaded(arguments, watch)
    page = live.Page(
        points.labels, columns=beside_label(points.shown()), images=points.images,
        title=arguments.input, port=arguments.port, show=not arguments.no_browser, stay=True,
    )  # fmt: skip
    try:
        model, film = embed.fitted(X, arguments, page)
        status = embed.conclude(model, points, features, X, pca, arguments, watch, film, page.kept)
        if status == 0:
            _wait(page, arguments.quiet)
    finally:
        page.close()
    return status


def _wait(page: Any, quiet: bool) -> None:
    """Return when the page has been opened and is closed, or after Ctrl-C."""
    if not quiet:
        print("bhtsne: the run is over and its results are written; close the page, or press "
              "Ctrl-C, to end.", file=sys.stderr)  # fmt: skip
    with contextlib.suppress(KeyboardInterrupt):  # the map is written
        page.wait(interrupts.check)
