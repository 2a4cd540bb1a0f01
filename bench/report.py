"""JSON of the other programs → the tables of docs/performance.md, README and docs/development.md.

    python bench/report.py

The text between the marks is replaced, so that no figure is typed by hand; the chart of the time
of a fit is drawn as well.
"""

import json
from pathlib import Path

from sections import SECTIONS, durations
from sections.decisions import decisions
from sections.fits import comparison

_BENCH = Path(__file__).parent
_ROOT = _BENCH.parent
README, PAGE = _ROOT / "README.md", _ROOT / "docs" / "performance.md"
DEVELOPMENT = _ROOT / "docs" / "development.md"
CHART = _BENCH / "figures" / "durations.png"
MARKS = "<!-- written by bench/report.py -->\n", "<!-- end of the written part -->\n"


def result(name: str) -> dict:
    """Return the result that a program has written."""
    return json.loads((_BENCH / f"{name}.json").read_text(encoding="utf-8"))


def page() -> str:
    """Return the generated part of docs/performance.md."""
    text = "\n## How long a fit takes\n\n" + durations.text(result("scaling"), result("rivals"))
    for heading, programs in SECTIONS.items():
        text += f"## {heading}\n\n"
        text += "".join(describe(result(name)) for name, describe in programs.items())
    return text


def readme() -> str:
    """Return the generated part of the README."""
    return "\n" + comparison(result("rivals")).replace("](../bench/", "](bench/")


def development() -> str:
    """Return the generated part of docs/development.md."""
    names = [name for programs in SECTIONS.values() for name in programs]
    return decisions({name: result(name) for name in names})


def split(text: str) -> tuple[str, str, str]:
    """Return the text before, between and after the marks."""
    before, _, rest = text.partition(MARKS[0])
    between, _, after = rest.partition(MARKS[1])
    return before, between, after


def main() -> None:
    """Replace the generated parts and draw the chart."""
    parts = (README, readme()), (PAGE, page()), (DEVELOPMENT, development())
    for path, part in parts:
        before, _, after = split(path.read_text(encoding="utf-8"))
        path.write_text(before + MARKS[0] + part + MARKS[1] + after, encoding="utf-8")
    durations.draw(result("scaling"), CHART)


if __name__ == "__main__":
    main()
