"""Line of a row of a table → the cache of the core, before a kernel reads it: `prefetch`."""

from typing import Any

from llvmlite import ir
from numba import types

from bhtsne import jit

__all__ = ["LINE", "prefetch"]

LINE = 64  # bytes that a processor fetches at once
_READ, _RETAIN, _DATA = 0, 3, 1  # arguments of LLVM's instruction


def _compiled(typing_context: Any, table: Any, row: Any, byte: Any) -> Any:
    """Return the signature and the code of `prefetch`."""

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
prefetch = jit.instruction(_compiled, _interpreted)
