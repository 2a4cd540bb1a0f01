"""The command `bhtsne`: what is typed → one of its commands, and the exit status."""

import argparse
import contextlib
import json
import os
import signal
import sys
import warnings
from typing import Any, NoReturn

from bhtsne import __version__, interrupts
from bhtsne.cli import (
    animate,
    compare,
    completion,
    data,
    embed,
    info,
    plot,
    resume,
    streams,
    transform,
)
from bhtsne.cli.parser import Parser, Usage, check_known, did_you_mean

_COMMANDS = {
    "embed": embed, "transform": transform, "resume": resume, "plot": plot, "animate": animate,
    "compare": compare, "data": data, "info": info, "completion": completion,
}  # fmt: skip
_EPILOG = """examples:
  bhtsne embed digits --plot digits.png
  bhtsne embed points.csv --labels species -o map.csv --html map.html
  bhtsne embed --help

The exit status is 0; 2 where the command, or what a file holds, cannot be meant so; 1 where it
failed; 130 after Ctrl-C.
"""
_MISNAMED = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
_FAILED, _MEANT_OTHERWISE, _INTERRUPTED, _READER_GONE = 1, 2, 130, 141


def run() -> NoReturn:
    """Run the command as a process of its own."""
    if sys.stderr is None:  # closed: `print` would take the standard output, where the map may go
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # until the process ends
    status = main()
    with contextlib.suppress(OSError):  # its reader has gone
        sys.stderr.flush()
    # Nothing is left to do, and taking LLVM and the thread pools apart would last another 0.6 s.
    os._exit(status)


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        0. After one sentence on stderr: 2 where the arguments, or what a file holds, cannot be
        meant so, 1 where it failed, 130 after Ctrl-C or SIGTERM. 141 if nobody reads the output any
        more.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        status = _status(argv)
        if sys.stdout is not None:  # closed, or none, as of a service
            sys.stdout.flush()
    except BrokenPipeError:
        streams.close_quietly()
        return _READER_GONE
    return status


def _status(argv: list[str]) -> int:
    """Run the command, and say what is wrong in one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            arguments = _parsed(argv)
            with interrupts.held(signal.SIGTERM):  # what was reached is written
                status = arguments.job(arguments)
                return _INTERRUPTED if interrupts.take() else status
    except BrokenPipeError:
        raise
    except KeyboardInterrupt as stop:
        told = str(stop) or "interrupted before there was a result."
        return _fault(told, _INTERRUPTED, argv)
    except (TypeError, ValueError, *_MISNAMED) as error:
        return _fault(str(error), _MEANT_OTHERWISE, argv)
    except (ArithmeticError, ImportError, MemoryError, OSError) as error:
        return _fault(str(error) or type(error).__name__, _FAILED, argv)
    except Exception as error:
        if os.environ.get("BHTSNE_TRACEBACK"):
            raise
        told = f"{type(error).__name__}: {error}, which nobody foresaw; BHTSNE_TRACEBACK=1 shows "
        return _fault(f"{told}where it was.", _FAILED, argv)


def _fault(told: str, status: int, argv: list[str]) -> int:
    told = " ".join(told.split())
    if "--json" in argv:
        print(json.dumps({"error": told, "status": status}))
    print(f"bhtsne: {told}", file=sys.stderr)
    return status


def _warn(message, *_: Any, **__: Any) -> None:
    print(f"bhtsne: {' '.join(str(message).split())}", file=sys.stderr)


def _parsed(argv: list[str]) -> argparse.Namespace:
    """Return the options of a command, or raise `Usage`."""
    parser = _parser()
    if "_ARGCOMPLETE" in os.environ:  # the shell asks what could come next
        import argcomplete

        argcomplete.autocomplete(parser)
    word = next(iter(argv), "--help")
    if word.startswith("-") and word not in ("-h", "--help", "--version"):
        check_known([word], parser)
    elif not word.startswith("-") and word not in _COMMANDS:
        hint = did_you_mean(word, _COMMANDS) or "; see bhtsne --help"
        raise Usage(f"there is no command {word!r}{hint}")
    arguments, extra = parser.parse_known_args(argv or ["--help"])
    check_known(extra, arguments.parser)
    arguments.argv = argv
    return arguments


def _parser() -> Parser:
    parser = Parser(
        prog="bhtsne", description="Barnes-Hut t-SNE, compiled with Numba.", epilog=_EPILOG
    )
    parser.add_argument("--version", action="version", version=f"bhtsne {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND [options]")
    for module in _COMMANDS.values():
        module.add(commands)
    return parser
