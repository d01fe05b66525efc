"""An int8 .tflite anew, with other ranges, other float weights and corrected biases.

Place in the flow: improve.py makes each candidate here. With the converter's own ranges and weights the result has the
converter's own numbers (tests compare them).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array
from tinygen.quantize.flat import WEIGHTED, Flat, matched, own_buffers, write_data, write_scale
from tinygen.quantize.ranges import Range, scale_of

_LARGEST_BIAS = float(1 << 30)  # steps: far from where a sum of products overflows


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A weighted operator of the int8 file with its float weights; `bias` (output channels,) float64 or None."""

    index: int  # of the operator
    kind: str
    inputs: tuple[int, ...]
    weights: Array
    axis: int  # of the weights' scales
    per_channel: bool
    bias: Array | None
    floor: Array  # scales for channels of nothing but zeros

    def along(self, scale: Array) -> Array:
        """Scales in a shape that multiplies the weights."""
        shape = [1] * self.weights.ndim
        if self.per_channel:
            shape[self.axis] = -1
        return scale.reshape(shape)


class Rewriter:
    """Writes candidates: the int8 file with the weights of a float file. Unpacked once, for it takes its time."""

    def __init__(self, quantized: bytes, floating: bytes) -> None:
        self._flat = Flat.of(quantized)
        self.layers = layers(self._flat, Flat.of(floating))
        for layer in self.layers:
            own_buffers(self._flat, layer.inputs[1:])

    def write(self, ranges: Mapping[int, Range], corrections: Mapping[int, Array] | None = None) -> bytes:
        """The .tflite with these ranges (low, high) of its tensors; always give all that any call has given.

        corrections: operator to what is added to its real bias, (output channels,).
        """
        for tensor, limits in ranges.items():
            scale, zero_point = scale_of(limits)
            write_scale(self._flat, tensor, np.array([scale]), np.array([zero_point]))
        for layer in self.layers:
            self._write_layer(layer, (corrections or {}).get(layer.index))
        return self._flat.packed()

    def weight_scales(self, layer: Layer, bias: Array | None) -> Array:
        """The largest magnitude is 127 steps; more where the bias would not fit its type."""
        magnitude = np.abs(layer.weights)
        most = np.moveaxis(magnitude, layer.axis, 0).reshape(magnitude.shape[layer.axis], -1).max(1)
        scale: Array = (most if layer.per_channel else most.max(keepdims=True)) / np.float32(127)
        scale = np.where(scale > 0, scale, layer.floor).astype(np.float32)
        if bias is not None:
            least = (np.abs(bias) / _LARGEST_BIAS / self._input_scale(layer)).astype(np.float32)
            scale = np.maximum(scale, least if layer.per_channel else least.max(keepdims=True))
        return scale

    def _input_scale(self, layer: Layer) -> np.float32:
        found = self._flat.quantization(layer.inputs[0])
        assert found is not None
        scale: np.float32 = found[0][0]
        return scale

    def _write_layer(self, layer: Layer, correction: Array | None) -> None:
        bias = layer.bias if layer.bias is None or correction is None else layer.bias + correction
        scale = self.weight_scales(layer, bias)
        steps = np.clip(np.round(layer.weights / layer.along(scale)), -127, 127).astype(np.int8)
        zeros = np.zeros(len(scale), np.int64)
        write_data(self._flat, layer.inputs[1], steps)
        write_scale(self._flat, layer.inputs[1], scale, zeros)
        if bias is not None:
            unit = self._input_scale(layer) * scale
            write_data(self._flat, layer.inputs[2], np.round(bias / unit).astype(np.int32))
            write_scale(self._flat, layer.inputs[2], unit, zeros)


def layers(flat: Flat, source: Flat) -> tuple[Layer, ...]:
    """The layers whose weights, and bias if any, the float file has, too, and that no other layer uses."""
    twins = matched(flat, source)
    readers = Counter(int(i) for op in flat.graph.operators for i in op.inputs)
    found = []
    for index, op in enumerate(flat.graph.operators):
        inputs = tuple(int(i) for i in op.inputs if i >= 0)
        if flat.kind(op) not in WEIGHTED or any(i not in twins or readers[i] > 1 for i in inputs[1:]):
            continue
        weights, own = source.data(twins[inputs[1]]), flat.quantization(inputs[1])
        if weights is None or weights.dtype != np.float32 or own is None or flat.quantization(inputs[0]) is None:
            continue
        axis = int(flat.graph.tensors[inputs[1]].quantization.quantizedDimension)
        bias = source.data(twins[inputs[2]]) if len(inputs) > 2 else None
        real = None if bias is None else bias.astype(np.float64)
        found.append(Layer(index, flat.kind(op), inputs, weights, axis, len(own[0]) > 1, real, own[0]))
    return tuple(found)
