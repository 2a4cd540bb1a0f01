"""`bhtsne resume`: from a checkpoint to the end of the command that began it."""

import argparse
import contextlib
import json
from pathlib import Path
from typing import Any

from bhtsne import __version__
from bhtsne.cli.parser import add_command, add_common

_EXAMPLES = """
bhtsne embed points.npy --checkpoint run -o map.npy   # and, after whatever stopped it:
bhtsne resume run
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "resume", run, _EXAMPLES,
        help="go on with an embed that kept a checkpoint",
        description="Go on with what `bhtsne embed --checkpoint RUN` had begun, from where it was "
        "stopped, to the same map, bit for bit.",
    )  # fmt: skip
    command.add_argument("checkpoint", metavar="RUN", type=Path, help="the folder")
    add_common(command)


def note(arguments: argparse.Namespace) -> None:
    """Keep the command beside what it reaches, so that it can be gone on with."""
    from bhtsne import files
    from bhtsne.checkpoint.folder import COMMAND, Folder

    with Folder(arguments.checkpoint) as folder:
        if folder.read("run") is not None:  # another command may be refused, and is not to stay
            return
        told = {"bhtsne": __version__, "argv": arguments.argv, "folder": str(Path.cwd())}
        with files.atomic_write(folder.path / COMMAND) as file:
            file.write(json.dumps(told).encode())


def run(arguments: argparse.Namespace) -> int:
    """Give the same command again, where it was given; return the exit status."""
    from bhtsne import cli, files
    from bhtsne.checkpoint.folder import COMMAND

    path = arguments.checkpoint.resolve()
    if not (path / COMMAND).exists():
        raise FileNotFoundError(
            f"RUN must be a folder that `bhtsne embed --checkpoint` has kept, got {path}; what "
            "TSNE(checkpoint=…) keeps is for TSNE.resume."
        )
    with files.readable_errors(path / COMMAND, "the command that began the run"):
        told = json.loads((path / COMMAND).read_bytes())
        argv = [*map(str, told["argv"]), "--checkpoint", str(path)]  # it may have been moved
        folder = Path(told["folder"])
    if not folder.is_dir():
        raise FileNotFoundError(
            f"RUN must be a run whose working folder exists, got {path}, begun in {folder}; make "
            "that folder, with the command's files, again."
        )
    argv += ["--quiet"] if arguments.quiet else []
    argv += ["--json"] if arguments.json else []
    argv += [] if arguments.threads is None else ["--threads", str(arguments.threads)]
    with contextlib.chdir(folder):
        return cli.main(argv)
