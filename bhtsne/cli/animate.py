"""`bhtsne animate`: from a run, its recording or a sequence of maps to a film."""

import argparse
from pathlib import Path
from typing import Any

from bhtsne.cli import fitting, maps
from bhtsne.cli.parser import Usage, add_command, add_common, add_table
from bhtsne.cli.points import Watch, check_film, load, tell, written

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
        help="film how a map comes to be, or a sequence of maps",
        description="Film a run on a data set or a file, a recording of one, or several maps of "
        "the same points, in their order.",
    )  # fmt: skip
    command.add_argument("maps", metavar="IN", nargs="+", help="a data set or points as for embed, "
                         "a recording .npz, or several maps that embed wrote")  # fmt: skip
    group = command.add_argument_group("the film")
    option = group.add_argument
    option("-o", "--output", dest="film", metavar="FILM", type=Path, help=".gif, or .mp4 where "
           "ffmpeg is; IN.gif if it is not named")  # fmt: skip
    option("--save", metavar="RUN", type=Path, help="keep the recording, .npz, for another film")
    option("--frames", type=int, default=100, metavar="N", help="maps of a run that are kept (100)")
    option("--seconds", type=float, metavar="S", help="from map to map (1; less for a run)")
    option("--fps", type=float, default=20, metavar="F", help="frames a second (20)")
    option("--size", type=float, metavar="A", help="area of a point in square typographic points")
    add_table(command)
    fitting.add_options(command)
    add_common(command)


def run(arguments: argparse.Namespace) -> int:
    """Film it; return the exit status."""
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
    pca = vars(arguments).get("reduced_to")  # there are none of maps that are given
    made = {"input": arguments.maps, "maps": len(film), "pca": pca}
    summary = {**made, **watch.told(), **written(arguments)}
    of = f" of {pca} principal components" if pca else ""
    tell(summary, [f"{len(film)} maps{of} in {summary['total_seconds']:.1f} s"], arguments)
    return 130 if getattr(arguments, "interrupted", False) else 0


def write_film(path: Path, film: Any, labels: Any, titles: Any = None, **given: Any) -> None:
    """Write a film of a recorder's maps, or of a list of them that have titles."""
    from bhtsne import plot

    options = {name: value for name, value in given.items() if value is not None}
    plot.animate(path, film, labels, titles=titles, **options)


def _sequence(arguments: argparse.Namespace) -> tuple[Any, Any, list[str] | None]:
    """Return a recorder, or the maps; their labels; and the maps' names."""
    from bhtsne.recorder import Recorder

    first, *more = arguments.maps
    if not more and maps.is_recording(first):
        film = Recorder.load(first)
        return film, maps.labels(maps.read(first), arguments.labels), None
    if not more:
        return *_run(first, arguments), None
    if arguments.save is not None:
        raise Usage("--save keeps the recording of a run, got several maps")
    given = [maps.read(name) for name in arguments.maps]
    labels = [maps.labels(one, arguments.labels) for one in given]
    same = labels[0] is not None and all((some == labels[0]).all() for some in labels[1:])
    each = labels[0] if same else labels
    return [one.Y for one in given], each, [one.name for one in given]


def _run(name: str, arguments: argparse.Namespace) -> tuple[Any, Any]:
    """Make a map and keep how it came to be."""
    from bhtsne.recorder import Recorder

    arguments.input = name
    points = load(arguments)
    X, arguments.reduced_to = fitting.reduced(points.X, arguments)
    film = Recorder(arguments.frames)
    watched = fitting.estimator(arguments, callbacks=[film], callback_every=fitting.EVERY)
    arguments.interrupted = watched.fit(X).stopped_ == "interrupt"
    if arguments.save is not None:
        film.save(arguments.save)
    return film, points.labels
