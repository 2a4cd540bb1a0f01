"""What the commands share: points in, a map out, and the time in between."""

import argparse
import time
from pathlib import Path
from typing import Any


def check_targets(arguments: argparse.Namespace) -> None:
    """Refuse before the work what could not be written after it."""
    from bhtsne import files, plot

    if arguments.output is not None:
        files.check_target(arguments.output, files.SUFFIXES)
    if arguments.plot is not None:
        files.check_target(arguments.plot, plot.SUFFIXES)
    if getattr(arguments, "save", None) is not None:
        files.check_target(arguments.save, (".npz",))


def load(name: str, labels: str | None) -> tuple[Any, Any]:
    """Return the points and labels of a data set or a file."""
    from bhtsne import datasets, files

    if name.partition(":")[0] in datasets.NAMES and not Path(name).exists():
        data = datasets.load(name)
        if labels is not None:
            raise ValueError(f"--labels goes with a file, got {labels!r}; {name} has its own.")
        X = data.X / 255.0 if name == "mnist" else data.X
        return X.astype("float32"), data.y
    if not Path(name).exists():
        raise FileNotFoundError(
            f"IN must be a file or one of {', '.join(datasets.NAMES)}, got {name!r}."
        )
    table = files.read(name, labels=labels)
    return table.X, table.labels


def written(arguments: argparse.Namespace) -> dict[str, str | None]:
    """Return where the map and its picture went."""
    paths = {"output": arguments.output, "plot": arguments.plot}
    return {name: None if path is None else str(path) for name, path in paths.items()}


def keep(Y: Any, labels: Any, arguments: argparse.Namespace) -> None:
    """Write the map, and draw it."""
    if arguments.output is not None:
        from bhtsne import files

        files.write(arguments.output, Y, labels=labels)
    if arguments.plot is not None:
        from bhtsne import plot

        plot.save(arguments.plot, Y, labels)


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
