"""`bhtsne resume`: from a checkpoint to the end of the command that began it."""

import argparse
import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from bhtsne import __version__


def note(arguments: argparse.Namespace) -> None:
    """Keep the command beside what it reaches, so that it can be gone on with."""
    from bhtsne import checkpoint, files

    with checkpoint.Folder(arguments.checkpoint) as folder:
        if folder.read("run") is not None:  # another command may be refused, and is not to stay
            return
        told = {"bhtsne": __version__, "argv": arguments.argv, "folder": str(Path.cwd())}
        with files.replacing(folder.path / checkpoint.COMMAND) as file:
            file.write(json.dumps(told).encode())


def run(arguments: argparse.Namespace, main: Callable[[list[str]], int]) -> int:
    """Give the same command again, where it was given; return the exit status."""
    from bhtsne import checkpoint, files

    path = arguments.checkpoint.resolve()
    if not (path / checkpoint.COMMAND).exists():
        raise FileNotFoundError(
            f"RUN must be a folder that `bhtsne embed --checkpoint` has kept, got {path}; what "
            "TSNE(checkpoint=…) keeps is for TSNE.resume."
        )
    with files.sentences(path / checkpoint.COMMAND, "the command that began the run"):
        told = json.loads((path / checkpoint.COMMAND).read_bytes())
        argv = [*map(str, told["argv"]), "--checkpoint", str(path)]  # it may have been moved
        folder = Path(told["folder"])
    with contextlib.chdir(folder):
        return main(argv)
