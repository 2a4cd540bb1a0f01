"""Machine → available and peak memory; a need above the available memory → MemoryError.

An array that lies in a memory map needs none; `mapped` finds the map.
"""

import ctypes
import math
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil

__all__ = ["available", "check", "mapped", "peak", "release"]

_GROUPS, _STATUS = Path("/proc/self/cgroup"), Path("/proc/self/status")
_LIMITS = Path("/sys/fs/cgroup")
# Errors of psutil where a system hides or lacks a figure.
_UNKNOWN = (OSError, RuntimeError, LookupError, psutil.Error)
# Files of limit and use, and the line of memory.stat with the reclaimable part, by version.
_NAMES = {
    "v2": ("memory.max", "memory.current", "inactive_file"),
    "v1": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def available() -> float:
    """Return the bytes that are available, or infinity where the system gives no figure.

    It is the minimum over the free memory of the machine, the rest of the limits of the process's
    control groups (such as a container's limit), and the rest of its limit of address space.
    """
    left = [*_of_machine(), *_of_groups(), *_of_address_space()]
    return max(min(left, default=math.inf), 0.0)


def check(need: float, what: str, remedy: str) -> None:
    """Raise MemoryError, with figures and remedy, if a need is more than the available memory."""
    free = available()
    if need > free:
        raise MemoryError(
            f"{what} need about {need / 2**30:.3g} GiB, and {free / 2**30:.3g} GiB can be had; "
            f"{remedy}."
        )


def peak() -> int | None:
    """Return the peak memory of the process in bytes, or None where the system gives no figure."""
    with suppress(OSError, StopIteration), _STATUS.open() as lines:
        # ru_maxrss on Linux includes the memory of the parent at the start of the process.
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    with suppress(ImportError):
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else 1024 * most
    with suppress(AttributeError, *_UNKNOWN):  # on Windows only
        return psutil.Process().memory_info().peak_wset
    return None


def release() -> None:
    """Return freed memory to the system, where the C library is glibc.

    Its allocator retains much of what threads allocate and free in many parts.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def mapped(X: Any) -> np.memmap | None:
    """Return the memory map that an array is or is a view of, or None."""
    while X is not None and not isinstance(X, np.memmap):
        X = getattr(X, "base", None)
    return X


def _of_machine() -> Iterator[float]:
    with suppress(*_UNKNOWN):
        yield float(psutil.virtual_memory().available)


def _of_groups() -> Iterator[float]:
    """Yield the free memory of each control group around the process, the outermost last."""
    with suppress(OSError):
        for line in _GROUPS.read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            if controllers == "":
                names, top = _NAMES["v2"], _LIMITS
            elif "memory" in controllers.split(","):
                names, top = _NAMES["v1"], _LIMITS / "memory"
            else:
                continue
            folder = top / name.lstrip("/")
            # Within a container its own group is often the root of the visible groups.
            for group in dict.fromkeys([folder, *folder.parents, top]):
                if group == top or top in group.parents:
                    yield from _of_group(group, *names)


def _of_group(group: Path, limit: str, use: str, spare: str) -> Iterator[float]:
    with suppress(OSError, ValueError):  # "max" is no number, and no limit
        most, used = int((group / limit).read_text()), int((group / use).read_text())
        lines = (group / "memory.stat").read_text().splitlines()
        back = sum(int(line.split()[1]) for line in lines if line.split()[0] == spare)
        yield float(most - used + back)


def _of_address_space() -> Iterator[float]:
    with suppress(ImportError, *_UNKNOWN):
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most != resource.RLIM_INFINITY:
            yield float(most - psutil.Process().memory_info().vms)
