"""`bhtsne completion`: from the name of a shell to what it runs to complete words."""

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
        help="print what lets the Tab key complete words",
        description="Print what lets a shell complete commands, options, their values, data sets, "
        "and the columns of the file that was named.",
    )  # fmt: skip
    command.add_argument("shell", metavar="SHELL", choices=_SHELLS, help="bash, zsh or fish")
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Print it; return the exit status."""
    import argcomplete

    code = argcomplete.shellcode(["bhtsne"], shell=arguments.shell)
    print(json.dumps({"shell": arguments.shell, "code": code}) if arguments.json else code)
    return 0
