"""Roles of the columns of a table → two lines of text, and values for JSON."""

from dataclasses import asdict, dataclass, field
from typing import Any

_SHOWN = 8  # names in a line

__all__ = ["Report", "listed"]


@dataclass(frozen=True)
class Report:
    """Roles of the columns, and number of the rows, of a table.

    Attributes
    ----------
    rows : int
        Number of points.
    features : list of str
        Columns that are features.
    vectors : int or None
        Number of features, if they are the vectors of one column, or the columns of an array.
    header : bool or None
        Whether the first line of text holds the names of the columns.
    delimiter, decimal, encoding : str or None
        Dialect of text.
    label : str or None
        Column, or file, of labels.
    unlabelled : int
        Number of points without a label.
    id : str or None
        Column that identifies the points.
    set_aside : dict of str to str
        Columns that are not features by their contents, and the reason of each.
    kept, dropped : list of str
        Extra and omitted columns by the options `keep` and `drop`.
    missing : dict or None
        Treatment and number of missing values.
    notes : list of str
        Further unexpected decisions.
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
        """Return the attributes as a dict."""
        return asdict(self)

    def surprises(self) -> bool:
        """Return whether a decision may be unexpected."""
        odd_text = self.decimal == "," or self.encoding not in (None, "utf-8")
        no_header = self.header is False and bool(self.set_aside or self.label)
        return bool(
            self.set_aside or self.missing or self.notes or self.unlabelled or odd_text or no_header
        )

    def lines(self) -> list[str]:
        """Return two lines: the features, and the other columns."""
        return [f"{self._points()}{self._written()}", self._others()]

    def _points(self) -> str:
        if self.vectors is not None and self.features:
            return f"{self.rows:,} points, vectors of {self.vectors:,} numbers ({self.features[0]})"
        n = self.vectors or len(self.features)
        names = f" ({listed(self.features)})" if self.features else ""
        return f"{self.rows:,} points of {n:,} feature{'s' * (n != 1)}{names}"

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
    """Return names separated by commas; of many names the first few and the last."""
    if len(names) <= _SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[: _SHOWN - 2])}, …, {names[-1]}"


def _missing(missing: dict[str, Any]) -> str:
    if missing["how"] == "drop":
        return (
            f"{missing['rows']:,} point{'s' * (missing['rows'] > 1)} with a missing value left out"
        )
    return (
        f"{missing['cells']:,} missing value{'s' * (missing['cells'] > 1)} replaced by the "
        f"{missing['how']} of the column"
    )
