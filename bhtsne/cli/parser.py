"""Arguments → options: a parser whose errors are one sentence with a remedy."""

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Any, NoReturn

from bhtsne.choices import MISSING

FORMATS = ("csv", "tsv", "npy", "parquet")
_THEMES = ("light", "dark")
INPUT = (
    "digits, mnist, clusters:N, a file (.csv .tsv .txt .parquet .feather .jsonl .xlsx .npy .npz or "
    "IDX, also .gz), or - for the standard input"
)
MARKER_AREA = "area of a marker in square points of 1/72 inch"
_DELIMITERS = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}


class Usage(ValueError):
    """An invalid command line."""


class Parser(argparse.ArgumentParser):
    """A parser without abbreviated options, whose help ends with examples."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **options,
            allow_abbrev=False,
            formatter_class=partial(argparse.RawDescriptionHelpFormatter, max_help_position=30),
        )
        self.set_defaults(parser=self)  # the parser of a command replaces the main parser

    def error(self, message: str) -> NoReturn:
        """Raise `Usage`."""
        raise Usage(message if message.endswith("?") else f"{message}; see {self.prog} --help")


def add_command(commands: Any, name: str, run: Callable, examples: str, **texts: str) -> Parser:
    """Add a command that calls `run`; return its parser."""
    lines = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    texts["description"] = "\n".join(wrap(texts["description"], 80))
    command = commands.add_parser(name, epilog=f"examples:\n{lines}\n", **texts)
    command.set_defaults(job=run)
    return command


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question with the most similar known word, or an empty string."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def check_known(extra: list[str], command: Parser) -> None:
    """Raise `Usage` for arguments that the command does not have."""
    if not extra:
        return
    word = next((word for word in extra if word.startswith("-")), extra[0])
    options = re.findall(r"(?<![\w-])--?[\w-]+", command.format_usage())
    hint = did_you_mean(word.partition("=")[0], options)
    kind = "option" if word.startswith("-") else "further argument"
    raise Usage(f"{command.prog} takes no {kind} {word}{hint or f'; see {command.prog} --help'}")


def complete_by(action: argparse.Action, completer: Callable) -> None:
    """Set the function that returns the completions of an option for the shell."""
    action.completer = completer  # type: ignore[attr-defined]  # read by argcomplete


def complete_with(action: argparse.Action, *words: str) -> None:
    """Set the completions of an option, which may accept other values too."""
    if words:
        complete_by(action, lambda **_: words)


def add_input(command: Parser, help: str = INPUT) -> None:
    """Add the argument IN, the points."""
    action = command.add_argument("input", metavar="IN", help=help)
    complete_by(action, _inputs)


def add_theme(command: Any) -> None:
    """Add the option --theme."""
    action = command.add_argument("--theme", choices=_THEMES, metavar="T", help="theme of figures, "
                                  "light or dark (light)")  # fmt: skip
    complete_with(action, *_THEMES)


def add_labels(command: Any, help: str) -> None:
    """Add the option --labels."""
    complete_by(command.add_argument("--labels", metavar="NAME", help=help), _columns)


def add_table(command: Parser) -> None:
    """Add the options of the columns and the text format of IN."""
    text = (
        "Features are all columns of numbers, bools, decimals and percentages, or one column of "
        "vectors. Text, dates, categories and ids are written beside the map as extra columns. "
        'A report of the columns is printed on stderr, and included by --json as "table".'
    )
    group = command.add_argument_group("columns of IN", "\n".join(wrap(text, 80)))
    add_labels(group, "column of labels, array of an .npz, or file, FILE:COLUMN if it has several; "
               "labels may be missing")  # fmt: skip

    def columns(name: str, text: str) -> None:
        complete_by(group.add_argument(name, metavar="NAME[,NAME…]", type=names, default=(),
                                       help=text), _columns)  # fmt: skip

    columns("--features", "columns that are features (all numeric columns)")
    columns("--drop", "columns to omit")
    columns("--keep", "extra columns, which are not features and are written beside the map")
    complete_by(group.add_argument("--id", metavar="NAME", help="column of the names or numbers of "
                                   "the points, an extra column"), _columns)  # fmt: skip
    group.add_argument("--header", action=argparse.BooleanOptionalAction, help="whether the first "
                       "line holds the names of the columns (detected)")  # fmt: skip
    group.add_argument("--delimiter", metavar="C", type=delimiter, help="separator of the cells: a "
                       "character, tab or space (detected)")  # fmt: skip
    group.add_argument("--decimal", metavar="C", choices=(".", ","), help="decimal mark, . or , "
                       "(detected)")  # fmt: skip
    action = group.add_argument("--missing", metavar="HOW", type=one_of(MISSING), help="treatment "
                                "of missing values: drop their points, or replace them by the mean "
                                "or median of the column (an error)")  # fmt: skip
    complete_with(action, *MISSING)


def add_output(command: Parser) -> Any:
    """Add the options of the files that are written; return their group."""
    group = command.add_argument_group("output")
    add = group.add_argument
    add("-o", "--output", metavar="OUT", type=Path, help="map, .npy, .csv, .tsv or .parquet, or - "
        "for the standard output (IN-tsne.npy if there is no other output)")  # fmt: skip
    complete_with(add("--format", metavar="F", choices=FORMATS, help="format of -o -: csv, tsv, "
                      "npy or parquet (csv)"), *FORMATS)  # fmt: skip
    add("--plot", metavar="PNG", type=Path, help="figure of the map: .png, .pdf or .svg")
    add("--html", metavar="FILE", type=Path, help="interactive page of the map")
    add_theme(group)
    return group


def add_common(command: Parser) -> None:
    """Add the options of all commands that compute."""
    add = command.add_argument
    add("--threads", type=int, metavar="N", help="number of threads (all)")
    add("--quiet", action="store_true", help="no progress bar, and a report of the columns only if "
        "a decision may be unexpected")  # fmt: skip
    add_json(command)


def add_json(command: Parser) -> None:
    """Add the option --json."""
    command.add_argument("--json", action="store_true", help="print one JSON object; for an error "
                         '{"error": …, "status": …}')  # fmt: skip


def either(words: Sequence[str]) -> str:
    """Return "a, b or c" for a list of words."""
    return f"{', '.join(words[:-1])} or {words[-1]}"


def one_of(words: Sequence[str], aliases: Sequence[str] = ()) -> Callable[[str], str]:
    """Return the type of an option with a fixed set of values; messages do not list aliases."""

    def chosen(text: str) -> str:
        if text not in words and text not in aliases:
            hint = did_you_mean(text, words)
            raise argparse.ArgumentTypeError(f"must be {either(words)}, got {text!r}{hint}")
        return text

    return chosen


def delimiter(text: str) -> str:
    """Return a delimiter, which may be given by its name."""
    found = _DELIMITERS.get(text.lower(), text)
    if len(found) != 1:
        raise argparse.ArgumentTypeError(f"must be one character, tab or space, got {text!r}")
    return found


def names(text: str) -> tuple[str, ...]:
    """Return names that are separated by commas."""
    return tuple(filter(None, text.split(",")))


def numbers(text: str) -> float | list[float]:
    """Return one number, or a list of numbers that are separated by commas."""
    try:
        parsed = [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number, or numbers separated by commas, got {text!r}"
        ) from None
    return parsed if len(parsed) > 1 else parsed[0]


def number_or_auto(text: str) -> float | str:
    """Return a number, or "auto"."""
    return text if text == "auto" else float(text)


def count(text: str) -> int:
    """Return a whole number of 1 or more."""
    digits = text.replace(",", "").replace("_", "")
    if not digits.isdecimal() or int(digits) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(digits)


def _inputs(prefix: str, **_: Any) -> list[str]:
    from argcomplete.completers import FilesCompleter

    from bhtsne import datasets

    return [*datasets.NAMES, *FilesCompleter()(prefix)]


def _columns(prefix: str, parsed_args: Any, **_: Any) -> list[str]:
    """Return completions: the columns of the input file, and other files."""
    from argcomplete.completers import FilesCompleter

    from bhtsne import tables

    given = getattr(parsed_args, "input", None) or getattr(parsed_args, "maps", None)
    path = given[0] if isinstance(given, list) else given
    columns = tables.names(path) if path and Path(path).is_file() else []
    typed = prefix.rpartition(",")[0]  # complete names before the last comma
    return [*(f"{typed},{name}" if typed else name for name in columns), *FilesCompleter()(prefix)]
