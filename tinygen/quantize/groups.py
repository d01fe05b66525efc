"""Which activations may get another range, and which of them must share one.

Place in the flow: improve.py asks for the groups of an int8 .tflite; ranges.py finds a range for each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinygen.quantize.flat import WEIGHTED, Flat, matched
from tinygen.quantize.write import layers

# operators whose inputs and outputs have a scale each
_FREE = {
    *WEIGHTED,
    *("ADD", "SUB", "MUL", "DIV", "SQUARED_DIFFERENCE", "MEAN", "SUM", "BATCH_MATMUL", "QUANTIZE"),
    *("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU", "PRELU", "HARD_SWISH", "ELU", "GELU"),
    *("ABS", "EXP", "LOG", "SQRT", "SQUARE", "NEG"),
}
# operators that only move bytes, or that the format wants with one scale
_SAME = {
    *("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "PAD", "MIRROR_PAD", "CONCATENATION", "PACK", "UNPACK"),
    *("SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "GATHER", "REVERSE_V2", "TILE", "BROADCAST_TO"),
    *("MAX_POOL_2D", "AVERAGE_POOL_2D", "MAXIMUM", "MINIMUM", "REDUCE_MAX", "REDUCE_MIN"),
    *("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE"),
    *("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"),
}
# operators whose output has the scale that the format prescribes
_FIXED_OUTPUT = {"SOFTMAX", "LOGISTIC", "TANH", "LOG_SOFTMAX", "L2_NORMALIZATION"}


@dataclass(frozen=True, slots=True)
class Group:
    """Activations that share one range: tensors of the int8 file, with their twins in the float file."""

    tensors: tuple[int, ...]
    floats: tuple[int, ...]


def groups(quantized: Flat, floating: Flat) -> tuple[Group, ...]:
    """The groups whose range may be changed, in the order of the file."""
    activations = list(quantized.activations())
    parent = {i: i for i in activations}
    frozen: set[int] = set()

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    rewritten = {layer.index for layer in layers(quantized, floating)}
    for index, op in enumerate(quantized.graph.operators):
        kind = quantized.kind(op)
        inputs = [int(i) for i in op.inputs if i >= 0]
        outputs = [int(i) for i in op.outputs]
        computed = [i for i in inputs if i in parent]
        if kind in _FREE:
            if kind in WEIGHTED and index not in rewritten:
                frozen.update(inputs)  # its bias is in steps of its input
        elif kind in _SAME and not _has_quantized_constant(quantized, inputs):
            together = [i for i in (*computed, *outputs) if quantized.quantization(i) is not None]
            for i in together[1:]:
                parent[root(i)] = root(together[0])
        elif kind in _FIXED_OUTPUT:
            frozen.update(outputs)
        else:
            frozen.update(inputs, outputs)
    twins = matched(quantized, floating)
    members: dict[int, list[int]] = {}
    for i in activations:
        members.setdefault(root(i), []).append(i)
        if i not in twins or quantized.graph.tensors[i].type != schema.TensorType.INT8:
            frozen.add(i)
    return tuple(
        Group(tuple(those), tuple(twins[i] for i in those)) for those in members.values() if frozen.isdisjoint(those)
    )


def _has_quantized_constant(flat: Flat, inputs: list[int]) -> bool:
    """A constant among the values (not an axis or a shape) would have to be quantized anew."""
    found = (flat.data(i) for i in inputs)
    return any(data is not None and data.dtype == np.int8 for data in found)
