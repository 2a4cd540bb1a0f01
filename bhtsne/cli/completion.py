"""Name of a shell → its completion script: the command `bhtsne completion`."""

import argparse
import json
from typing import Any

from bhtsne.cli.parser import add_command, add_json

_SHELLS = ("bash", "zsh", "fish")
_EXAMPLES = """
eval "$(bhtsne completion bash)"        # in ~/.bashrc; the same for zsh, in ~/.zshrc
bhtsne completion fish | source         # in ~/.config/fish/config.fish
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = add_command(
        commands, "completion", run, _EXAMPLES,
        help="print a completion script for a shell",
        description="Print the script by which a shell completes commands, options, values of "
        "options, data sets, and columns of the input file.",
    )  # fmt: skip
    command.add_argument("shell", metavar="SHELL", choices=_SHELLS, help="bash, zsh or fish")
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Print the script; return the exit status."""
    import argcomplete

    code = argcomplete.shellcode(["bhtsne"], shell=arguments.shell)
    print(json.dumps({"shell": arguments.shell, "code": code}) if arguments.json else code)
    return 0
