"""Result of a program → its JSON file, with the machine and the date of the measurement.

The report shows them beside each table, since times depend on the processor, its vector units and
the number of cores.
"""

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

_VECTOR_UNITS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sve": "SVE", "neon": "NEON"}


def describe(cores: int | None = None) -> dict:
    """Return processor, vector units, cores and date; `cores` is by default all that are usable."""
    command = [sys.executable, "-m", "bhtsne", "info", "--json"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    processor = json.loads(text)["processor"]
    units = [_VECTOR_UNITS[name] for name in processor["vectors"] if name in _VECTOR_UNITS]
    return {
        "processor": f"{processor['name']} ({processor['llvm']})",
        "vector_units": units[0] if units else "none",
        "cores": cores or len(os.sched_getaffinity(0)),
        "date": datetime.date.today().isoformat(),
    }


def write(path: Path, result: dict, cores: int | None = None) -> None:
    """Write a result with the machine that it was measured on."""
    text = json.dumps({"machine": describe(cores)} | result, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
