"""Command line → tests: the quick suite, or all tests with `--full`."""

import os
import signal
from collections import Counter

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in the background of a shell; commands that tests start would ignore Ctrl-C as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers of pytest-xdist take one core each: fits without n_jobs would compete for all of them.
    os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")


def pytest_addoption(parser):
    """Add the option `--full`."""
    parser.addoption("--full", action="store_true", help="run the tests marked full as well")


def pytest_collection_modifyitems(config, items):
    """Leave the tests marked `full` out, except with `--full` or where a test is named by `::`."""
    if config.getoption("--full") or any("::" in argument for argument in config.args):
        return
    cases, quick, full = Counter(), [], []
    for item in items:
        marks = [mark.kwargs.get("after", 0) for mark in item.iter_markers("full")]
        family = item.nodeid.partition("[")[0]
        (full if any(cases[family] >= after for after in marks) else quick).append(item)
        cases[family] += 1
    config.hook.pytest_deselected(items=full)
    items[:] = quick
