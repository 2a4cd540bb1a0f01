"""Input → points; map → output files and a summary: functions that the commands share."""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from bhtsne.cli.parser import Usage, did_you_mean
from bhtsne.cli.streams import NAME, is_stream, received, send

_TARGETS = ("output", "plot", "html", "film", "save", "report")  # options with a file to write
_TABLE_OPTIONS = (
    "labels", "features", "drop", "keep", "id", "header", "delimiter", "decimal", "missing",
)  # fmt: skip
_FEATURES_SHOWN = 30  # largest number of features that a page shows beside the map


class Points(NamedTuple):
    """Points with labels, extra columns and images.

    Attributes
    ----------
    X : ndarray or CSR array of shape (N, D)
        Points.
    labels : ndarray of shape (N,) or None
        One label per point.
    extra : mapping of str to ndarray of shape (N,)
        Extra columns of the table.
    features : tuple of str or None
        Names of the D features.
    images : ndarray of shape (N, height, width) or None
        Images of which the points are the pixels.
    report : Report or None
        Roles of the columns, for a table with columns.
    """

    X: Any
    labels: Any = None
    extra: Mapping[str, Any] = MappingProxyType({})
    features: tuple[str, ...] | None = None
    images: Any = None
    report: Any = None

    def shown(self) -> dict[str, Any]:
        """Return the columns for a page: the extra columns, and the features if they are few."""
        from bhtsne import tables

        columns = {name: tables.readable(values) for name, values in self.extra.items()}
        if self.features is None or len(self.features) > _FEATURES_SHOWN:
            return columns
        return columns | dict(zip(self.features, self.X.T, strict=True))


def stem(arguments: argparse.Namespace) -> str:
    """Return the name of IN without suffixes."""
    return Path(arguments.input).name.split(".")[0].replace(":", "-")


def check_targets(arguments: argparse.Namespace) -> None:
    """Set the default of -o, and raise an error for an invalid output before any computation."""
    from bhtsne import files

    given = vars(arguments)
    if all(given.get(name) is None for name in _TARGETS):
        from_stdin = is_stream(arguments.input)
        arguments.output = Path(NAME if from_stdin else f"{stem(arguments)}-tsne.npy")
    piped = is_stream(arguments.output)
    if piped and arguments.json:
        raise Usage("-o - and --json both write to the standard output; give a file to -o")
    if arguments.format and not piped:
        raise Usage(f"--format goes with -o -, got {arguments.format!r}; for a file its suffix "
                    "is the format")  # fmt: skip
    if arguments.output is not None and not piped:
        _check_output(arguments.output)
    if arguments.plot is not None:
        check_figure(arguments.plot)
    if given.get("html") is not None:
        check_page(arguments.html)
    if given.get("report") is not None:
        check_page(arguments.report)
    if given.get("film") is not None:
        check_film(arguments.film)
    if given.get("save") is not None:
        files.check_target(arguments.save, (".npz",))


def _check_output(path: Path) -> None:
    """Raise an error unless a map can be written to a path; name the option of other files."""
    from bhtsne import files, plot

    options = {".npz": "save", ".html": "html", **dict.fromkeys(plot.SUFFIXES, "plot")}
    option = options.get(path.suffix.lower())
    if option is not None:
        known = ", ".join(files.SUFFIXES)
        raise Usage(f"-o writes the map as {known}, got {path}; use --{option} {path}")
    files.check_target(path, files.SUFFIXES)


def check_figure(path: Path) -> None:
    """Raise an error unless a figure can be written to a path."""
    from bhtsne import files, plot

    files.check_target(path, plot.SUFFIXES)


def check_page(path: Path) -> None:
    """Raise an error unless a page can be written to a path."""
    from bhtsne import files

    files.check_target(path, (".html",))


def check_film(path: Path) -> None:
    """Raise an error unless a film can be written to a path."""
    from bhtsne import files
    from bhtsne.plot.film import FILMS
    from bhtsne.plot.video import check_ffmpeg

    files.check_target(path, FILMS)
    if path.suffix.lower() == ".mp4":
        check_ffmpeg()


def table_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the columns and the text format that are given."""
    given = vars(arguments)
    return {name: given[name] for name in _TABLE_OPTIONS if given.get(name) not in (None, ())}


def load(arguments: argparse.Namespace) -> Points:
    """Return the points of a data set, a file or the standard input, and print their report."""
    from bhtsne import tables

    options = table_options(arguments)
    if is_stream(arguments.input):
        with received() as path:
            points = _of_table(tables.read(path, **options), in_memory=True)
    else:
        points = load_named(arguments.input, **options)
    points = _with_note_on_scales(points, arguments)
    print_report(points.report, arguments)
    return points


def _with_note_on_scales(points: Points, arguments: argparse.Namespace) -> Points:
    """Return points with a note in their report if few features decide alone which are near.

    There is none for images and for vectors of one column, whose features have the same unit, and
    none for commands without --standardize.
    """
    from bhtsne.tables import Report, scales

    given = vars(arguments)
    if given.get("standardize", True) or given["metric"] == "precomputed":
        return points
    n, d = points.X.shape
    report = points.report or Report(n, [], vectors=d)
    if points.images is not None or (report.features and report.vectors is not None):
        return points
    found = scales.dominance(points.X, points.features)
    if found is None:
        return points
    note = f"{found} (--standardize gives all features the same variance, --drop omits one)"
    return points._replace(report=replace(report, notes=[*report.notes, note]))


def print_report(report: Any, arguments: argparse.Namespace) -> None:
    """Print the roles of the columns on stderr; with --quiet only if the report has warnings."""
    if report is not None and (report.surprises() or not vars(arguments).get("quiet")):
        print("\n".join(f"bhtsne: {line}" for line in report.lines()), file=sys.stderr)


def table_of(report: Any) -> dict[str, Any] | None:
    """Return a report as an object for JSON, or None for points without columns."""
    return None if report is None else report.as_json()


def load_named(name: str, **options: Any) -> Points:
    """Return the points of a data set, or of a file with the options of a table."""
    import numpy as np

    from bhtsne import datasets, tables

    if Path(name).is_dir() and not Path(name).suffix:
        raise Usage(f"IN must be a file, got the folder {name}; a folder of parts goes with "
                    "--landmarks")  # fmt: skip
    if Path(name).exists():
        return _of_table(tables.read(name, **options))
    if name.partition(":")[0] not in datasets.NAMES:
        known = ", ".join(datasets.NAMES)
        hint = did_you_mean(name, datasets.NAMES)
        missing = f"there is no file {name}; " if Path(name).suffix or "/" in name else ""
        raise Usage(f"{missing}IN must be a file, - or one of {known}, got {name!r}{hint}")
    for option, value in options.items():
        text = ",".join(value) if isinstance(value, tuple) else value
        raise Usage(f"--{option} goes with a file, got {text!r} with the data set {name}")
    data = datasets.load(name)
    sides = {"mnist": (28, 28), "digits": (8, 8)}.get(name)
    images = None if sides is None else data.X.reshape(-1, *sides)
    if name == "mnist":  # the same bits as by float64, whose array is twice as large
        return Points(np.divide(data.X, 255, dtype=np.float32), data.y, images=images)
    return Points(data.X.astype(np.float32), data.y, images=images)


def _of_table(table: Any, in_memory: bool = False) -> Points:
    """Return the points of a table, in memory instead of a memory map if `in_memory`."""
    import numpy as np

    X = np.array(table.X) if in_memory and isinstance(table.X, np.memmap) else table.X
    images = None if table.sides is None else X.reshape(-1, *table.sides)
    return Points(X, table.labels, table.extra, table.columns, images, table.report)


def write_map(
    Y: Any, points: Points, arguments: argparse.Namespace, kept: Sequence[Any] = (), **measured: Any
) -> None:
    """Write the map, its figure and its page.

    The page also shows the kept snapshots of a run, and what is measured: neighbours and
    divergences.
    """
    from bhtsne import files

    labels, extra = points.labels, points.extra
    if is_stream(arguments.output):
        send(files.dumped(arguments.format or "csv", Y, labels=labels, columns=extra))
    elif arguments.output is not None:
        files.write(arguments.output, Y, labels=labels, columns=extra)
    if arguments.plot is not None:
        from bhtsne import plot

        plot.save(arguments.plot, Y, labels, theme=arguments.theme)
    if getattr(arguments, "html", None) is not None:
        from bhtsne import browser

        browser.write(
            arguments.html, [*(one.Y for one in kept), Y], labels,
            columns=beside_label(points.shown()), images=points.images,
            titles=[*(one.title for one in kept), "end"], title=arguments.input, **measured,
        )  # fmt: skip


def beside_label(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns, with another name for a column "label", which is that of the labels."""
    return {"label_" if name == "label" else name: values for name, values in columns.items()}


def output_paths(arguments: argparse.Namespace) -> dict[str, str | None]:
    """Return the path of each output by its option."""
    given = {name: vars(arguments)[name] for name in _TARGETS if name in arguments}
    return {name: None if path is None else str(path) for name, path in given.items()}


def print_summary(summary: dict[str, Any], lines: list[str], arguments: argparse.Namespace) -> None:
    """Print a summary as JSON or text, on stderr if the map goes to stdout."""
    if arguments.json:
        print(json.dumps(summary))
        return
    paths = [summary[name] for name in _TARGETS if summary.get(name)]
    lines = [*lines, *(f"written to {path}" for path in paths if not is_stream(path))]
    piped = is_stream(getattr(arguments, "output", None))
    print("\n".join(lines), file=sys.stderr if piped else sys.stdout)


class Watch:
    """A stopwatch: the seconds of each stage, and in total."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begin = self._last = time.perf_counter()

    def restart(self) -> None:
        """Start a stage."""
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """End a stage, by its name, and start the next."""
        self.seconds[stage] = time.perf_counter() - self._last
        self.restart()

    def total(self) -> float:
        """Return the seconds since the start of the watch."""
        return time.perf_counter() - self._begin

    def summary(self) -> dict[str, Any]:
        """Return the seconds of each stage and the total, rounded, as entries of a summary."""
        seconds = {stage: round(seconds, 3) for stage, seconds in self.seconds.items()}
        return {"seconds": seconds, "total_seconds": round(self.total(), 3)}
