"""A map and what is known of its points → a file of text, Parquet or an array."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from bhtsne.files.paths import arrow


def write_npy(file: Any, Y: np.ndarray, named: Mapping[str, np.ndarray]) -> None:
    """Write the map alone: an array has no columns of names."""
    np.lib.format.write_array(file, Y, allow_pickle=False)


def write_text(
    file: Any, Y: np.ndarray, named: Mapping[str, np.ndarray], delimiter: str = ","
) -> None:
    """Write a line of names and one line a point, each number with all of its digits."""
    text = io.TextIOWrapper(file, "utf-8", newline="")
    try:
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        writer.writerow(named)
        writer.writerows(zip(*map(_texts, named.values()), strict=True))
    finally:
        text.detach()  # flushes it, and leaves the file open


def write_parquet(file: Any, Y: np.ndarray, named: Mapping[str, np.ndarray]) -> None:
    """Write the map in its own dtype, and each column in its."""
    arrow().parquet.write_table(arrow().table(dict(named)), file)


def _texts(column: np.ndarray) -> list[str]:
    if column.dtype.kind == "M":
        return ["" if one == "NaT" else one for one in np.datetime_as_string(column).tolist()]
    form = "{:.9g}".format if column.dtype == np.float32 else str
    return list(map(form, column.tolist()))
