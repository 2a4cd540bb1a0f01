"""Table larger than memory → folder of parts of its map: `bhtsne embed --landmarks`.

Landmarks are embedded. All other points are placed on the map of the landmarks, part by part, by
this process or by the workers of Dask.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from bhtsne.choices import LANDMARKS
from bhtsne.cli import fitting
from bhtsne.cli.parser import Parser, Usage, complete_with, count, one_of
from bhtsne.cli.points import (
    Watch,
    check_targets,
    print_report,
    print_summary,
    stem,
    table_of,
)

_SAMPLE = 10_000  # first points, of which the variances are compared
# Options that need the map in memory, with their defaults.
_UNSUPPORTED = dict.fromkeys(
    ("html", "film", "save", "checkpoint", "format", "header", "delimiter", "decimal", "missing")
) | {"standardize": False}


def add_options(command: Parser) -> None:
    """Add the options of landmarks."""
    text = (
        "IN is a .npy, a .parquet or a folder of such files; OUT is a folder of parts, which "
        "readers of Parquet read as one table. After an interruption, the same command computes "
        "the missing parts. Principal components are those of the landmarks."
    )
    group = command.add_argument_group("data larger than memory", "\n".join(wrap(text, 80)))
    add = group.add_argument
    add("--landmarks", metavar="N", type=count, help="number of landmarks, which are embedded; the "
        "other points are placed on their map, part by part")  # fmt: skip
    action = add("--landmarks-by", metavar="WAY", type=one_of(LANDMARKS), help="choice of the "
                 "landmarks: uniform, coreset, which favours points far from the mean, or "
                 "stratified, which takes a share of each label (uniform)")  # fmt: skip
    complete_with(action, *LANDMARKS)
    action = add("--dask", metavar="WHERE", help="processes that place the points: local, one for "
                 "each core, or the address of a Dask scheduler, tcp://…, whose workers need the "
                 "same paths to IN and OUT (this process)")  # fmt: skip
    complete_with(action, "local")


def is_requested(arguments: argparse.Namespace) -> bool:
    """Return whether --landmarks is given, or raise `Usage` if an option requires it."""
    if arguments.landmarks is None:
        for name in ("landmarks_by", "dask"):
            if getattr(arguments, name) is not None:
                raise Usage(f"--{name.replace('_', '-')} goes with --landmarks; add --landmarks N")
    return arguments.landmarks is not None


def run(arguments: argparse.Namespace) -> int:
    """Embed the landmarks unless OUT has their map, and place the missing parts."""
    _check(arguments)
    from bhtsne.landmarks import folder
    from bhtsne.tables import Wanted, partwise

    watch = Watch()
    parts = partwise.cut(arguments.input, folder.ROWS)
    columns = partwise.columns(arguments.input, Wanted(arguments.labels, **_of_columns(arguments)))
    report = _report(arguments, columns, parts)
    y = _labels(arguments, columns, sum(part.rows for part in parts))
    how, settings = _landmarks(arguments, parts, columns)
    with folder.begun(arguments.output, settings) as is_mapped:
        print_report(report, arguments)
        if is_mapped:
            model = folder.read_model(arguments.output)
        else:
            model = folder.fit(arguments.output, settings, parts, columns, y, how)
        watch.lap("landmarks")
        left = folder.missing(arguments.output, parts)
        tasks = [_task(arguments.output, i, parts, columns, y) for i in left]
        done = _placed(arguments, tasks, len(parts))
    watch.lap("placing")
    if arguments.plot is not None:
        _draw(arguments.output, arguments)
    watch.lap("write")
    summary = _summary(arguments, model, parts, done, watch)
    summary |= {"pca": settings["--pca"] or None, "table": table_of(report)}
    print_summary(summary, _lines(summary), arguments)
    return 0


def _report(arguments: argparse.Namespace, columns: Any, parts: Sequence[Any]) -> Any:
    """Return a report of the columns, or None for an array without notes."""
    from bhtsne.tables import Report, partwise, scales

    rows = sum(part.rows for part in parts)
    X, _ = next(partwise.read(parts[0], columns, _SAMPLE))
    found = scales.dominance(X, columns.points if len(columns.points) == X.shape[1] else None)
    notes = [] if found is None else [f"{found} (standardize the columns of IN, or --drop one)"]
    if not columns.points:
        return Report(rows, [], vectors=X.shape[1], notes=notes) if notes else None
    aside = dict(columns.set_aside)
    return Report(
        rows, list(columns.points), label=columns.label or arguments.labels, id=arguments.id,
        set_aside=aside, kept=[name for name in columns.extra if name not in aside],
        dropped=list(arguments.drop), notes=notes,
    )  # fmt: skip


def _summary(arguments: argparse.Namespace, model, parts, done, watch: Watch) -> dict[str, Any]:
    from bhtsne import memory

    placed = sum(result["rows"] for result in done)
    return {
        "input": arguments.input,
        "points": sum(part.rows for part in parts),
        "features": model.n_features_in_,
        "landmarks": len(model.embedding_),
        "n_iter": model.n_iter_,
        "kl_divergence": model.kl_divergence_,
        "parts": len(parts),
        "parts_placed": len(done),
        "points_placed": placed,
        "points_per_second": round(placed / watch.seconds["placing"], 1) if placed else None,
        **watch.summary(),
        "peak_memory_bytes": memory.peak(),
        "workers_peak_memory_bytes": _peak_of_workers(done, arguments),
        "output": str(arguments.output),
        "plot": None if arguments.plot is None else str(arguments.plot),
    }


def _check(arguments: argparse.Namespace) -> None:
    """Raise `Usage` for invalid options, before IN is read."""
    for name, default in _UNSUPPORTED.items():
        if getattr(arguments, name) is not default:
            raise Usage(f"--{name} does not go with --landmarks; leave out one of them")
    if arguments.landmarks_by == "stratified" and arguments.labels is None:
        raise Usage("--landmarks-by stratified needs labels, got none; add --labels")
    path = Path(arguments.input)
    if not (path.is_dir() or (path.exists() and path.suffix in (".npy", ".parquet"))):
        raise Usage(
            "IN must be a .npy file, a .parquet file or a folder of such files with --landmarks, "
            f"got {arguments.input!r}"
        )
    if arguments.output is None:
        arguments.output = Path(f"{stem(arguments)}-tsne.parquet")
    if arguments.output.suffix != ".parquet":
        raise Usage(f"OUT must end in .parquet with --landmarks, got {arguments.output}")
    if arguments.output.resolve() == path.resolve():
        raise Usage(f"OUT must differ from IN, got {arguments.output} for both")
    check_targets(arguments)


def _of_columns(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of columns other than labels."""
    return {name: vars(arguments)[name] for name in ("id", "keep", "drop", "features")}


def _labels(arguments: argparse.Namespace, columns: Any, n: int) -> Any:
    """Return all labels if the choice of landmarks or a file of labels requires them, or None."""
    from bhtsne import tables
    from bhtsne.tables import partwise

    if arguments.labels is not None and columns.label is None:
        return tables.read_labels(arguments.labels, n)
    if arguments.landmarks_by == "stratified":
        return partwise.label_column(arguments.input, columns.label)
    return None


def _landmarks(arguments: argparse.Namespace, parts: Any, columns: Any) -> tuple[Any, dict]:
    """Return the settings of the landmarks, and all settings on which the map depends."""
    from bhtsne import TSNE
    from bhtsne.landmarks.folder import Landmarks
    from bhtsne.tables import partwise

    row, _ = next(partwise.read(parts[0], columns, 1))
    width = row.shape[1]
    tsne = TSNE(**fitting.parameters(arguments).get_params())
    n_components = fitting.components_of(arguments.pca, arguments.metric, width)
    n_components = 0 if n_components >= min(width, arguments.landmarks) else n_components
    way = arguments.landmarks_by or LANDMARKS[0]
    options = tsne.get_params(deep=False)
    for name in ("n_jobs", "verbose", "callbacks", "callback_every", "checkpoint"):
        options.pop(name, None)
    settings = {
        "--landmarks": arguments.landmarks, "--landmarks-by": way, "--pca": n_components,
        "--labels": arguments.labels,
        **{f"--{name}": given for name, given in _of_columns(arguments).items()},
        "parameters": {
            name: value for name, value in options.items() if not name.startswith("checkpoint")
        },
        "input": partwise.fingerprints(arguments.input),
    }  # fmt: skip
    return Landmarks(arguments.landmarks, way, n_components, tsne), settings


def _task(out: Path, i: int, parts: Any, columns: Any, y: Any) -> Any:
    from bhtsne.landmarks.folder import Task

    start = sum(part.rows for part in parts[:i])
    labels = None if columns.label is not None or y is None else y[start : start + parts[i].rows]
    return Task(str(out.resolve()), i, parts[i], columns, labels)


def _placed(arguments: argparse.Namespace, tasks: list, parts: int) -> list[dict[str, Any]]:
    """Place parts; return the result of each. An error states the number of finished parts."""
    from bhtsne.progress import Progress

    done: list[dict[str, Any]] = []

    def finished() -> str:
        return (
            f"{parts - len(tasks) + len(done)} of {parts} parts are finished and stay in "
            f"{arguments.output}"
        )

    rows = sum(task.part.rows for task in tasks)
    try:
        with Progress(not arguments.quiet and bool(tasks)).counted("placing", rows) as advance:
            done.extend(_each(arguments, tasks, advance))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted; {finished()}, and the same command continues."
        ) from None
    except (TypeError, ValueError, OSError, MemoryError) as error:
        kind = next(
            k for k in (TypeError, ValueError, OSError, MemoryError) if isinstance(error, k)
        )
        raise kind(f"{str(error).rstrip('.')}; {finished()}.") from error
    return done


def _each(arguments: argparse.Namespace, tasks: list, advance: Any) -> Iterator[dict[str, Any]]:
    from bhtsne import jit
    from bhtsne.dask import clusters
    from bhtsne.landmarks import folder

    if arguments.dask is None or not tasks:
        with jit.threads(arguments.threads):
            for task in tasks:
                yield folder.place(task, advance)
        return
    with clusters.client(arguments.dask, arguments.threads) as client:
        for result in clusters.results(client, folder.place, [(task,) for task in tasks]):
            advance(result["rows"])
            yield result


def _draw(out: Path, arguments: argparse.Namespace) -> None:
    from bhtsne import plot
    from bhtsne.cli import maps

    given = maps.read(str(out))
    plot.save(arguments.plot, given.Y, maps.labels(given, None), theme=arguments.theme)


def _peak_of_workers(done: list[dict[str, Any]], arguments: argparse.Namespace) -> int | None:
    peaks = [result["peak_memory_bytes"] or 0 for result in done]
    return max(peaks) if arguments.dask and peaks else None


def _lines(summary: dict[str, Any]) -> list[str]:
    """Return the summary as lines of text."""
    seconds = summary["seconds"]
    lines = [
        f"{summary['points']:,} points, {summary['landmarks']:,} of them landmarks of "
        f"{summary['features']} features, embedded in {seconds['landmarks']:.1f} s; KL divergence "
        f"{summary['kl_divergence']:.4f}",
        f"{summary['points_placed']:,} points in {summary['parts_placed']} of {summary['parts']} "
        f"parts placed in {seconds['placing']:.1f} s",
    ]
    if summary["pca"]:
        lines[0] += f"; reduced to {summary['pca']} principal components"
    if summary["points_per_second"]:
        lines[-1] += f", {summary['points_per_second']:,.0f} per second"
    if summary["peak_memory_bytes"]:
        lines.append(f"peak memory {summary['peak_memory_bytes'] / 2**20:,.0f} MiB")
    if summary["workers_peak_memory_bytes"]:
        lines[-1] += f", {summary['workers_peak_memory_bytes'] / 2**20:,.0f} MiB of a worker"
    return lines
