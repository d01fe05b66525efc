"""What operators share that reduce a tensor along constant axes: axes, shapes, and how the kernels walk."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from tinygen.ir import DType, Graph, Op
from tinygen.ops.base import KernelCall, Operand, Shape, need_constant, need_inputs, need_quantized, reject, row_by_row

RANK = 5
# elements of one sum: its 255 (int16: 32768) steps each must stay in 32 bits, as TFLM's must
_LARGEST_SUM = {DType.INT8: 1 << 23, DType.INT16: 1 << 16}


@dataclass(frozen=True, slots=True)
class ReduceOptions:
    keep_dims: bool


def parse_reduce(options: Any) -> ReduceOptions:
    return ReduceOptions(bool(options.keepDims))


def constant_axes(graph: Graph, op: Op, rank: int) -> tuple[int, ...]:
    """The axes in input 1, from 0 up, sorted, each once; raises unless they are constant int32 axes of `rank`."""
    axes = graph.required(op, 1)
    data = need_constant(op, axes, "the axes")
    if axes.dtype is not DType.INT32:
        raise reject(op, f"the axes are {axes.dtype.value}, int32 expected")
    values = [int(a) for a in data.flat]
    if not all(-rank <= a < rank for a in values):
        raise reject(op, f"axes {values} of a tensor of {rank} dimensions")
    return tuple(sorted({a % rank for a in values}))


def check_reduce(graph: Graph, op: Op, dtype: DType = DType.INT8) -> None:
    """Raise unless a tensor of that type and of 1 to 5 dimensions is reduced along constant axes."""
    need_inputs(graph, op, 2, 2)
    x = graph.required(op, 0)
    need_quantized(op, dtype, x, graph.output(op))
    if not 1 <= len(x.shape) <= RANK:
        raise reject(op, f"an input of {len(x.shape)} dimensions, 1 to {RANK} expected")
    if x.elements == 0:
        raise reject(op, "the input is empty")
    constant_axes(graph, op, len(x.shape))
    if reduced_count(graph, op) >= _LARGEST_SUM[dtype]:
        raise reject(op, f"{reduced_count(graph, op)} elements of {x.shape} become one: a sum could leave 32 bits")


def reduced_axes(graph: Graph, op: Op) -> tuple[int, ...]:
    return constant_axes(graph, op, len(graph.required(op, 0).shape))


def reduced_count(graph: Graph, op: Op) -> int:
    """How many elements become one."""
    shape = graph.required(op, 0).shape
    return prod(shape[axis] for axis in reduced_axes(graph, op))


def reduced_shape(graph: Graph, op: Op) -> Shape:
    shape, axes = graph.required(op, 0).shape, reduced_axes(graph, op)
    if op.options.keep_dims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def reduce_call(graph: Graph, op: Op, kernel: str, params: tuple[tuple[str, int | float], ...]) -> KernelCall:
    """The call of a kernel whose params begin with the axes (reduce_sum_s8.h says how), then `params`.

    Neighbouring axes that are both kept or both reduced are one. The outermost kept one is the row that blocks
    are made of (row y of the input becomes row y of the output); within a row at most two kept and three
    reduced axes alternate, as there are no more than five dimensions.
    """
    shape, axes = graph.required(op, 0).shape, reduced_axes(graph, op)
    groups: list[tuple[int, bool]] = []
    for axis, elements in enumerate(shape):
        if groups and groups[-1][1] == (axis in axes):
            elements *= groups.pop()[0]
        groups.append((elements, axis in axes))
    rows = groups.pop(0)[0] if not groups[0][1] else 1
    kept, reduced = [(1, 0), (1, 0)], [(1, 0), (1, 0), (1, 0)]
    for index, (elements, is_reduced) in enumerate(groups):
        (reduced if is_reduced else kept).append((elements, prod(n for n, _ in groups[index + 1 :])))
    walks = [("kept", i, walk) for i, walk in enumerate(kept[-2:])]
    walks += [("reduced", i, walk) for i, walk in enumerate(reduced[-3:])]
    geometry: list[tuple[str, int]] = []
    element = graph.output(op).dtype.size
    for name, i, (size, step) in walks:
        geometry += [(f"{name}{i}", size), (f"{name}{i}_step", step)]
    return KernelCall(
        kernel=kernel,
        params=(*geometry, *params),
        inputs=(Operand(op.inputs[0], 1, rows, element * prod(n for n, _ in groups)),),
        output=Operand(op.outputs[0], 1, rows, element * prod(n for n, is_reduced in groups if not is_reduced)),
        rows=rows,
        reads=(row_by_row(rows),),
    )
