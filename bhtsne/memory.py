"""The machine → how much memory it has left: whoever is about to fill it asks here first."""

import math
from contextlib import suppress

__all__ = ["available"]


def available() -> float:
    """Return the bytes that can still be had, or infinity where the system does not tell."""
    with suppress(OSError, StopIteration), open("/proc/meminfo") as lines:
        return next(1024.0 * int(line.split()[1]) for line in lines if "MemAvailable" in line)
    return math.inf
