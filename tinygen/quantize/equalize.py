"""Cross-layer equalisation: the channels of an activation are scaled to a like size, which the layers around undo.

Place in the flow: improve.py offers the float file so changed as another source of weights. The function computed stays
the same (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction"): a channel that
is divided by s behind a layer that is linear but for ReLU is multiplied by s in the weights of the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinygen.ir import Array
from tinygen.quantize.flat import WEIGHTED, Flat, own_buffers, write_data
from tinygen.quantize.measure import Seen

_BETWEEN = ("MAX_POOL_2D", "AVERAGE_POOL_2D")  # act on each channel alone and keep factors above 0
_LINEAR = (schema.ActivationFunctionType.NONE, schema.ActivationFunctionType.RELU)
_MOST = 4096.0  # the largest factor and, below 1, the inverse of the smallest


def equalized(floating: bytes, seen: Mapping[int, Seen]) -> bytes:
    """The float .tflite with its channels equalised; the same content where there is nothing to equalise.

    seen: what the tensors held (measure.look). Ranges behind a depthwise layer, whose weights have a scale per channel,
    are made equal; before any other the factor is the geometric mean of what serves activation and weights.
    """
    flat = Flat.of(floating)
    most = {i: s.channel_most.astype(np.float64) for i, s in seen.items()}
    changed = False
    for first, second, between in _pairs(flat):
        y = int(first.outputs[0])
        weights = flat.data(int(second.inputs[1]))
        if y not in most or weights is None or weights.dtype != np.float32:
            continue
        factor = _factor(most[y], _input_range(weights, flat.kind(second)), flat.kind(second) == "DEPTHWISE_CONV_2D")
        if factor is None:
            continue
        _scale_outputs(flat, first, 1 / factor)
        _scale_inputs(flat, second, factor)
        for tensor in (y, *between):
            most[tensor] = most[tensor] / factor
        changed = True
    return flat.packed() if changed else floating


def _factor(activation: Array, weights: Array, is_depthwise: bool) -> Array | None:
    """What to divide each channel by; None if it would change little."""
    if len(activation) != len(weights):
        return None
    alive = (activation > 0) & (weights > 0)
    if not alive.any():
        return None
    raw = np.ones(len(activation))
    raw[alive] = activation[alive] if is_depthwise else np.sqrt(activation[alive] / weights[alive])
    raw[alive] /= raw[alive].max() if is_depthwise else np.sqrt(activation[alive].max() / weights[alive].max())
    factor = np.clip(raw, 1 / _MOST, _MOST)
    return factor if factor[alive].max() > 1.1 * factor[alive].min() else None


def _pairs(flat: Flat) -> list[tuple[Any, Any, tuple[int, ...]]]:
    """(layer, the only layer that reads it, activations between them but for the first), in the order of the file."""
    readers: dict[int, list[Any]] = {}
    for op in flat.graph.operators:
        for i in op.inputs:
            readers.setdefault(int(i), []).append(op)
    border = {int(i) for i in flat.graph.outputs}
    found = []
    for first in flat.graph.operators:
        if flat.kind(first) not in WEIGHTED or not _is_scalable(flat, first, readers):
            continue
        tensor, between = int(first.outputs[0]), list[int]()
        while tensor not in border and len(readers.get(tensor, [])) == 1:
            second = readers[tensor][0]
            if flat.kind(second) in WEIGHTED and int(second.inputs[0]) == tensor:
                if _own_constants(second, readers):
                    found.append((first, second, tuple(between)))
                break
            if flat.kind(second) not in _BETWEEN or second.builtinOptions.fusedActivationFunction not in _LINEAR:
                break
            tensor = int(second.outputs[0])
            between.append(tensor)
    return found


def _is_scalable(flat: Flat, op: Any, readers: Mapping[int, list[Any]]) -> bool:
    return op.builtinOptions.fusedActivationFunction in _LINEAR and _own_constants(op, readers)


def _own_constants(op: Any, readers: Mapping[int, list[Any]]) -> bool:
    """Whether nobody else reads the weights and the bias."""
    return all(len(readers[int(i)]) == 1 for i in op.inputs[1:] if i >= 0)


def _input_range(weights: Array, kind: str) -> Array:
    """The largest weight of each input channel."""
    axis = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 1}[kind]
    most: Array = np.moveaxis(np.abs(weights), axis, 0).reshape(weights.shape[axis], -1).max(1)
    return most


def _scale_outputs(flat: Flat, op: Any, factor: Array) -> None:
    axis = 3 if flat.kind(op) == "DEPTHWISE_CONV_2D" else 0
    _multiply(flat, int(op.inputs[1]), factor, axis)
    if len(op.inputs) > 2 and op.inputs[2] >= 0:
        _multiply(flat, int(op.inputs[2]), factor, 0)


def _scale_inputs(flat: Flat, op: Any, factor: Array) -> None:
    _multiply(flat, int(op.inputs[1]), factor, 1 if flat.kind(op) == "FULLY_CONNECTED" else 3)


def _multiply(flat: Flat, tensor: int, factor: Array, axis: int) -> None:
    values = flat.data(tensor)
    assert values is not None
    own_buffers(flat, [tensor])
    shape = [1] * values.ndim
    shape[axis] = -1
    write_data(flat, tensor, (values * factor.reshape(shape)).astype(np.float32))
