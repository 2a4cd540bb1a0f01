"""Labels → categories or quantities, and the colours of both, for pictures and for browsers."""

from collections.abc import Iterable, Sequence
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
# The same hues for a dark background, from which each has a contrast of 3 at the least; distances
# 35, 24 and 23 for the first 10; 14, 7 and 7 for all.
_HEX_ON_DARK = """
1e79bb f8a553 a0f69e cd4515 7f69f6 0ecbff f7ca02 a56048 feb3c0 347f7d
a185ff 1769d0 f978c2 f96c2b 2bf5f4 b62ae1 a22fa6 c73c81 376c56 5da4a5
b0315b 39d19d d87985 bed79a e265d3 3461ac a85fc9 aa318c f4d2b5 bc9672
7f41c0 1d5fdc bc5faa 7c9e0c caaed9 78865a 98ec6c 8b8bce aa4216 15a1e8
"""
PALETTE = tuple(f"#{digits}" for digits in _HEX.split())
DARK_PALETTE = tuple(f"#{digits}" for digits in _HEX_ON_DARK.split())
PLAIN = {"light": "#2f5f94", "dark": "#7fb2e5"}
MISSING = {"light": "#c8c8c8", "dark": "#4d5259"}


def is_missing(label: Any) -> bool:
    """Return whether a label is None, NaN or what pandas writes for neither."""
    return label is None or type(label).__name__ == "NAType" or label != label


def categories(given: Sequence[Any], labels: Iterable[Any]) -> tuple[list | None, list]:
    """Return the categories that have colours and those seen, in order; None for quantities.

    A categorical Series says what else there could be: its categories have colours of their own
    even where none is seen, so that they are the same in the picture of a part.
    """
    dtypes: list[Any] = [getattr(some, "dtype", None) for some in given]
    seen = set(labels)
    if dtypes and all(getattr(dtype, "name", None) == "category" for dtype in dtypes):
        # of pandas, where categories have an order
        levels = list(dict.fromkeys(x for d in dtypes for x in d.categories))
        there = [x for x in levels if x in seen]
        return (levels if len(levels) <= len(PALETTE) else there), there
    if all(isinstance(x, Integral) for x in seen) and len(seen) <= len(PALETTE):
        ordered = sorted(seen)
    elif all(isinstance(x, Real) for x in seen):
        return None, []
    else:
        ordered = sorted(seen, key=str)
    return ordered, ordered
