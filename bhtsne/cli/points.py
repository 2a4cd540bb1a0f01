"""What the commands share: points in, a map out, and the time in between."""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from bhtsne.cli.parser import Usage, did_you_mean
from bhtsne.cli.streams import NAME, is_stream, received, send

_TARGETS = ("output", "plot", "html", "film", "save")  # options that name a file to write
_OF_TABLE = (
    "labels", "features", "drop", "keep", "id", "header", "delimiter", "decimal", "missing",
)  # fmt: skip
_COORDINATES = 30  # so many features at the most are shown in a browser beside the map


class Points(NamedTuple):
    """Points and what is known of each.

    Attributes
    ----------
    X : ndarray or CSR array of shape (N, D)
        Points.
    labels : ndarray of shape (N,) or None
        One label a point.
    kept : mapping of str to ndarray of shape (N,)
        What else the user's table says.
    features : tuple of str or None
        Names of the D features.
    images : ndarray of shape (N, height, width) or None
        What each point is a picture of.
    report : Report or None
        What was taken for what, of a table with columns.
    """

    X: Any
    labels: Any = None
    kept: Mapping[str, Any] = MappingProxyType({})
    features: tuple[str, ...] | None = None
    images: Any = None
    report: Any = None

    def shown(self) -> dict[str, Any]:
        """Return the columns for a browser: what was kept, and the features if they are few."""
        from bhtsne import tables

        kept = {name: tables.readable(values) for name, values in self.kept.items()}
        if self.features is None or len(self.features) > _COORDINATES:
            return kept
        return kept | dict(zip(self.features, self.X.T, strict=True))


def stem(arguments: argparse.Namespace) -> str:
    """Return IN's name without its endings."""
    return Path(arguments.input).name.split(".")[0].replace(":", "-")


def check_targets(arguments: argparse.Namespace) -> None:
    """Choose where the map goes if nobody said, and refuse what could not be written after work."""
    from bhtsne import files

    given = vars(arguments)
    if all(given.get(name) is None for name in _TARGETS):
        here = is_stream(arguments.input)
        arguments.output = Path(NAME if here else f"{stem(arguments)}-tsne.npy")
    piped = is_stream(arguments.output)
    if piped and arguments.json:
        raise Usage("-o - and --json both write to the standard output; give a file to -o")
    if arguments.format and not piped:
        raise Usage(f"--format goes with -o -, got {arguments.format!r}; a file's ending says it")
    if arguments.output is not None and not piped:
        files.check_target(arguments.output, files.SUFFIXES)
    if arguments.plot is not None:
        check_picture(arguments.plot)
    if given.get("html") is not None:
        check_page(arguments.html)
    if given.get("film") is not None:
        check_film(arguments.film)
    if given.get("save") is not None:
        files.check_target(arguments.save, (".npz",))


def check_picture(path: Path) -> None:
    """Refuse what no picture could be written to."""
    from bhtsne import files, plot

    files.check_target(path, plot.SUFFIXES)


def check_page(path: Path) -> None:
    """Refuse what no page could be written to."""
    from bhtsne import files

    files.check_target(path, (".html",))


def check_film(path: Path) -> None:
    """Refuse what no film could be written to."""
    from bhtsne import files
    from bhtsne.plot.film import FILMS
    from bhtsne.plot.video import check_ffmpeg

    files.check_target(path, FILMS)
    if path.suffix.lower() == ".mp4":
        check_ffmpeg()


def of_table(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options that say what the columns of a table are, and how it is written."""
    given = vars(arguments)
    return {name: given[name] for name in _OF_TABLE if given.get(name) not in (None, ())}


def load(arguments: argparse.Namespace) -> Points:
    """Return the points of a data set, a file or what is piped in."""
    from bhtsne import tables

    options = of_table(arguments)
    if is_stream(arguments.input):
        with received() as path:
            points = _of_table(tables.read(path, **options), whole=True)
    else:
        points = load_named(arguments.input, **options)
    say(points.report, arguments)
    return points


def say(report: Any, arguments: argparse.Namespace) -> None:
    """Say what was taken for what; with --quiet only what may surprise."""
    if report is not None and (report.surprises() or not vars(arguments).get("quiet")):
        print("\n".join(f"bhtsne: {line}" for line in report.lines()), file=sys.stderr)


def table_of(report: Any) -> dict[str, Any] | None:
    """Return a report as a summary has it."""
    return None if report is None else report.as_json()


def load_named(name: str, **options: Any) -> Points:
    """Return the points of a data set or a file, read as the options of a table say."""
    import numpy as np

    from bhtsne import datasets, tables

    if Path(name).exists():
        return _of_table(tables.read(name, **options))
    if name.partition(":")[0] not in datasets.NAMES:
        known = ", ".join(datasets.NAMES)
        hint = did_you_mean(name, datasets.NAMES)
        raise Usage(f"IN must be a file, - or one of {known}, got {name!r}{hint}")
    for option, value in options.items():
        text = ",".join(value) if isinstance(value, tuple) else value
        raise Usage(f"--{option} goes with a file, got {text!r} with the data set {name}")
    data = datasets.load(name)
    sides = {"mnist": (28, 28), "digits": (8, 8)}.get(name)
    images = None if sides is None else data.X.reshape(-1, *sides)
    if name == "mnist":  # in float32 to the same bits, without half a GiB of float64
        return Points(np.divide(data.X, 255, dtype=np.float32), data.y, images=images)
    return Points(data.X.astype(np.float32), data.y, images=images)


def _of_table(table: Any, whole: bool = False) -> Points:
    """Return what a file held; `whole` if the file will not be there any more."""
    import numpy as np

    X = np.array(table.X) if whole and isinstance(table.X, np.memmap) else table.X
    images = None if table.sides is None else X.reshape(-1, *table.sides)
    return Points(X, table.labels, table.extra, table.columns, images, table.report)


def keep(Y: Any, points: Points, arguments: argparse.Namespace) -> None:
    """Write the map, and draw it."""
    from bhtsne import files

    labels, kept = points.labels, points.kept
    if is_stream(arguments.output):
        send(files.dumped(arguments.format or "csv", Y, labels=labels, columns=kept))
    elif arguments.output is not None:
        files.write(arguments.output, Y, labels=labels, columns=kept)
    if arguments.plot is not None:
        from bhtsne import plot

        plot.save(arguments.plot, Y, labels, theme=arguments.theme)
    if getattr(arguments, "html", None) is not None:
        from bhtsne import browser

        browser.write(
            arguments.html, Y, labels, columns=beside_label(points.shown()), images=points.images,
            title=arguments.input,
        )  # fmt: skip


def beside_label(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns of which none is called as the labels are."""
    return {"label_" if name == "label" else name: values for name, values in columns.items()}


def written(arguments: argparse.Namespace) -> dict[str, str | None]:
    """Return where each result went, by its option."""
    given = {name: vars(arguments)[name] for name in _TARGETS if name in arguments}
    return {name: None if path is None else str(path) for name, path in given.items()}


def tell(summary: dict[str, Any], lines: list[str], arguments: argparse.Namespace) -> None:
    """Print what was done: as JSON or as text, and not among a map that is piped out."""
    if arguments.json:
        print(json.dumps(summary))
        return
    places = [summary[name] for name in _TARGETS if summary.get(name)]
    lines = [*lines, *(f"written to {path}" for path in places if not is_stream(path))]
    piped = is_stream(getattr(arguments, "output", None))
    print("\n".join(lines), file=sys.stderr if piped else sys.stdout)


class Watch:
    """Seconds of each stage, and in all."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begin = self._last = time.perf_counter()

    def restart(self) -> None:
        """Begin a lap."""
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """End a lap, which was this stage."""
        self.seconds[stage] = time.perf_counter() - self._last
        self.restart()

    def total(self) -> float:
        """Return the seconds since the beginning."""
        return time.perf_counter() - self._begin

    def told(self) -> dict[str, Any]:
        """Return both, as a summary has them."""
        seconds = {stage: round(seconds, 3) for stage, seconds in self.seconds.items()}
        return {"seconds": seconds, "total_seconds": round(self.total(), 3)}
