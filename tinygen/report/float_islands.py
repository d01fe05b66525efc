"""Which stretches of a model compute in float32, and what that costs: int8 would run faster and smaller."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tinygen.ir import DType, Graph, Op
from tinygen.ops import operator_for

_BORDERS = ("QUANTIZE", "DEQUANTIZE")
_NAMED = 8  # kinds of operators in a sentence


@dataclass(frozen=True, slots=True)
class FloatIsland:
    """Operators joined by float32 tensors, in their order.

    `operations` counts two for each multiply-accumulate and one for each element of what has none: an addition as
    much as an exponential; moving data counts nothing. `const_bytes` is of its float32 constants.
    """

    operators: tuple[str, ...]
    macs: int
    operations: int
    const_bytes: int


def float_islands(graph: Graph) -> tuple[FloatIsland, ...]:
    """The islands of a graph as it is compiled, in the order of their first operators."""
    groups: list[tuple[set[int], list[Op]]] = []  # tensors that join, operators
    for op in graph.ops:
        if op.kind in _BORDERS:
            continue
        joined = {i for i in (*op.inputs, *op.outputs) if i >= 0 and _flows(graph, i)}
        if not joined:
            continue
        met = [group for group in groups if group[0] & joined]
        groups = [group for group in groups if not group[0] & joined]
        members = [*(other for _, ops in met for other in ops), op]
        groups.append((joined.union(*(tensors for tensors, _ in met)), members))
    order = {op: index for index, op in enumerate(graph.ops)}
    islands = (_island(graph, sorted(ops, key=order.__getitem__)) for _, ops in groups)
    return tuple(island for island in islands if island.operations)


def _flows(graph: Graph, tensor: int) -> bool:
    return graph.tensors[tensor].dtype is DType.FLOAT32 and graph.tensors[tensor].data is None


def _island(graph: Graph, ops: list[Op]) -> FloatIsland:
    macs = sum(operator_for(graph, op).macs(graph, op) for op in ops)
    constants = {i for op in ops for i in op.inputs if i >= 0 and graph.tensors[i].data is not None}
    # int8 weights of a float operator are stored as float32 too
    numbers = (graph.tensors[i] for i in constants if graph.tensors[i].dtype in (DType.FLOAT32, DType.INT8))
    return FloatIsland(
        operators=tuple(op.kind for op in ops),
        macs=macs,
        operations=sum(_operations(graph, op) for op in ops),
        const_bytes=sum(4 * tensor.elements for tensor in numbers),
    )


def _operations(graph: Graph, op: Op) -> int:
    operator = operator_for(graph, op)
    if operator.dtype is not DType.FLOAT32 or op.kind == "SELECT_V2":
        return 0
    if macs := operator.macs(graph, op):
        return 2 * macs
    return max(prod(graph.tensors[i].shape) for i in (*op.inputs, *op.outputs) if i >= 0)


def island_lines(graph: Graph) -> list[str]:
    """A sentence for each island."""
    return [_line(island) for island in float_islands(graph)]


def _line(island: FloatIsland) -> str:
    count = len(island.operators)
    kinds = list(dict.fromkeys(island.operators))
    named = ", ".join(kinds[:_NAMED]) + (", ..." if len(kinds) > _NAMED else "")
    stored = f", {island.const_bytes:,} bytes of float constants" if island.const_bytes else ""
    return (
        f"float island: {count} operator{'s' if count > 1 else ''} ({named}), {island.operations:,} float operations"
        f"{stored}; quantize {'them' if count > 1 else 'it'} to run faster"
    )


def islands_json(graph: Graph) -> list[dict[str, object]]:
    """The value of the key `float_islands` of SPEC section 5."""
    return [
        {
            "operators": list(island.operators),
            "macs": island.macs,
            "float_operations": island.operations,
            "const_bytes": island.const_bytes,
        }
        for island in float_islands(graph)
    ]
