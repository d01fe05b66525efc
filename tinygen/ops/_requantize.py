"""From 32-bit accumulators back to int8: multipliers, bias folding and activation limits."""

from __future__ import annotations

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_float32, quantize_multiplier
from tinygen.ir import Array, DType, Graph, Op, Tensor
from tinygen.ops.base import need_constant, reject

ACTIVATIONS = {0: "NONE", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6", 4: "TANH", 5: "SIGN_BIT"}
_LIMITS: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU6": (0.0, 6.0),
}


def activation_name(code: int) -> str:
    """TFLite's name of a fused_activation_function, also of one that does not exist."""
    return ACTIVATIONS.get(code, f"number {code}")


def need_activation(op: Op, activation: str) -> None:
    """Raise unless the fused activation is one that becomes a clamp."""
    if activation not in _LIMITS:
        raise reject(op, f"fused activation {activation} is not supported")


def activation_range(activation: str, output: Tensor) -> tuple[int, int]:
    """Quantized clamp limits of an int8 or int16 output; equals CalculateActivationRangeQuantized (kernel_util.cc)."""
    low, high = _LIMITS[activation]
    scale, zero_point = output.scale, output.zero_point
    lowest, highest = type_range(output.dtype)
    return (
        lowest if low is None else max(lowest, quantize_float32(low, scale, zero_point)),
        highest if high is None else min(highest, quantize_float32(high, scale, zero_point)),
    )


def type_range(dtype: DType) -> tuple[int, int]:
    """The least and the greatest value of an integer type."""
    limits = np.iinfo(dtype.value)
    return int(limits.min), int(limits.max)


def need_multiplier(op: Op, real: float, largest_shift: int = 30) -> None:
    """Raise unless a multiplier (input scales / output scale) has a left shift that int32 knows, as TFLM's needs."""
    if quantize_multiplier(real)[1] > largest_shift:
        raise reject(op, f"the output scale is {real:g} times too small for the input", "calibrate with real data")


def channel_multipliers(x: Tensor, weights: Tensor, output: Tensor, channels: int) -> tuple[Array, Array]:
    """Multiplier (int32) and shift (int8) per output channel, M = double(si) * double(sw) / double(so).

    Equals PopulateConvolutionQuantizationParams (kernel_util.cc); a per-tensor scale is repeated.
    """
    assert weights.quantization is not None
    scales = weights.quantization.scale
    if len(scales) == 1:
        scales = scales * channels
    pairs = [quantize_multiplier(x.scale * scale / output.scale) for scale in scales]
    return np.array([m for m, _ in pairs], np.int32), np.array([s for _, s in pairs], np.int8)


def need_weights(graph: Graph, op: Op, index: int, channels: int, axis: int, source: int = 0) -> None:
    """Raise unless input `index` is constant int8 with a symmetric scale per tensor or per channel on `axis`.

    Also when products of a filter with input `source` could leave int32, and when a multiplier would be too large.
    """
    weights = graph.required(op, index)
    data = need_constant(op, weights, "the weights")
    quantization = weights.quantization
    if weights.dtype is not DType.INT8 or quantization is None:
        raise reject(op, f"weights are {weights.dtype.value}, int8 expected")
    if any(quantization.zero_point):
        raise reject(op, "weights with a zero point other than 0 are not supported")
    if quantization.per_channel and (len(quantization.scale) != channels or quantization.axis != axis):
        raise reject(op, f"{len(quantization.scale)} weight scales for {channels} channels")
    filters = np.abs(np.moveaxis(data, axis, 0).reshape(channels, -1).astype(np.int64))
    if filters.sum(axis=1).max(initial=0) >= 1 << 23:
        raise reject(op, f"weights {weights.shape}: a filter's sum could leave 32 bits, as TFLM's would")
    need_multiplier(op, graph.required(op, source).scale * max(quantization.scale) / graph.output(op).scale)


def need_bias(graph: Graph, op: Op, index: int, channels: int) -> None:
    """Raise unless input `index` is absent or a constant int32 array of `channels` elements."""
    bias = graph.input(op, index)
    if bias is None:
        return
    need_constant(op, bias, "the bias")
    if bias.dtype is not DType.INT32 or bias.elements != channels:
        raise reject(op, f"bias is {bias.dtype.value} {bias.shape}, int32 of {channels} elements expected")


def bias_values(graph: Graph, op: Op, index: int, channels: int) -> Array:
    """The bias as int32 (channels,); zeros when it is absent."""
    bias = graph.input(op, index)
    if bias is None or bias.data is None:
        return np.zeros(channels, np.int32)
    return bias.data.reshape(channels)


def requantize(
    accumulators: Array,
    multiplier: Array,
    shift: Array,
    zero_point: int,
    limits: tuple[int, int],
    dtype: DType = DType.INT8,
) -> Array:
    """Outputs of int32 accumulators (any integer dtype; wrapped to int32 as the C does), last axis = channel."""
    wrapped = accumulators.astype(np.int64).astype(np.int32)
    scaled = multiply_by_quantized_multiplier(wrapped, multiplier, shift)
    return np.clip((scaled + zero_point).astype(np.int32), *limits).astype(dtype.value)


def exact_matmul(a: Array, b: Array) -> Array:
    """a @ b of small integers through float64 BLAS, which is exact below 2**53 and much faster; int64."""
    return np.asarray(np.rint(a.astype(np.float64) @ b.astype(np.float64)), np.int64)
