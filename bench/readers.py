"""Readers of CSV compared: awkward tables, and seconds and memory on large ones.

    python bench/readers.py                  # three large shapes, made in a temporary folder
    python bench/readers.py --cases FOLDER   # and the tables of a folder, one line for each

Each reader runs in a process of its own, at its defaults but for types that are inferred from all
rows. The project reads tables by the one that `bench/NOTES.md` names.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

SHAPES = ((1_000_000, 50), (10_000, 3_000), (2_000, 20_000))
READERS = ("bhtsne", "duckdb", "pyarrow", "polars", "pandas")
# Parts of readers: DuckDB's sniffer alone; pyarrow in blocks of 16 MiB, with types found, with all
# columns as numbers, and with all as text.
PARTS = ("duckdb_sniffer", "pyarrow_blocks", "pyarrow_floats", "pyarrow_text")


def read(reader: str, path: str):
    """Return (names, dtypes, rows) of a table as a reader sees it."""
    if reader == "bhtsne":
        from bhtsne import tables

        table = tables.read(path)
        return list(table.columns), [str(table.X.dtype)] * len(table.columns), len(table.X)
    if reader == "duckdb":
        import duckdb

        table = duckdb.sql(f"SELECT * FROM read_csv('{path}', sample_size=-1)").fetch_arrow_table()
        return table.column_names, [str(t) for t in table.schema.types], len(table)
    if reader == "duckdb_sniffer":
        import duckdb

        found = duckdb.sql(f"SELECT Columns FROM sniff_csv('{path}')").fetchall()[0][0]
        return [one["name"] for one in found], [one["type"] for one in found], 0
    if reader in PARTS:
        import pyarrow as pa
        from pyarrow import csv

        with open(path, encoding="utf-8") as file:
            names = [name.strip().strip('"') for name in file.readline().split(",")]
        types = {"pyarrow_floats": pa.float64(), "pyarrow_text": pa.string()}
        given = dict.fromkeys(names, types[reader]) if reader in types else None
        table = csv.read_csv(
            path, csv.ReadOptions(block_size=1 << 24),
            convert_options=csv.ConvertOptions(column_types=given),
        )  # fmt: skip
        return table.column_names, [str(t) for t in table.schema.types], len(table)
    if reader == "pyarrow":
        from pyarrow import csv

        table = csv.read_csv(path)
        return table.column_names, [str(t) for t in table.schema.types], len(table)
    if reader == "polars":
        import polars

        table = polars.read_csv(path, infer_schema_length=None)
        return table.columns, [str(t) for t in table.dtypes], len(table)
    import pandas

    table = pandas.read_csv(path)
    return list(map(str, table.columns)), [str(t) for t in table.dtypes], len(table)


def child(reader: str, path: str) -> None:
    """Read one table; print seconds, the peak of memory and the columns found, as JSON."""
    import psutil

    before = psutil.Process().memory_info().rss
    began = time.perf_counter()
    try:
        names, dtypes, rows = read(reader, path)
        found = {"columns": len(names), "rows": rows, "first": names[:7], "types": dtypes[:8]}
    except Exception as error:  # a reader's own words are what is compared
        found = {"error": f"{type(error).__name__}: {error}"[:300]}
    seconds = time.perf_counter() - began
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(json.dumps({"seconds": seconds, "bytes": peak - before} | found))


def measured(reader: str, path: Path) -> dict:
    """Return what a child process prints."""
    command = [sys.executable, __file__, "--child", reader, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=580)
    if done.returncode:
        return {"error": f"ended with {done.returncode}", "seconds": float("nan"), "bytes": 0}
    return json.loads(done.stdout.splitlines()[-1])


def write(path: Path, n: int, d: int) -> None:
    """Write a table of normal numbers of six digits, with names."""
    import pyarrow as pa
    from pyarrow import csv

    X = np.random.default_rng(0).normal(size=(n, d)).round(5)
    csv.write_csv(pa.table({f"x{i}": X[:, i] for i in range(d)}), path)


def main() -> None:
    """Compare; print tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--child", nargs=2)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--readers", nargs="+", default=list(READERS), choices=READERS + PARTS)
    parser.add_argument("--no-large", action="store_true")
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    for path in sorted(given.cases.glob("*.?sv")) if given.cases else []:
        print(path.name)
        for reader in given.readers:
            found = measured(reader, path)
            others = {name: found[name] for name in found.keys() - {"seconds", "bytes"}}
            print(f"  {reader:<8} {others}")
    with tempfile.TemporaryDirectory() as folder:
        for n, d in () if given.no_large else SHAPES:
            path = Path(folder, "table.csv")
            write(path, n, d)
            print(f"{n:,} × {d:,}, {path.stat().st_size / 2**20:,.0f} MiB")
            runs = {reader: [] for reader in given.readers}
            for _ in range(given.repeats):
                for reader in given.readers:  # in turns
                    runs[reader].append(measured(reader, path))
            for reader, found in runs.items():
                seconds = median(run["seconds"] for run in found)
                peak = max(run["bytes"] for run in found) / 2**20
                print(
                    f"  {reader:<8} {seconds:7.2f} s {peak:8,.0f} MiB  {found[0].get('error', '')}"
                )


if __name__ == "__main__":
    main()
