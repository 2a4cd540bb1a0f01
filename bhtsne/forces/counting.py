"""Counter of the work that is done → the next part for a thread: `advance`."""

import threading
from typing import Any

from numba import types

from bhtsne import jit

__all__ = ["advance"]

_lock = threading.Lock()


def _compiled(typing_context: Any, counter: Any, step: Any) -> Any:
    """Return the signature and the code of `advance`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        number = context.cast(builder, arguments[1], signature.args[1], types.int64)
        return builder.atomic_rmw("add", array.data, number, "monotonic")

    return types.int64(counter, step), generate


def _interpreted(counter: Any, step: int) -> int:
    with _lock:
        before = int(counter[0])
        counter[0] += step
    return before


# Called by a kernel with a counter, an array of one int64, and a step. It adds the step and returns
# the number before, as one operation, so that no two threads get the same number.
advance = jit.instruction(_compiled, _interpreted)
