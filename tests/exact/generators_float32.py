"""Random cases of the float forms: those of the int8 forms, with every int8 tensor made float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.random import Generator

from tests.exact import generators_binary, generators_heavy, generators_select, generators_unary, layers
from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Array, DType, Graph, Tensor

Made = int | Sequence[int]
Make = Callable[[ModelBuilder, Generator], Made]

# for these TFLM has no float kernel: test_float32.py judges them
NOT_IN_TFLM = {"REDUCE_PROD float32", "SELECT float32", "GELU float32", "RELU_0_TO_1 float32", "RELU_N1_TO_1 float32"}


def floated(make: Make) -> Make:
    """The model of an int8 generator in float32: constants as numbers of one random scale, biases too."""

    def model(b: ModelBuilder, rng: Generator) -> Made:
        made = make(b, rng)
        step = layers.power(rng, -9, -5)
        for tensor in b.tensors:
            if tensor.type != schema.TensorType.INT8:
                continue
            if tensor.buffer:
                steps = b._buffers[tensor.buffer].data.view(np.int8).astype(np.float32)
                zero = tensor.quantization.zeroPoint[0] if tensor.quantization else 0
                _set_floats(b, tensor, (steps - np.float32(zero)) * np.float32(step))
            tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None
        for op in b._ops:
            has_bias = isinstance(
                op.builtinOptions,
                schema.Conv2DOptionsT
                | schema.DepthwiseConv2DOptionsT
                | schema.FullyConnectedOptionsT
                | schema.TransposeConvOptionsT,
            )
            if has_bias and op.inputs[-1] >= 0 and b.tensors[op.inputs[-1]].type == schema.TensorType.INT32:
                _set_floats(b, b.tensors[op.inputs[-1]], rng.normal(0, 10, b.shape(op.inputs[-1])))
        return made

    return model


def _set_floats(b: ModelBuilder, tensor: schema.TensorT, values: Array) -> None:
    b._buffers[tensor.buffer].data = np.frombuffer(values.astype(np.float32).tobytes(), np.uint8)
    tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None


def _image(layer: layers.Layer) -> Make:
    return lambda b, rng: layer(b, rng, layers.model_input(b, rng, layers.image(rng)))


def _ranks(layer: layers.Layer) -> Make:
    return lambda b, rng: layer(b, rng, layers.model_input(b, rng, layers.any_rank(rng)))


def _add(b: ModelBuilder, rng: Generator) -> Made:
    shapes = generators_binary.broadcast_shapes(rng, 2)
    pair = [layers.model_input(b, rng, shape) for shape in shapes]
    if rng.random() < 0.3:
        pair[1] = b.constant(rng.integers(-128, 128, shapes[1]).astype(np.int8), 0.5)
        b.inputs.pop()
    y = b.tensor(np.broadcast_shapes(*shapes), 0.5)
    b.op("ADD", pair if rng.random() < 0.5 else pair[::-1], [y], fusedActivationFunction=layers.activation(rng))
    return y


def _prelu(b: ModelBuilder, rng: Generator) -> Made:
    """Up to 4 dimensions, as TFLM has it; alpha of any smaller shape, constant or computed."""
    shape = layers.any_rank(rng)
    x = layers.model_input(b, rng, shape)
    alpha_shape = tuple(n if rng.random() < 0.6 else 1 for n in shape)[int(rng.integers(len(shape))) :]
    values = rng.integers(-128, 128, alpha_shape).astype(np.int8)
    alpha = b.constant(values, 0.5) if rng.random() < 0.6 else layers.model_input(b, rng, alpha_shape)
    y = b.tensor(shape, 0.5)
    b.op("PRELU", [x, alpha], [y])
    return y


_OTHERS: dict[str, Make] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _image(layers.average_pool_2d),
    "CONV_2D": _image(layers.conv_2d),
    "DEPTHWISE_CONV_2D": _image(layers.depthwise_conv_2d),
    "FULLY_CONNECTED": _ranks(layers.fully_connected),
    "MAX_POOL_2D": _image(layers.max_pool_2d),
    "PRELU": _prelu,
    "RELU": _ranks(layers.relu),
    "RELU6": _ranks(layers.relu6),
    "SOFTMAX": _ranks(layers.softmax),
}
_HEAVY = (
    "BATCH_MATMUL",
    "CUMSUM",
    "MEAN",
    "REDUCE_MAX",
    "REDUCE_MIN",
    "REDUCE_PROD",
    "RESIZE_BILINEAR",
    "SUM",
    "TRANSPOSE_CONV",
)
_COMPARISONS = ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL")
_BINARY = ("DIV", "MAXIMUM", "MINIMUM", "MUL", "SELECT_V2", "SQUARED_DIFFERENCE", "SUB", *_COMPARISONS)
_ALL: dict[str, Make] = {
    **generators_unary.GENERATORS,
    **{kind: generators_binary.GENERATORS[kind] for kind in _BINARY},
    **{kind: generators_heavy.GENERATORS[kind] for kind in _HEAVY},
    "SELECT": generators_select.select,
    **_OTHERS,
}
GENERATORS: dict[str, Make] = {f"{kind} float32": floated(make) for kind, make in _ALL.items()}


def _values(kind: str, tensor: Tensor, drawn: Array, style: str, rng: Generator) -> Array:
    """float32 of a few sizes; where the operator has no value of a number, another one instead."""
    if tensor.dtype is not DType.FLOAT32:
        return drawn
    shape = tensor.shape
    values = {
        "random": rng.normal(0, 2.0 ** rng.uniform(-2, 3), shape),
        "lowest": np.full(shape, -30.0),
        "highest": np.full(shape, 30.0),
        "zero": rng.choice((0.0, -0.0, 1e-30, -1e-38), shape),
        "extremes": rng.choice((-1e4, -100, 100, 1e4), shape),
        "tilted": rng.normal(0, 3, shape[-1:]) + rng.normal(0, 1, shape),
        "near zero": rng.uniform(-1e-3, 1e-3, shape),
    }[style].astype(np.float32)
    if kind in _COMPARISONS:
        return np.asarray(np.rint(values / 4))
    if kind in ("LOG", "RSQRT", "SQRT"):
        return np.asarray(np.maximum(np.abs(values), np.float32(1e-30)))
    return np.asarray(values)


def _drawn(kind: str) -> Callable[[Graph, Tensor, Array, str, Generator], Array]:
    def values(graph: Graph, tensor: Tensor, drawn: Array, style: str, rng: Generator) -> Array:
        made = _values(kind, tensor, drawn, style, rng)
        if kind == "DIV" and tensor is graph.required(graph.ops[0], 1):
            return np.where(np.abs(made) < np.float32(1e-4), np.float32(0.25), made)
        return made

    return values


VALUES = {f"{kind} float32": _drawn(kind) for kind in _ALL}
