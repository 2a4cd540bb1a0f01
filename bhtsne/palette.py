"""Labels → categories or quantities, and the colours of both, for pictures and for browsers."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

# Searched for the largest least distance between two colours, as seen by full colour vision, with
# deuteranopia and with protanopia. In CIELAB: 36, 25 and 27 for the first 10; 13, 6 and 7 for all.
_HEX = """
5973a6 f9a653 269f66 bf400d 664dbf 33ccff f9cc0d 6c3320 ffb3bf 33736c
a385ff 293366 f570b8 f56629 1ff5f5 520a8f 5c4770 c23d7a 1f5247 5ca3a3
990047 47d6a3 d67a85 cce0a3 99298f 1f5c99 995ccc 660052 c2a37a 7a5c47
3333ad 527af5 c270cc 7a9900 ccadd6 707a47 99eb66 99a3eb 993300 1499e0
"""
PALETTE = tuple(f"#{digits}" for digits in _HEX.split())
PLAIN, MISSING = "#2f5f94", "#c8c8c8"


def is_missing(label: Any) -> bool:
    """Return whether a label is None, NaN or what pandas writes for neither."""
    return label is None or type(label).__name__ == "NAType" or label != label


def categories(given: Sequence[Any], seen: set) -> list | None:
    """Return the categories among the labels seen, in order, or None if these are quantities."""
    dtypes: list[Any] = [getattr(some, "dtype", None) for some in given]
    if dtypes and all(getattr(dtype, "name", None) == "category" for dtype in dtypes):
        # of pandas, where categories have an order
        return [x for x in dict.fromkeys(x for d in dtypes for x in d.categories) if x in seen]
    if all(isinstance(x, Integral) for x in seen) and len(seen) <= len(PALETTE):
        return sorted(seen)
    return None if all(isinstance(x, Real) for x in seen) else sorted(seen, key=str)
