"""Data set or file → maps at several parameters, compared: the command `bhtsne scan`."""

import argparse
from pathlib import Path
from typing import Any

from bhtsne.cli import fitting
from bhtsne.cli.parser import (
    Usage,
    add_command,
    add_common,
    add_input,
    add_table,
    add_theme,
    count,
    numbers,
)
from bhtsne.cli.points import (
    Watch,
    beside_label,
    check_figure,
    check_film,
    check_page,
    load,
    output_paths,
    print_summary,
    table_of,
)

_EXAMPLES = """
bhtsne scan digits --perplexity 5,30,100 -o scan.png
bhtsne scan mnist --perplexity 5,15,30,100 -o scan.png --html scan.html
bhtsne scan points.csv --labels kind --perplexity 10,30 --exaggeration 1,4 --seeds 3 --json
bhtsne scan digits --spectrum spectrum.gif
"""
_COLUMNS = {
    "perplexity": "{:g}", "exaggeration": "{:g}", "seed": "{}", "kl": "{:.3f}",
    "recall_10": "{:.1%}", "recall_100": "{:.1%}", "trustworthiness": "{:.3f}",
    "distance_correlation": "{:.2f}", "agreement": "{:.1%}", "seconds": "{:.1f}",
}  # fmt: skip
_HEADS = {
    "kl": "KL", "recall_10": "kept of 10", "recall_100": "kept of 100",
    "distance_correlation": "distances", "agreement": "seeds agree",
}  # fmt: skip


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "scan", run, _EXAMPLES,
        help="compare maps at several perplexities, exaggerations and seeds",
        description="Make a map for each combination of parameters from one search for neighbours, "
        "print a table of their measures with advice, and draw all maps side by side.",
    )  # fmt: skip
    add_input(command)
    group = command.add_argument_group("output")
    group.add_argument("-o", "--plot", metavar="PNG", type=Path, dest="plot", help="figure of all "
                       "maps, aligned: .png, .pdf or .svg")  # fmt: skip
    group.add_argument("--html", metavar="FILE", type=Path, help="interactive page with a slider "
                       "over the maps")  # fmt: skip
    group.add_argument("--spectrum", dest="film", metavar="FILM", type=Path, help="in place of the "
                       "grid, a film along the exaggeration, 30 to 1, .gif or .mp4")  # fmt: skip
    add_theme(group)
    add_table(command)
    group = command.add_argument_group("grid")
    group.add_argument("--perplexity", type=numbers, metavar="P[,P…]", help="perplexities "
                       "(5,15,30,100, without those above a third of the points)")  # fmt: skip
    group.add_argument("--exaggeration", type=numbers, default=1.0, metavar="X[,X…]", help="factor "
                       "of the attraction after early exaggeration (1)")  # fmt: skip
    group.add_argument("--seeds", type=count, default=1, metavar="N", help="number of seeds; all "
                       "but the first start at random (1)")  # fmt: skip
    fitting.add_points_options(group)
    add_common(command)


def run(arguments: argparse.Namespace) -> int:
    """Make and compare the maps; return the exit status."""
    _check(arguments)
    watch = Watch()
    points = load(arguments)
    _, X, pca = fitting.prepared(points.X, arguments)
    watch.lap("load")
    options = {
        "metric": arguments.metric, "random_state": arguments.seed, "n_jobs": arguments.threads,
        "verbose": not arguments.quiet,
    }  # fmt: skip
    made = _spectrum if arguments.film is not None else _scan
    results, lines = made(X, points, options, arguments, watch)
    summary = {
        "input": arguments.input,
        "table": table_of(points.report),
        "points": X.shape[0],
        "features": points.X.shape[1],
        "pca": pca,
        **results,
        **watch.summary(),
        **output_paths(arguments),
    }
    head = f"{X.shape[0]:,} points, {fitting.features_text(summary, points.X.shape[1])}"
    print_summary(summary, [head, *lines], arguments)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Raise an error for invalid outputs, or for options that do not go together."""
    if arguments.film is not None:
        grid = arguments.seeds != 1 or arguments.exaggeration != 1.0
        if grid or isinstance(arguments.perplexity, list):
            raise Usage("--spectrum takes one perplexity, and neither --exaggeration nor --seeds")
        if arguments.plot is not None or arguments.html is not None:
            raise Usage("--spectrum writes a film alone; leave out -o and --html")
        check_film(arguments.film)
    if arguments.plot is not None:
        check_figure(arguments.plot)
    if arguments.html is not None:
        check_page(arguments.html)


def _scan(
    X: Any, points: Any, options: dict[str, Any], arguments: argparse.Namespace, watch: Watch
) -> tuple[dict[str, Any], list[str]]:
    """Return results and lines of text of a grid of maps, and write its outputs."""
    from bhtsne import scanning
    from bhtsne.scanning.results import title

    given = {} if arguments.perplexity is None else {"perplexity": arguments.perplexity}
    result = scanning.scan(
        X, exaggeration=arguments.exaggeration, seeds=arguments.seeds, **given, **options
    )
    watch.lap("scan")
    titles = [title(one.cell, arguments.seeds > 1) for one in result.maps]
    rows = result.rows()
    if arguments.plot is not None:
        _draw(result, titles, points.labels, arguments)
    if arguments.html is not None:
        _write_page(result, titles, rows, points, arguments)
    watch.lap("write")
    results = {"maps": rows, "advice": list(result.advice)}
    return results, [*_table(rows), *result.advice]


def _spectrum(
    X: Any, points: Any, options: dict[str, Any], arguments: argparse.Namespace, watch: Watch
) -> tuple[dict[str, Any], list[str]]:
    """Return results and lines of text of maps along the exaggeration, and write their film."""
    from bhtsne import plot, scanning

    given = {} if arguments.perplexity is None else {"perplexity": arguments.perplexity}
    result = scanning.spectrum(X, **given, **options)
    watch.lap("spectrum")
    titles = [f"exaggeration {one:.3g}" for one in result.exaggerations]
    plot.animate(arguments.film, result.maps, points.labels, titles=titles, seconds=0.5, align=True)
    watch.lap("write")
    text = f"{len(result.maps)} maps at exaggeration {result.exaggerations[0]:g} to 1"
    return {"exaggerations": result.exaggerations}, [text]


def _draw(result: Any, titles: list[str], labels: Any, arguments: argparse.Namespace) -> None:
    from bhtsne import plot
    from bhtsne.plot import figures

    maps = [one.Y for one in result.maps]
    n_columns = max(len({one.cell.perplexity for one in result.maps}), 1)
    n_rows = len(maps) // n_columns
    # Maps of one perplexity follow each other, and fill a column of the sheet.
    order = [i for row in range(n_rows) for i in range(row, len(maps), n_rows)]
    maps, titles = [maps[i] for i in order], [titles[i] for i in order]
    axes = plot.small_multiples(
        maps, labels, titles=titles, n_columns=n_columns, theme=arguments.theme
    )
    figures.write(arguments.plot, axes[0].figure)


def _write_page(
    result: Any,
    titles: list[str],
    rows: list[dict[str, Any]],
    points: Any,
    arguments: argparse.Namespace,
) -> None:
    from bhtsne import browser

    titles = [
        f"{name}: KL {_text('kl', row['kl'])}, keeps {_text('recall_10', row['recall_10'])} of 10 "
        "neighbours"
        for name, row in zip(titles, rows, strict=True)
    ]
    columns = beside_label(points.shown())
    for one in result.agreement:
        columns[_agreement_name(one)] = one.by_point
    browser.write(
        arguments.html, [one.Y for one in result.maps], points.labels, columns=columns,
        images=points.images, titles=titles, title=arguments.input, neighbors=result.neighbors,
    )  # fmt: skip


def _agreement_name(one: Any) -> str:
    name = f"seeds agree, perplexity {one.perplexity:g}"
    return name if one.exaggeration == 1 else f"{name}, exaggeration {one.exaggeration:g}"


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the measures as lines of text."""
    names = [name for name in _COLUMNS if rows[0][name] is not None]
    cells = [[_HEADS.get(name, name) for name in names]]
    cells += [[_text(name, row[name]) for name in names] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in cells]


def _text(name: str, value: Any) -> str:
    return "–" if value is None else _COLUMNS[name].format(value)
