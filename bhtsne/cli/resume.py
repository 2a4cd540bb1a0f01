"""Checkpoint of an interrupted `bhtsne embed` → its results: the command `bhtsne resume`."""

import argparse
import contextlib
import json
from pathlib import Path
from typing import Any

from bhtsne import __version__
from bhtsne.cli.parser import add_command, add_common

_EXAMPLES = """
bhtsne embed points.npy --checkpoint run -o map.npy   # interrupted
bhtsne resume run
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "resume", run, _EXAMPLES,
        help="resume an embed from its checkpoint",
        description="Resume an interrupted `bhtsne embed --checkpoint RUN`. The map equals that of "
        "an uninterrupted run, bit for bit.",
    )  # fmt: skip
    command.add_argument("checkpoint", metavar="RUN", type=Path, help="folder of the checkpoint")
    add_common(command)


def note(arguments: argparse.Namespace) -> None:
    """Write the command to the folder of its checkpoint, from which `run` repeats it."""
    from bhtsne import files
    from bhtsne.checkpoint.folder import COMMAND, Folder

    with Folder(arguments.checkpoint) as folder:
        # A folder with a run belongs to the command in it. This one fails if its run is another.
        if folder.read("run") is not None:
            return
        command = {"bhtsne": __version__, "argv": arguments.argv, "folder": str(Path.cwd())}
        with files.atomic_write(folder.path / COMMAND) as file:
            file.write(json.dumps(command).encode())


def run(arguments: argparse.Namespace) -> int:
    """Repeat the command in its working folder; return the exit status."""
    from bhtsne import cli, files
    from bhtsne.checkpoint.folder import COMMAND

    path = arguments.checkpoint.resolve()
    if not (path / COMMAND).exists():
        raise FileNotFoundError(
            f"RUN must be a folder of `bhtsne embed --checkpoint`, got {path}; use TSNE.resume for "
            "a checkpoint of TSNE(checkpoint=…)."
        )
    with files.readable_errors(path / COMMAND, "the command that began the run"):
        command = json.loads((path / COMMAND).read_bytes())
        # The last --checkpoint counts, and the folder may have been moved.
        argv = [*map(str, command["argv"]), "--checkpoint", str(path)]
        folder = Path(command["folder"])
    if not folder.is_dir():
        raise FileNotFoundError(
            f"RUN must be a run with an existing working folder, got {path}, begun in {folder}; "
            "restore that folder and the files of the command."
        )
    argv += ["--quiet"] if arguments.quiet else []
    argv += ["--json"] if arguments.json else []
    argv += [] if arguments.threads is None else ["--threads", str(arguments.threads)]
    with contextlib.chdir(folder):
        return cli.main(argv)
