"""What the float forms share: type checks, fused activations, constant weights."""

from __future__ import annotations

import numpy as np

from tinygen import floatmath
from tinygen.ir import Array, DType, Graph, Op, Tensor
from tinygen.ops._requantize import need_activation
from tinygen.ops.base import need_constant, reject
from tinygen.ops.dequantize import dequantize_tensor

_LIMITS = {
    "NONE": (-floatmath.LARGEST, floatmath.LARGEST),
    "RELU": (0.0, floatmath.LARGEST),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU6": (0.0, 6.0),
}


def need_float(op: Op, *tensors: Tensor) -> None:
    """Raise unless every tensor is float32 and has elements."""
    for tensor in tensors:
        if tensor.dtype is not DType.FLOAT32:
            raise reject(op, f"tensor '{tensor.name}' is {tensor.dtype.value}, float32 expected")
        if tensor.elements == 0:
            raise reject(op, f"tensor '{tensor.name}' is empty")


def float_limits(op: Op, activation: str) -> tuple[float, float]:
    """The clamp of a fused activation; without one, infinite results become the largest float, as in TFLM."""
    need_activation(op, activation)
    return _LIMITS[activation]


def clamped(values: Array, limits: tuple[float, float]) -> Array:
    return floatmath.clamp(values, *limits)


def need_float_weights(graph: Graph, op: Op, index: int) -> None:
    """Raise unless input `index` is a constant of finite float32, or int8 with scales, which stands for such."""
    weights = graph.required(op, index)
    need_constant(op, weights, "the weights")
    if weights.dtype is not DType.FLOAT32 and (weights.dtype is not DType.INT8 or weights.quantization is None):
        raise reject(op, f"weights are {weights.dtype.value}, float32 or quantized int8 expected")
    if not np.isfinite(float_weights(graph, op, index)).all():
        raise reject(op, "a weight is infinite or not a number", "train the model again; it cannot work")


def float_weights(graph: Graph, op: Op, index: int) -> Array:
    """The constant weights as float32, in their own shape."""
    weights = graph.required(op, index)
    assert weights.data is not None
    return weights.data if weights.dtype is DType.FLOAT32 else dequantize_tensor(weights, weights.data)


def need_float_bias(graph: Graph, op: Op, index: int, channels: int) -> None:
    """Raise unless input `index` is absent or a constant float32 array of `channels` elements."""
    bias = graph.input(op, index)
    if bias is None:
        return
    need_constant(op, bias, "the bias")
    if bias.dtype is not DType.FLOAT32 or bias.elements != channels:
        raise reject(op, f"bias is {bias.dtype.value} {bias.shape}, float32 of {channels} elements expected")


def float_bias(graph: Graph, op: Op, index: int, channels: int) -> Array:
    """The bias as float32 (channels,); zeros when it is absent."""
    bias = graph.input(op, index)
    if bias is None or bias.data is None:
        return np.zeros(channels, np.float32)
    return bias.data.reshape(channels)


def dot(rows: Array, columns: Array) -> Array:
    """rows (..., n) times columns (n, m), each sum from the first product to the last: (..., m) float32."""
    total = np.zeros((*rows.shape[:-1], columns.shape[-1]), np.float32)
    with np.errstate(all="ignore"):
        for index in range(columns.shape[0]):
            total += rows[..., index, None] * columns[index]
    return total
