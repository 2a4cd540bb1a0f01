"""Write the README's "Measured" section from the JSON files of the other programs.

    python bench/report.py

Nothing in that section is typed by hand: what stands between its two marks is replaced.
"""

import json
from pathlib import Path

from sections import PARTS

_BENCH = Path(__file__).parent
_README = _BENCH.parent / "README.md"
MARKS = "<!-- bench/report.py writes from here -->\n", "<!-- to here -->\n"


def part(name: str) -> str:
    """Return what the file of a program says, or nothing where there is none."""
    path = _BENCH / f"{name}.json"
    return PARTS[name](json.loads(path.read_text())) if path.exists() else ""


def section() -> str:
    """Return what the files at hand say."""
    return "\n" + "".join(map(part, PARTS))


def main() -> None:
    """Replace the section between the marks."""
    readme = _README.read_text(encoding="utf-8")
    before, _, rest = readme.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    _README.write_text(before + MARKS[0] + section() + MARKS[1] + after, encoding="utf-8")


if __name__ == "__main__":
    main()
