"""What was taken for what in a table → two lines of text, and plain values for JSON."""

from dataclasses import asdict, dataclass, field
from typing import Any

_SHOWN = 8  # names that a line lists

__all__ = ["Report", "listed"]


@dataclass(frozen=True)
class Report:
    """What became of a table's columns and rows.

    Attributes
    ----------
    rows : int
        Points.
    features : list of str
        Columns that are features.
    vectors : int or None
        Their number, where the features are the vectors of one column.
    header : bool or None
        Whether the first line named the columns, of text.
    delimiter, decimal, encoding : str or None
        How text was written.
    label : str or None
        The column, or file, of labels.
    unlabelled : int
        Points without a label.
    id : str or None
        The column that numbers or names the points.
    set_aside : dict of str to str
        Columns that are no features by their contents, and the reason of each.
    kept, dropped : list of str
        Columns that the options set aside, or leave out.
    missing : dict or None
        How missing values were replaced, and how many.
    notes : list of str
        What else may surprise.
    """

    rows: int
    features: list[str]
    vectors: int | None = None
    header: bool | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    label: str | None = None
    unlabelled: int = 0
    id: str | None = None
    set_aside: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    missing: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return plain values by their names."""
        return asdict(self)

    def surprises(self) -> bool:
        """Return whether something was decided that the user may not expect."""
        odd_text = self.decimal == "," or self.encoding not in (None, "utf-8")
        no_header = self.header is False and bool(self.set_aside or self.label)
        return bool(
            self.set_aside or self.missing or self.notes or self.unlabelled or odd_text or no_header
        )

    def lines(self) -> list[str]:
        """Return two lines: what are the points, and what is no feature."""
        return [f"{self._points()}{self._written()}", self._others()]

    def _points(self) -> str:
        if self.vectors is not None:
            return f"{self.rows:,} points, vectors of {self.vectors:,} numbers ({self.features[0]})"
        n = len(self.features)
        return f"{self.rows:,} points of {n:,} feature{'s' * (n != 1)} ({listed(self.features)})"

    def _written(self) -> str:
        if self.header is None:
            return ""
        said = ["the first line is a header" if self.header else "the first line is a point"]
        if self.delimiter and self.delimiter != ",":
            said.append(f"delimiter {self.delimiter!r}")
        if self.decimal == ",":
            said.append("decimal ','")
        if self.encoding not in (None, "utf-8"):
            said.append(f"encoding {self.encoding}")
        return f"; {', '.join(said)}"

    def _others(self) -> str:
        said = []
        if self.label is not None:
            none = f", {self.unlabelled:,} without one" if self.unlabelled else ""
            said.append(f"labels: {self.label}{none}")
        if self.set_aside:
            each = [f"{name} ({why})" for name, why in self.set_aside.items()]
            said.append(f"no features: {listed(each)}")
        if self.kept:
            said.append(f"kept: {listed(self.kept)}")
        if self.dropped:
            said.append(f"dropped: {listed(self.dropped)}")
        if self.missing:
            said.append(_missing(self.missing))
        said += self.notes
        return "; ".join(said) or "all columns are features"


def listed(names: list[str]) -> str:
    """Return names with commas between, the first few and the last of many."""
    if len(names) <= _SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[: _SHOWN - 2])}, …, {names[-1]}"


def _missing(missing: dict[str, Any]) -> str:
    if missing["how"] == "drop":
        return (
            f"{missing['rows']:,} point{'s' * (missing['rows'] > 1)} with a missing value left out"
        )
    return f"{missing['cells']:,} missing values replaced by the {missing['how']} of their column"
