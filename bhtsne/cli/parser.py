"""What is typed → options: a parser that says what is wrong in one sentence, and how to mend it."""

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
_MARKS = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}


class Usage(ValueError):
    """A command that cannot be meant as it is."""


class Parser(argparse.ArgumentParser):
    """A parser of options whose names are whole, and whose help shows examples."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **options,
            allow_abbrev=False,
            formatter_class=partial(argparse.RawDescriptionHelpFormatter, max_help_position=30),
        )
        self.set_defaults(parser=self)  # of a command: its own takes the place of this one

    def error(self, message: str) -> NoReturn:
        """Raise `Usage`."""
        raise Usage(message if message.endswith("?") else f"{message}; see {self.prog} --help")


def add_command(commands: Any, name: str, run: Callable, examples: str, **texts: str) -> Parser:
    """Return the parser of a command, which `run` carries out."""
    told = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    texts["description"] = "\n".join(wrap(texts["description"], 80))
    command = commands.add_parser(name, epilog=f"examples:\n{told}\n", **texts)
    command.set_defaults(job=run)
    return command


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question after the known word that is nearest, or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def check_known(extra: list[str], command: Parser) -> None:
    """Raise `Usage` if words are left over."""
    if not extra:
        return
    word = next((word for word in extra if word.startswith("-")), extra[0])
    options = re.findall(r"(?<![\w-])--?[\w-]+", command.format_usage())
    hint = did_you_mean(word.partition("=")[0], options)
    what = "option" if word.startswith("-") else "more argument"
    raise Usage(f"{command.prog} takes no {what} {word}{hint or f'; see {command.prog} --help'}")


def completed(action: argparse.Action, completer: Callable) -> None:
    """Let the shell offer what a function returns for an option."""
    action.completer = completer  # type: ignore[attr-defined]  # argcomplete looks for it


def offer(action: argparse.Action, *among: str) -> None:
    """Let the shell offer words; what else an option takes is judged by who uses it."""
    if among:
        completed(action, lambda **_: among)


def add_input(command: Parser, help: str = INPUT) -> None:
    """Add IN, the points."""
    action = command.add_argument("input", metavar="IN", help=help)
    completed(action, _inputs)


def add_theme(command: Any) -> None:
    """Add --theme, of what is drawn."""
    offer(command.add_argument("--theme", choices=_THEMES, metavar="T", help="of the picture: "
                               "light (as it is) or dark"), *_THEMES)  # fmt: skip


def add_labels(command: Any, help: str) -> None:
    """Add --labels."""
    completed(command.add_argument("--labels", metavar="NAME", help=help), _columns)


def add_table(command: Parser) -> None:
    """Add what the columns of IN are, and how its text is written."""
    told = (
        "Columns of numbers are features, also bools, decimals, percentages, and vectors in one "
        "column. Text, dates, categories and ids are set aside, and written beside the map. What "
        'was taken for what is said on stderr, and under "table" by --json.'
    )
    group = command.add_argument_group("the columns of IN", "\n".join(wrap(told, 80)))
    add_labels(group, "the column of labels, an array of an .npz, or a file, FILE:COLUMN if it has "
               "several; labels may be missing")  # fmt: skip

    def columns(name: str, text: str) -> None:
        completed(group.add_argument(name, metavar="NAME[,NAME…]", type=words, default=(),
                                     help=text), _columns)  # fmt: skip

    columns("--features", "the columns that are features (all of numbers)")
    columns("--drop", "columns that are left out")
    columns("--keep", "columns that are no features and are written beside the map")
    completed(group.add_argument("--id", metavar="NAME", help="the column that names the points: "
                                 "no feature, written beside the map"), _columns)  # fmt: skip
    group.add_argument("--header", action=argparse.BooleanOptionalAction, help="whether the first "
                       "line names the columns (found)")  # fmt: skip
    group.add_argument("--delimiter", metavar="C", type=mark, help="what stands between cells: a "
                       "character, tab or space (found)")  # fmt: skip
    group.add_argument("--decimal", metavar="C", choices=(".", ","), help="decimal mark, . or , "
                       "(found)")  # fmt: skip
    offer(group.add_argument("--missing", metavar="HOW", type=one_of(MISSING), help="points with a "
                             "missing value: drop them, or fill in the mean or median of the "
                             "column (refuse them)"), *MISSING)  # fmt: skip


def add_output(command: Parser, otherwise: str) -> Any:
    """Add where the map goes; return the group of options."""
    group = command.add_argument_group("what is written")
    add = group.add_argument
    add("-o", "--output", metavar="OUT", type=Path, help="the map, .npy, .csv, .tsv or .parquet, "
        f"or - for the standard output; {otherwise}")  # fmt: skip
    offer(add("--format", metavar="F", choices=FORMATS, help="of -o -: csv (as it is), tsv, npy "
              "or parquet"), *FORMATS)  # fmt: skip
    add("--plot", metavar="PNG", type=Path, help="draw the map: .png, .pdf or .svg")
    add("--html", metavar="FILE", type=Path, help="a page with the map, to look around in")
    add_theme(group)
    return group


def add_common(command: Parser) -> None:
    """Add what all commands that compute have."""
    add = command.add_argument
    add("--threads", type=int, metavar="N", help="threads (all)")
    add("--quiet", action="store_true", help="no progress bar")
    add_json(command)


def add_json(command: Parser) -> None:
    """Add --json."""
    command.add_argument("--json", action="store_true", help="print one JSON object; a fault is "
                         '{"error": …, "status": …}')  # fmt: skip


def either(words: Sequence[str]) -> str:
    """Return words as a sentence offers them."""
    return f"{', '.join(words[:-1])} or {words[-1]}"


def one_of(words: Sequence[str]) -> Callable[[str], str]:
    """Return the type of an option that takes one of several words."""

    def chosen(text: str) -> str:
        if text not in words:
            hint = did_you_mean(text, words)
            raise argparse.ArgumentTypeError(f"must be {either(words)}, got {text!r}{hint}")
        return text

    return chosen


def mark(text: str) -> str:
    """Return a delimiter."""
    found = _MARKS.get(text.lower(), text)
    if len(found) != 1:
        raise argparse.ArgumentTypeError(f"must be one character, tab or space, got {text!r}")
    return found


def words(text: str) -> tuple[str, ...]:
    """Return what stands between commas."""
    return tuple(filter(None, text.split(",")))


def numbers(text: str) -> float | list[float]:
    """Return one number, or several."""
    parsed = [float(part) for part in text.split(",")]
    return parsed if len(parsed) > 1 else parsed[0]


def number_or_auto(text: str) -> float | str:
    """Return a number, or "auto" as it is."""
    return text if text == "auto" else float(text)


def count(text: str) -> int:
    """Return a whole number of 1 or more."""
    number = int(text.replace(",", "").replace("_", ""))
    if number < 1:
        raise ValueError
    return number


def _inputs(prefix: str, **_: Any) -> list[str]:
    from argcomplete.completers import FilesCompleter

    from bhtsne import datasets

    return [*datasets.NAMES, *FilesCompleter()(prefix)]


def _columns(prefix: str, parsed_args: Any, **_: Any) -> list[str]:
    """Offer the columns of the file that was named, and other files."""
    from argcomplete.completers import FilesCompleter

    from bhtsne import tables

    given = getattr(parsed_args, "input", None) or getattr(parsed_args, "maps", None)
    path = given[0] if isinstance(given, list) else given
    known = tables.names(path) if path and Path(path).is_file() else []
    begun = prefix.rpartition(",")[0]
    return [*(f"{begun},{name}" if begun else name for name in known), *FilesCompleter()(prefix)]
