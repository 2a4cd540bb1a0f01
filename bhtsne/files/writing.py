"""A map and columns → a file of text, Parquet or an array."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from bhtsne.files.paths import arrow


def write_npy(file: Any, Y: np.ndarray, named: Mapping[str, np.ndarray]) -> None:
    """Write only the map: an array has no names of columns."""
    np.lib.format.write_array(file, Y, allow_pickle=False)


def write_text(
    file: Any, Y: np.ndarray, named: Mapping[str, np.ndarray], delimiter: str = ","
) -> None:
    """Write a line of names, and one line for each point, with all digits of each number."""
    text = io.TextIOWrapper(file, "utf-8", newline="")
    try:
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        writer.writerow(named)
        writer.writerows(zip(*map(_texts, named.values()), strict=True))
    finally:
        text.detach()  # flushes the text, and leaves the file open


def write_parquet(file: Any, Y: np.ndarray, named: Mapping[str, np.ndarray]) -> None:
    """Write the map and each column in its dtype."""
    arrow().parquet.write_table(arrow().table(dict(named)), file)


def _texts(column: np.ndarray) -> list[str]:
    if column.dtype.kind == "M":
        return ["" if one == "NaT" else one for one in np.datetime_as_string(column).tolist()]
    form = "{:.9g}".format if column.dtype == np.float32 else str
    return list(map(form, column.tolist()))
