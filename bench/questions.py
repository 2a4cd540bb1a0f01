"""A page with neighbours, a scan of perplexities and a report of MNIST, beside one fit.

    python bench/questions.py [--points N] [--json FILE]

One fit at the defaults; its page without and with neighbours and divergences; a scan of four
perplexities, whose neighbours are found once and whose maps are measured; a report. Compilation is
kept out by a first round on 3,000 points.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import machine
import numpy as np
from main_job import prepared

from bhtsne import TSNE, browser, reporting, scan

_PERPLEXITIES = [5, 15, 30, 100]


def timed(function, *arguments, **options) -> tuple[float, object]:
    """Return the seconds of a call, and its result."""
    start = time.perf_counter()
    result = function(*arguments, **options)
    return time.perf_counter() - start, result


def measured(X: np.ndarray, y: np.ndarray, folder: Path) -> dict:
    """Return the seconds and bytes of all parts."""
    fit, model = timed(TSNE(random_state=0).fit, X)
    plain, full, report = (folder / f"{name}.html" for name in ("plain", "full", "report"))
    browser.write(plain, model.embedding_, y)
    near = {"neighbors": model.neighbors_, "kl_per_point": model.kl_per_point_}
    page, _ = timed(browser.write, full, model.embedding_, y, **near)
    scanning, result = timed(scan, X, perplexity=_PERPLEXITIES)
    reporting_, _ = timed(reporting.write, report, model, y)
    added = full.stat().st_size - plain.stat().st_size
    return {
        "points": len(X),
        "fit_seconds": fit,
        "page_seconds": page,
        "page_bytes": full.stat().st_size,
        "bytes_per_point": added / len(X),
        "perplexities": _PERPLEXITIES,
        "scan_seconds": scanning,
        "scan_by_fit": scanning / fit,
        "advice": list(result.advice),
        "report_seconds": reporting_,
        "report_bytes": report.stat().st_size,
    }


def main() -> None:
    """Measure, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=None)
    parser.add_argument("--json", type=Path, default="bench/questions.json")
    arguments = parser.parse_args()
    X, y = prepared(arguments.points)
    with tempfile.TemporaryDirectory() as folder:
        measured(X[:3000], y[:3000], Path(folder))
        result = measured(X, y, Path(folder))
    print(json.dumps(result, indent=1))
    machine.write(arguments.json, result)


if __name__ == "__main__":
    main()
