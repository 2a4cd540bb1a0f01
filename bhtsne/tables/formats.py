"""A table in a file → its Arrow columns: text, Parquet, Feather, JSON, Excel."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from bhtsne.files import paths
from bhtsne.files.table import Wanted
from bhtsne.tables import delimited, dialect
from bhtsne.tables.dialect import Dialect
from bhtsne.tables.ids import is_id_name

TEXT = ("csv", "tsv", "txt")
_JSON_BLOCK = 1 << 30  # bytes by which the types of JSON values are found


class Raw(NamedTuple):
    """Names and columns of a table before their roles are known.

    Attributes
    ----------
    names : tuple of str
        Names of the columns; "" for none.
    columns : list of pyarrow.ChunkedArray
        The columns.
    dialect : Dialect or None
        Dialect of text, in which columns of strings may hold numbers.
    """

    names: tuple[str, ...]
    columns: list[Any]
    dialect: Dialect | None = None


def read(path: Path, wanted: Wanted) -> Raw:
    """Read a table in the format of its suffix."""
    form = paths.kind(path)
    return read_text(path, wanted) if form in TEXT else READERS[form](path)


def names(path: Path) -> list[str]:
    """Return the names of the columns of a table, if possible without reading the table."""
    form = paths.kind(path)
    if form in TEXT:
        found = dialect.find(path)
        return list(found.names) if found.header else []
    if form == "parquet":
        with paths.seekable(path) as file:
            return paths.arrow().parquet.read_schema(file).names
    return list(READERS[form](path).names)


def read_text(path: Path, wanted: Wanted) -> Raw:
    """Read .csv, .tsv or .txt; columns that are not features are read as text."""
    found = dialect.find(path, wanted.delimiter, wanted.header)
    everything = range(len(found.names))
    text = set(everything)
    if wanted.decimal != ",":
        ids = {j for j, name in enumerate(found.names) if is_id_name(name)}
        aside = {j for j, name in enumerate(found.names) if name in wanted.aside()}
        text = delimited.guessed_text(found) | ids | aside
    columns, found = delimited.read(path, found, text, everything) if found.names else ([], found)
    return Raw(found.names, columns, found)


def read_parquet(path: Path) -> Raw:
    """Read .parquet if memory holds its columns twice, by the sizes in its metadata."""
    arrow = paths.arrow()
    with (
        paths.seekable(path) as file,
        arrow.parquet.ParquetFile(file, page_checksum_verification=True) as whole,
    ):
        metadata, schema = whole.metadata, whole.schema_arrow
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
        widths = (f.type.bit_width for f in schema if arrow.types.is_primitive(f.type))
        size = sum(group.total_byte_size for group in groups)
        paths.check_memory(max(rows * sum(widths) // 4, size))
        table = whole.read()
    table.validate(full=True)  # compiled code does not check the offsets again
    return Raw(tuple(table.column_names), list(table.columns))


def read_feather(path: Path) -> Raw:
    """Read .feather or .arrow."""
    from pyarrow import feather

    with paths.seekable(path) as file:
        table = feather.read_table(file)
    table.validate(full=True)
    return Raw(tuple(table.column_names), list(table.columns))


def read_json(path: Path) -> Raw:
    """Read JSON lines, one object in each line."""
    from pyarrow import json

    with paths.opened(path) as file:
        table = json.read_json(file, json.ReadOptions(block_size=_JSON_BLOCK))
    return Raw(tuple(table.column_names), list(table.columns))


def read_excel(path: Path) -> Raw:
    """Read the first sheet of a workbook; its first row holds the names of the columns."""
    import pyarrow as pa

    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise ImportError(
            f"{path} needs the package python-calamine; install it, or save the workbook as .csv."
        ) from None
    with paths.seekable(path) as file:
        rows = CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).to_python()
    head, *body = rows or [[]]
    texts = [[_text_of(cell) for cell in cells] for cells in zip(*body, strict=True)]
    columns = [pa.chunked_array([pa.array(cells, pa.string())]) for cells in texts]
    names = tuple(_text_of(cell).strip() for cell in head)
    return Raw(names, columns, Dialect("utf-8", "", True, names, 1, ()))


def _text_of(cell: Any) -> str:
    """Return a cell of a workbook as text; a whole number, which is a float, without a point."""
    whole = isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53
    return "" if cell is None else str(int(cell) if whole else cell)


READERS: dict[str, Callable[[Path], Raw]] = {
    "parquet": read_parquet,
    "feather": read_feather,
    "arrow": read_feather,
    "jsonl": read_json,
    "ndjson": read_json,
    "xlsx": read_excel,
    "xls": read_excel,
    "ods": read_excel,
}
