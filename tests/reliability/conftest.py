"""Command line and BHTSNE_LONG → number of examples that Hypothesis draws for each property.

The quick suite draws few and `--full` more, the same in every run; BHTSNE_LONG=1 draws many others.
"""

import sys
from pathlib import Path

import outcomes
from hypothesis import HealthCheck, settings

sys.path.append(str(Path(__file__).parents[1]))  # where the naive sums are

ALWAYS = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("quick", derandomize=True, max_examples=5, **ALWAYS)
settings.register_profile("full", derandomize=True, max_examples=40, **ALWAYS)
settings.register_profile("long", **ALWAYS)


def pytest_configure(config):
    settings.load_profile(
        "long" if outcomes.LONG else "full" if config.getoption("--full") else "quick"
    )


def pytest_terminal_summary(terminalreporter):
    if outcomes.LONG:
        terminalreporter.write_line(f"{outcomes.executed.total()} examples run:")
        for name, count in outcomes.executed.most_common():
            terminalreporter.write_line(f"{count:8} {name}")
