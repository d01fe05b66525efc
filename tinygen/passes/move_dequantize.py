"""DEQUANTIZE in front of an operator that only moves elements goes behind it, where a QUANTIZE waits for it.

The converter leaves such operators in float32 for no reason. drop_identities.py takes away what is left. Exact: each
element is dequantized by itself, before or after it is moved.
"""

from __future__ import annotations

from dataclasses import replace

from tinygen.ir import Graph, Op
from tinygen.passes._rewrite import readers

# which input is moved
_MOVED = {
    **dict.fromkeys(("SPLIT_V", "UNPACK", "RESHAPE", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "SQUEEZE"), 0),
    **dict.fromkeys(("EXPAND_DIMS", "TILE", "REVERSE_V2"), 0),
    "SPLIT": 1,
}


def move_dequantize(graph: Graph) -> Graph:
    """The graph with moving operators on int8 wherever all their outputs are quantized again."""
    producers = {op.outputs[0]: op for op in graph.ops if op.kind == "DEQUANTIZE"}
    tensors = list(graph.tensors)
    ops: list[Op] = []
    for op in graph.ops:
        dequantize = producers.get(op.inputs[_MOVED[op.kind]]) if op.kind in _MOVED else None
        if dequantize is None or not all(_is_quantized(graph, output) for output in op.outputs):
            ops.append(op)
            continue
        x = tensors[dequantize.inputs[0]]
        count = len(tensors)
        outputs = tuple(range(count, count + len(op.outputs)))
        tensors += [replace(tensors[y], dtype=x.dtype, quantization=x.quantization) for y in op.outputs]
        inputs = tuple(dequantize.inputs[0] if i == dequantize.outputs[0] else i for i in op.inputs)
        ops.append(replace(op, inputs=inputs, outputs=outputs))
        for before, after in zip(outputs, op.outputs, strict=True):
            producers[after] = replace(dequantize, inputs=(before,), outputs=(after,))
            ops.append(producers[after])
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops))


def _is_quantized(graph: Graph, tensor: int) -> bool:
    return tensor not in graph.outputs and all(op.kind in ("QUANTIZE", *_MOVED) for op in readers(graph, tensor))
