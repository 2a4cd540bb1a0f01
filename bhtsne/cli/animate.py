"""Run, recording or sequence of maps → film: the command `bhtsne animate`."""

import argparse
from pathlib import Path
from typing import Any

from bhtsne.cli import fitting, maps
from bhtsne.cli.parser import MARKER_AREA, Usage, add_command, add_common, add_table
from bhtsne.cli.points import Watch, check_film, load, output_paths, print_summary

_EXAMPLES = """
bhtsne animate digits -o digits.gif
bhtsne animate points.csv --labels species --perplexity 50 -o film.gif --save run.npz
bhtsne animate run.npz --labels species.txt --seconds 0.2 -o slower.mp4
bhtsne animate epoch1.csv epoch2.csv epoch3.csv -o epochs.gif
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "animate", run, _EXAMPLES,
        help="film a run, or a sequence of maps",
        description="Film a run on a data set or a file, the recording of a run, or several maps "
        "of the same points in the given order.",
    )  # fmt: skip
    command.add_argument("maps", metavar="IN", nargs="+", help="a data set or points as for embed, "
                         "a recording .npz, or several maps written by embed")  # fmt: skip
    group = command.add_argument_group("film")
    option = group.add_argument
    option("-o", "--output", dest="film", metavar="FILM", type=Path, help=".gif, or .mp4 if ffmpeg "
           "is installed (IN.gif)")  # fmt: skip
    option("--save", metavar="RUN", type=Path, help="save the recording of the run as .npz, for "
           "further films")  # fmt: skip
    option("--frames", type=int, default=100, metavar="N", help="largest number of recorded maps "
           "of a run (100)")  # fmt: skip
    option("--seconds", type=float, metavar="S", help="time from one map to the next (1; less for "
           "a run)")  # fmt: skip
    option("--fps", type=float, default=20, metavar="F", help="frames per second (20)")
    option("--size", type=float, metavar="A", help=MARKER_AREA)
    add_table(command)
    fitting.add_options(command)
    add_common(command)


def run(arguments: argparse.Namespace) -> int:
    """Write the film; return the exit status."""
    from bhtsne import files

    if arguments.film is None:
        arguments.film = Path(f"{Path(arguments.maps[0]).name.split('.')[0].replace(':', '-')}.gif")
    check_film(arguments.film)
    if arguments.save is not None:
        files.check_target(arguments.save, (".npz",))
    watch = Watch()
    film, labels, titles = _sequence(arguments)
    watch.lap("maps")
    options = {name: getattr(arguments, name) for name in ("seconds", "fps", "size")}
    write_film(arguments.film, film, labels, titles, **options)
    watch.lap("film")
    pca = vars(arguments).get("reduced_to")  # set for a run only
    result = {"input": arguments.maps, "maps": len(film), "pca": pca}
    summary = {**result, **watch.summary(), **output_paths(arguments)}
    of = f" of {pca} principal components" if pca else ""
    line = f"{len(film)} maps{of} in {summary['total_seconds']:.1f} s"
    print_summary(summary, [line], arguments)
    return 130 if getattr(arguments, "interrupted", False) else 0


def write_film(path: Path, film: Any, labels: Any, titles: Any = None, **given: Any) -> None:
    """Write a film of the maps of a recorder, or of a list of maps with titles."""
    from bhtsne import plot

    options = {name: value for name, value in given.items() if value is not None}
    plot.animate(path, film, labels, titles=titles, **options)


def _sequence(arguments: argparse.Namespace) -> tuple[Any, Any, list[str] | None]:
    """Return a recorder or a list of maps, their labels, and the titles of the maps."""
    from bhtsne.recorder import Recorder

    first, *more = arguments.maps
    if not more and maps.is_recording(first):
        film = Recorder.load(first)
        return film, maps.labels(maps.read(first), arguments.labels), None
    if not more:
        return *_run(first, arguments), None
    if arguments.save is not None:
        raise Usage("--save goes with a run, got several maps; leave --save out")
    sequence = [maps.read(name) for name in arguments.maps]
    labels = [maps.labels(each, arguments.labels) for each in sequence]
    same = labels[0] is not None and all((other == labels[0]).all() for other in labels[1:])
    titles = [each.name for each in sequence]
    return [each.Y for each in sequence], labels[0] if same else labels, titles


def _run(name: str, arguments: argparse.Namespace) -> tuple[Any, Any]:
    """Fit a map; return the recorder of the run and the labels."""
    from bhtsne.recorder import Recorder

    arguments.input = name
    points = load(arguments)
    _, X, arguments.reduced_to = fitting.prepared(points.X, arguments)
    film = Recorder(arguments.frames)
    model = fitting.parameters(arguments, callbacks=[film], callback_every=fitting.RECORD_EVERY)
    arguments.interrupted = model.run(X).stopped_ == "interrupt"
    if arguments.save is not None:
        film.save(arguments.save)
    return film, points.labels
