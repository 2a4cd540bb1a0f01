"""Files of maps → figure, or interactive page: the command `bhtsne plot`."""

import argparse
from pathlib import Path
from typing import Any

from bhtsne.cli import maps
from bhtsne.cli.parser import (
    MARKER_AREA,
    Usage,
    add_command,
    add_json,
    add_labels,
    add_theme,
    complete_with,
)
from bhtsne.cli.points import (
    beside_label,
    check_figure,
    check_page,
    output_paths,
    print_summary,
)

_EXAMPLES = """
bhtsne plot map.csv -o map.png
bhtsne plot map.parquet --labels weight --theme dark -o map.svg
bhtsne plot map.npz --labels mnist -o map.png   # a file of embed --save
bhtsne plot map.npz --errors -o errors.png      # KL divergence of each point
bhtsne plot map.npz --history -o history.png    # KL divergence by iteration
bhtsne plot run -o sofar.png                    # latest checkpoint of a run
bhtsne plot perplexity10.csv perplexity100.csv -o both.png
bhtsne plot mnist.csv --images mnist -o digits.png --html digits.html
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "plot", run, _EXAMPLES,
        help="draw maps from files",
        description="Draw the map of a file, or the maps of several files side by side.",
    )  # fmt: skip
    command.add_argument("maps", metavar="MAP", nargs="+", help="an output of embed: .csv .tsv "
                         ".parquet .npy, a MODEL .npz, a recording .npz or the folder of a "
                         "checkpoint")  # fmt: skip
    add = command.add_argument
    add("-o", "--output", dest="plot", metavar="PNG", type=Path, help=".png, .pdf or .svg (MAP.png "
        "if there is no other output)")  # fmt: skip
    add("--html", metavar="FILE", type=Path, help="interactive page of the map; it switches "
        "between several maps of the same points")  # fmt: skip
    add_labels(command, "labels, by which points are coloured: a column of MAP, a file or a data "
               "set (label)")  # fmt: skip
    kind = command.add_mutually_exclusive_group()
    kind.add_argument("--errors", action="store_true", help="colour by the KL divergence of each "
                      "point, for a MODEL")  # fmt: skip
    kind.add_argument("--history", action="store_true", help="draw the KL divergence by iteration, "
                      "for a MODEL or a checkpoint")  # fmt: skip
    kind.add_argument("--density", action="store_true", help="draw the density of the points "
                      "instead of markers")  # fmt: skip
    images = add("--images", metavar="NAME", help="draw the images of the points instead of "
                 "markers: digits, mnist or an IDX file")  # fmt: skip
    complete_with(images, "digits", "mnist")
    add_theme(command)
    add("--size", type=float, metavar="A", help=MARKER_AREA)
    add("--alpha", type=float, metavar="A", help="opacity of a marker, 0 to 1")
    add("--title", help="title of the figure")
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Draw the maps; return the exit status."""
    if arguments.plot is None and arguments.html is None:
        arguments.plot = Path(f"{Path(arguments.maps[0]).name.split('.')[0]}.png")
    if arguments.plot is not None:
        check_figure(arguments.plot)
    if arguments.html is not None:
        check_page(arguments.html)
    given = [maps.read(name) for name in arguments.maps]
    if arguments.history:
        _draw_history(given, arguments)
    else:
        labels = [_labels(one, arguments) for one in given]
        images = None if arguments.images is None else maps.images(given[0], arguments.images)
        if arguments.plot is not None:
            _draw(given, labels, images, arguments)
        if arguments.html is not None:
            _write_page(given, labels, images, arguments)
    summary = {
        "maps": [{"input": name, "points": len(one.Y), "columns": list(one.columns)}
                 for name, one in zip(arguments.maps, given, strict=True)],
        **output_paths(arguments),
    }  # fmt: skip
    print_summary(summary, [], arguments)
    return 0


def _labels(given: maps.Map, arguments: argparse.Namespace) -> Any:
    if not arguments.errors:
        return maps.labels(given, arguments.labels)
    if given.errors is None:
        raise Usage(f"--errors needs a MODEL, got {given.name}; make one by embed --save")
    return given.errors / (given.errors.mean() or 1)


def _draw(given: list[maps.Map], labels: list, images: Any, arguments: argparse.Namespace) -> None:
    """Draw one map, or several side by side."""
    from bhtsne import plot
    from bhtsne.plot import figures

    options: dict[str, Any] = {"theme": arguments.theme, "legend_title": _legend_title(arguments)}
    if images is not None:
        (ax,) = figures.panels(1, 8, 8)
        plot.thumbnails(given[0].Y, images, labels[0], ax=ax, title=arguments.title, **options)
        figures.write(arguments.plot, ax.figure)
        return
    options |= {"size": arguments.size, "alpha": arguments.alpha}
    options["kind"] = "density" if arguments.density else "auto"
    if len(given) == 1:
        plot.save(arguments.plot, given[0].Y, labels[0], title=arguments.title, **options)
        return
    names = [one.name for one in given]
    axes = plot.small_multiples([one.Y for one in given], labels, titles=names, **options)
    if arguments.title:
        axes[0].figure.suptitle(arguments.title)
    figures.write(arguments.plot, axes[0].figure)


def _legend_title(arguments: argparse.Namespace) -> str | None:
    """Return the name of the column of labels or of the errors, but not that of a file."""
    if arguments.errors:
        return "KL divergence of the point / mean"
    return arguments.labels if arguments.labels and not Path(arguments.labels).exists() else None


def _write_page(
    given: list[maps.Map], labels: list, images: Any, arguments: argparse.Namespace
) -> None:
    from bhtsne import browser

    first, several = given[0], len(given) > 1
    column = arguments.labels or "label"
    named = not arguments.errors and column in first.columns
    browser.write(
        arguments.html,
        [one.Y for one in given] if several else first.Y,
        column if named else labels[0],
        columns=dict(first.columns) if named else beside_label(first.columns),
        images=images,
        titles=[one.name for one in given] if several else None,
        title=arguments.title or first.name,
        neighbors=first.neighbors,
        kl_per_point=None if several else first.errors,
    )


def _draw_history(given: list[maps.Map], arguments: argparse.Namespace) -> None:
    """Draw the KL divergence of each run by iteration."""
    from bhtsne import plot
    from bhtsne.plot import figures

    for one in given:
        if not one.history:
            raise Usage(f"--history needs a MODEL or a checkpoint with records, got {one.name}; "
                        "make one by embed")  # fmt: skip
    if arguments.plot is None:
        raise Usage("--history needs a figure, got --html alone; add -o")
    runs = {one.name: one.history for one in given} if len(given) > 1 else given[0].history
    (ax,) = figures.panels(1, 7, 4)
    plot.kl_history(runs, ax=ax, title=arguments.title, theme=arguments.theme)
    figures.write(arguments.plot, ax.figure)
