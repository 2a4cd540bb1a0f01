"""Arguments → exit status: the command `bhtsne`, which runs one of its subcommands."""

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
    live,
    plot,
    report,
    resume,
    scan,
    streams,
    transform,
)
from bhtsne.cli.parser import Parser, Usage, check_known, did_you_mean

_COMMANDS = {
    "embed": embed, "live": live, "scan": scan, "report": report, "transform": transform,
    "resume": resume, "plot": plot, "animate": animate, "compare": compare, "data": data,
    "info": info, "completion": completion,
}  # fmt: skip
_EPILOG = """examples:
  bhtsne embed digits --plot digits.png
  bhtsne embed points.csv --labels species -o map.csv --html map.html
  bhtsne embed --help

Exit status: 0 on success, 2 for an invalid command or input file, 1 for any other failure, 130
after Ctrl-C.
"""
_WRONG_PATH = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
_FAILED, _INVALID, _INTERRUPTED, _CLOSED_PIPE = 1, 2, 130, 141


def run() -> NoReturn:
    """Run the command as the main program, and exit the process."""
    if sys.stderr is None:  # closed: `print` would write to stdout instead, into a piped map
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # open until the process ends
    status = main()
    with contextlib.suppress(OSError):  # closed pipe
        sys.stderr.flush()
    # A regular exit would also tear down LLVM and the thread pools, which takes noticeable time.
    os._exit(status)


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : list of str, optional
        Command-line arguments; by default those of the process.

    Returns
    -------
    int
        Exit status: 0 on success, 2 for invalid arguments or an invalid input file, 1 for any other
        failure, 130 after Ctrl-C or SIGTERM, 141 if the pipe of the output is closed. A status of 1
        or 2 comes with a message of one sentence on stderr.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        status = _run_command(argv)
        if sys.stdout is not None:  # None if closed, or in a service without a console
            sys.stdout.flush()
    except BrokenPipeError:
        streams.close_quietly()
        return _CLOSED_PIPE
    return status


def _run_command(argv: list[str]) -> int:
    """Run the command and return its exit status; report an error in one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _print_warning
            arguments = _parsed(argv)
            with interrupts.held(signal.SIGTERM):  # the command writes the map computed so far
                status = arguments.job(arguments)
                return _INTERRUPTED if interrupts.take() else status
    except BrokenPipeError:
        raise
    except KeyboardInterrupt as stop:
        message = str(stop) or "interrupted before there was a result."
        return _report_error(message, _INTERRUPTED, argv)
    except (TypeError, ValueError, *_WRONG_PATH) as error:
        return _report_error(str(error), _INVALID, argv)
    except (ArithmeticError, ImportError, MemoryError, OSError) as error:
        return _report_error(str(error) or type(error).__name__, _FAILED, argv)
    except Exception as error:
        if os.environ.get("BHTSNE_TRACEBACK"):
            raise
        message = f"unexpected {type(error).__name__}: {error}; set BHTSNE_TRACEBACK=1 for the "
        return _report_error(f"{message}traceback.", _FAILED, argv)


def _report_error(message: str, status: int, argv: list[str]) -> int:
    """Print an error on stderr, with --json also as an object on stdout; return the status."""
    message = " ".join(message.split())
    if "--json" in argv:
        print(json.dumps({"error": message, "status": status}))
    print(f"bhtsne: {message}", file=sys.stderr)
    return status


def _print_warning(message, *_: Any, **__: Any) -> None:
    print(f"bhtsne: {' '.join(str(message).split())}", file=sys.stderr)


def _parsed(argv: list[str]) -> argparse.Namespace:
    """Return the options of a command, or raise `Usage`."""
    parser = _parser()
    if "_ARGCOMPLETE" in os.environ:  # set by the shell for completion
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
