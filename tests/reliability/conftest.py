"""How many examples hypothesis draws: a few, the same in every run, or many with BHTSNE_LONG=1."""

import sys
from pathlib import Path

import outcomes
from hypothesis import HealthCheck, settings

sys.path.append(str(Path(__file__).parents[1]))  # where the naive sums are

settings.register_profile(
    "quick", derandomize=True, database=None, deadline=None, max_examples=40,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
settings.register_profile(
    "long", deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("long" if outcomes.LONG else "quick")


def pytest_terminal_summary(terminalreporter):
    if outcomes.LONG:
        terminalreporter.write_line(f"{outcomes.executed.total()} examples run:")
        for name, count in outcomes.executed.most_common():
            terminalreporter.write_line(f"{count:8} {name}")
