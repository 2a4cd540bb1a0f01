"""Row of a table → the cache of the core, before a kernel reads it: `prefetch`."""

from typing import Any

from llvmlite import ir
from numba import types

from bhtsne import jit

__all__ = ["AHEAD", "prefetch"]

# A row is fetched so many rows before it is read, and so many bytes of it: the processor itself
# fetches what follows (`bench/NOTES.md` has the times).
AHEAD, _MOST_BYTES = 12, 512
_LINE = 64  # bytes that a processor fetches at once
_READ, _RETAIN, _DATA = 0, 3, 1  # arguments of LLVM's instruction


def _compiled(typing_context: Any, table: Any, row: Any, byte: Any) -> Any:
    """Return the signature and the code of `_fetch_line`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        _, row, byte = arguments
        offset = builder.add(builder.mul(row, builder.extract_value(array.strides, 0)), byte)
        text, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        address = builder.gep(builder.bitcast(array.data, text), [offset])
        kind = ir.FunctionType(ir.VoidType(), [text, number, number, number])
        instruction = builder.module.declare_intrinsic("llvm.prefetch", [text], kind)
        builder.call(instruction, [address, number(_READ), number(_RETAIN), number(_DATA)])
        return context.get_dummy_value()

    return types.void(table, types.intp, types.intp), generate


def _interpreted(table: Any, row: int, byte: int) -> None:
    """Do nothing, as a kernel that is not compiled does not wait for memory."""


# Called by a kernel with a table, a row, and a byte of this row.
_fetch_line = jit.instruction(_compiled, _interpreted)


@jit.serial
def prefetch(table, row):
    """Fetch a row of a table, (N, D)."""
    for byte in range(0, min(table.shape[1] * table.itemsize, _MOST_BYTES), _LINE):
        _fetch_line(table, row, byte)
