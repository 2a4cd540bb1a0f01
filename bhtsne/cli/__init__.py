"""The command: `bhtsne embed IN` makes a map, `resume` ends it, `transform` adds points to it."""

import argparse
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any, NoReturn

from bhtsne import __version__
from bhtsne.cli import embed, place, resume

_EPILOG = """examples:
  bhtsne embed digits --plot digits.png
  bhtsne embed mnist -o mnist.csv --plot mnist.png
  bhtsne embed points.csv --labels species --perplexity 50 -o map.parquet
  bhtsne embed train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz --plot map.png
  bhtsne embed points.csv --affinities multiscale --perplexity 30,300 --force-error 1e-3
  bhtsne embed clusters:100000 --quiet --json
  bhtsne embed points.npy --checkpoint run -o map.npy   # and, after whatever stopped it:
  bhtsne resume run
"""


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def run() -> NoReturn:
    """Run the command as a process of its own."""
    signal.signal(signal.SIGTERM, _stop)  # as Ctrl-C: what was reached is kept and written
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing is left to do, and taking LLVM and the thread pools apart would last another 0.6 s.
    os._exit(status)


def _stop(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        0; 2 for bad input, after one sentence on stderr; 130 after Ctrl-C.
    """
    arguments = _parser().parse_args(argv)
    arguments.argv = sys.argv[1:] if argv is None else argv
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            return arguments.job(arguments)
    except KeyboardInterrupt:
        print("bhtsne: interrupted before there was a map.", file=sys.stderr)
        return 130
    except (ArithmeticError, ImportError, MemoryError, OSError, TypeError, ValueError) as error:
        print(f"bhtsne: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def _warn(message, *_: Any, **__: Any) -> None:
    print(f"bhtsne: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="bhtsne", description="Barnes-Hut t-SNE, compiled with Numba.")
    parser.add_argument("--version", action="version", version=f"bhtsne {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_embed(commands)
    _add_resume(commands)
    _add_transform(commands)
    return parser


def _add_embed(commands: Any) -> None:
    command = commands.add_parser(
        "embed",
        help="make a map of a data set or a file",
        description="Make a t-SNE map of a data set or a file, and say how good it is.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(job=embed.run)
    add = command.add_argument
    add("input", metavar="IN", help="digits, mnist, clusters:N, or a file: .npy .npz .csv .tsv "
        ".parquet or IDX, also .gz")  # fmt: skip
    _add_output(command, "IN-tsne.npy if there is neither --plot nor --save")
    add("--save", metavar="MODEL", type=Path, help="keep the fitted map, .npz, for `bhtsne "
        "transform`; IN is then not reduced unless --pca says so")  # fmt: skip
    add("--perplexity", type=_numbers, default=30.0, metavar="P[,P…]",
        help="neighbours that count (30)")  # fmt: skip
    add("--affinities", default="perplexity", help="perplexity, multiscale, mixture, uniform or "
        "fixed_sigma (perplexity)")  # fmt: skip
    add("--sigma", type=float, help="width of the Gaussian for fixed_sigma")
    add("--pca", type=int, metavar="D", help="reduce to D principal components first (50 if "
        "there are more features; 0: never)")  # fmt: skip
    add("--n-components", type=int, default=2, metavar="D", help="dimensions of the map (2)")
    add("--method", default="barnes_hut", help="barnes_hut or exact")
    add("--theta", type=float, default=0.5, help="accuracy of Barnes-Hut; 0 is exact (0.5)")
    add("--force-error", type=float, metavar="E", help="choose theta by the measured error")
    add("--dof", type=float, default=1.0, help="degrees of freedom of the kernel (1)")
    add("--init", default="pca", help="pca, spectral or random (pca)")
    add("--exaggeration", type=float, default=1.0, help="attraction, after the early phase (1)")
    add("--early-exaggeration", type=_number_or_auto, default="auto", metavar="X", help="(12)")
    add("--n-iter", type=int, help="iterations after early exaggeration (the schedule's)")
    add("--min-kl-rate", type=float, default=0.0, metavar="R", help="go on until the divergence "
        "falls by less than this part of itself an iteration")  # fmt: skip
    add("--learning-rate", type=_number_or_auto, default="auto", help="(N / exaggeration)")
    add("--schedule", default="fast", help="fast, or opentsne: its 750 iterations (fast)")
    add("--metric", default="euclidean", help="distance between points (euclidean)")
    add("--seed", type=int, default=0, help="same seed, same map (0)")
    add("--checkpoint", metavar="RUN", type=Path, help="a folder that keeps what is reached, for "
        "`bhtsne resume RUN`")  # fmt: skip
    _add_common(command)


def _add_resume(commands: Any) -> None:
    command = commands.add_parser(
        "resume",
        help="go on with an embed that kept a checkpoint",
        description="Go on with what `bhtsne embed --checkpoint RUN` had begun, from where it was "
        "stopped, to the same map, bit for bit.",
    )
    command.set_defaults(job=lambda arguments: resume.run(arguments, main))
    command.add_argument("checkpoint", metavar="RUN", type=Path, help="the folder")


def _add_transform(commands: Any) -> None:
    command = commands.add_parser(
        "transform",
        help="place new points on a map that embed --save has kept",
        description="Place new points on a fitted map, each on its own; the map stays.",
    )
    command.set_defaults(job=place.run)
    command.add_argument("model", metavar="MODEL", type=Path, help="what embed --save wrote")
    command.add_argument("input", metavar="IN", help="new points: a file as for embed")
    _add_output(command, "IN-tsne.npy if there is no --plot either")
    command.add_argument("--n-iter", type=int, default=150, help="iterations (150)")
    command.add_argument("--init", default="weighted", help="weighted, median or random (weighted)")
    _add_common(command)


def _add_output(command: argparse.ArgumentParser, otherwise: str) -> None:
    add = command.add_argument
    add("-o", "--output", metavar="OUT", type=Path, help=f".npy, .csv, .tsv or .parquet; "
        f"{otherwise}")  # fmt: skip
    add("--plot", metavar="PNG", type=Path, help="draw the map: .png, .pdf or .svg")
    add("--labels", metavar="NAME", help="column of IN, array of an .npz, or a file of its own")


def _add_common(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--threads", type=int, metavar="N", help="threads (all)")
    add("--quiet", action="store_true", help="no progress bar")
    add("--json", action="store_true", help="print the summary as JSON")


def _numbers(text: str) -> float | list[float]:
    numbers = [float(part) for part in text.split(",")]
    return numbers if len(numbers) > 1 else numbers[0]


def _number_or_auto(text: str) -> float | str:
    return text if text == "auto" else float(text)
