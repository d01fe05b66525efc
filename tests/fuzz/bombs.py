"""Files of reasonable size that ask for gigabytes or hours: valid ones, and such as only an attacker writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.support.tflite_builder import ModelBuilder, pack

_BYTE = np.ones((1, 1), np.int8)


def _ints(b: ModelBuilder, *values: int) -> int:
    return b.constant(np.array(values, np.int32))


def _used(b: ModelBuilder, tensor: int) -> bytes:
    """The model that adds a tensor to its input."""
    shape = b.shape(tensor)
    x, y = b.input(shape, 0.5), b.tensor(shape, 0.5)
    b.op("ADD", [x, tensor], [y], fusedActivationFunction=0)
    return b.build([y])


def _broadcast_constant(size: int) -> bytes:
    b = ModelBuilder()
    large = b.tensor((size, size), 0.5)
    b.op("BROADCAST_TO", [b.constant(_BYTE, 0.5), _ints(b, size, size)], [large])
    return _used(b, large)


def _tile_constant(size: int) -> bytes:
    b = ModelBuilder()
    large = b.tensor((size, size), 0.5)
    b.op("TILE", [b.constant(_BYTE, 0.5), _ints(b, size, size)], [large])
    return _used(b, large)


def _many_broadcasts() -> bytes:
    """Each is small enough, all together are not."""
    b = ModelBuilder()
    small = b.constant(_BYTE, 0.5)
    total = b.input((1000, 1000), 0.5)
    for _ in range(400):
        large, following = b.tensor((1000, 1000), 0.5), b.tensor((1000, 1000), 0.5)
        b.op("BROADCAST_TO", [small, _ints(b, 1000, 1000)], [large])
        b.op("ADD", [total, large], [following], fusedActivationFunction=0)
        total = following
    return b.build([total])


def _matmul_of_constants(size: int = 2000) -> bytes:
    """size ** 3 multiplications of constants that are made of one byte."""
    b = ModelBuilder()
    large, product = b.tensor((size, size), 0.5), b.tensor((size, size), 0.5)
    b.op("BROADCAST_TO", [b.constant(_BYTE, 0.5), _ints(b, size, size)], [large])
    b.op("BATCH_MATMUL", [large, large], [product])
    return _used(b, product)


def _pool_of_constant() -> bytes:
    """A window of 500 x 500 around each of 500 x 500 pixels."""
    b = ModelBuilder()
    image, pooled = b.constant(np.ones((1, 500, 500, 1), np.int8), 0.5), b.tensor((1, 500, 500, 1), 0.5)
    b.op("MAX_POOL_2D", [image], [pooled], padding=0, strideH=1, strideW=1, filterHeight=500, filterWidth=500)
    return _used(b, pooled)


def _window_beyond() -> bytes:
    """A pool whose window is a billion times the image, on a constant."""
    b = ModelBuilder()
    image, pooled = b.constant(np.ones((1, 4, 4, 1), np.int8), 0.5), b.tensor((1, 4, 4, 1), 0.5)
    huge = (1 << 31) - 1
    b.op("MAX_POOL_2D", [image], [pooled], padding=0, strideH=1, strideW=1, filterHeight=huge, filterWidth=huge)
    return _used(b, pooled)


def _dilated() -> bytes:
    """A convolution of constants whose dilation reaches two billion pixels far."""
    b = ModelBuilder()
    image, y = b.constant(np.ones((1, 4, 4, 1), np.int8), 0.5), b.tensor((1, 4, 4, 1), 0.5)
    weights = b.constant(np.ones((1, 3, 3, 1), np.int8), 0.5)
    far = (1 << 30) - 1
    b.op("CONV_2D", [image, weights], [y], padding=0, strideH=1, strideW=1, dilationHFactor=far, dilationWFactor=far)
    return _used(b, y)


def _chain(count: int, kind: str = "ADD") -> bytes:
    """Operators behind one another."""
    b = ModelBuilder()
    x = b.input((1, 4), 0.5)
    for _ in range(count):
        y = b.tensor((1, 4), 0.5)
        b.op(kind, [x, x] if kind == "ADD" else [x], [y], **({"fusedActivationFunction": 0} if kind == "ADD" else {}))
        x = y
    model = b.model([x])
    model.operatorCodes = model.operatorCodes[:1]
    for op in model.subgraphs[0].operators:
        op.opcodeIndex = 0
    return pack(model)


def _fan_out(count: int) -> bytes:
    """Many large tensors that all live to the end."""
    b = ModelBuilder()
    x = b.input((1024, 1024), 0.5)
    made = [b.tensor((1024, 1024), 0.5) for _ in range(count)]
    for y in made:
        b.op("RELU", [x], [y])
    return b.build(made)


def _move(
    kind: str, shape: tuple[int, ...], result: tuple[int, ...], *integers: tuple[int, ...], **options: Any
) -> bytes:
    b = ModelBuilder()
    x, y = b.input(shape, 0.5), b.tensor(result, 0.5)
    b.op(kind, [x, *(b.constant(np.array(v, np.int32)) for v in integers)], [y], **options)
    return b.build([y])


def _image_move(kind: str, side: int) -> bytes:
    """An operator with an index for each row and column, on as large an image as may be."""
    image = (1, side, side, 1)
    if kind == "RESIZE_NEAREST_NEIGHBOR":
        return _move(kind, (1, 2, 2, 1), image, (side, side))
    return _move(kind, image, image, (1, 2))


def _space_to_batch(block: int) -> bytes:
    paddings = np.array([[0, block - 1], [0, 0]], np.int32)
    b = ModelBuilder()
    x, y = b.input((1, 1, 1, 1), 0.5), b.tensor((block, 1, 1, 1), 0.5)
    b.op("SPACE_TO_BATCH_ND", [x, _ints(b, block, 1), b.constant(paddings)], [y])
    return b.build([y])


def _gather(count: int, batch: int) -> bytes:
    """batch * count single indices."""
    b = ModelBuilder()
    x, y = b.input((batch, 8), 0.5), b.tensor((batch, count), 0.5)
    indices = b.constant(np.zeros((batch, count), np.int32))
    b.op("GATHER", [x, indices], [y], axis=1, batchDims=1)
    return b.build([y])


def _weights(megabytes: int) -> bytes:
    """A layer with that many megabytes of weights."""
    b = ModelBuilder()
    x, y = b.input((1, 1024), 0.5), b.tensor((1, megabytes * 1024), 0.5)
    weights = (np.arange(megabytes << 20, dtype=np.int64) % 251 - 125).astype(np.int8).reshape(-1, 1024)
    b.op("FULLY_CONNECTED", [x, b.constant(weights, 0.01)], [y], fusedActivationFunction=0)
    return b.build([y])


def _weights_shared(count: int) -> bytes:
    """One megabyte of weights in many layers."""
    b = ModelBuilder()
    x = b.input((1, 1024), 0.5)
    weights = b.constant(np.ones((1024, 1024), np.int8), 0.01)
    for _ in range(count):
        y = b.tensor((1, 1024), 0.5)
        b.op("FULLY_CONNECTED", [x, weights], [y], fusedActivationFunction=0)
        x = y
    return b.build([x])


def _borders(count: int) -> bytes:
    """The same output named again and again."""
    b = ModelBuilder()
    x, y = b.input((1, 4), 0.5), b.tensor((1, 4), 0.5)
    b.op("RELU", [x], [y])
    return b.build([y] * count)


def _overlapping(part: str, count: int) -> bytes:
    """`count` references to one table that is itself as large: quadratic when unpacked one by one."""
    b = flatbuffers.Builder(1 << 20)
    text = b.CreateString("x" * count)
    schema.TensorStartShapeVector(b, count)
    for _ in range(count):
        b.PrependInt32(1)
    shape = b.EndVector()
    schema.TensorStart(b)
    schema.TensorAddName(b, text)
    if part == "shapes":
        schema.TensorAddShape(b, shape)
    table = schema.TensorEnd(b)
    schema.SubGraphStartTensorsVector(b, count)
    for _ in range(count):
        b.PrependUOffsetTRelative(table)
    tensors = b.EndVector()
    schema.SubGraphStart(b)
    schema.SubGraphAddTensors(b, tensors)
    subgraph = schema.SubGraphEnd(b)
    many = count if part == "subgraphs" else 1
    schema.ModelStartSubgraphsVector(b, many)
    for _ in range(many):
        b.PrependUOffsetTRelative(subgraph)
    subgraphs = b.EndVector()
    schema.ModelStart(b)
    schema.ModelAddSubgraphs(b, subgraphs)
    b.Finish(schema.ModelEnd(b), file_identifier=b"TFL3")
    return bytes(b.Output())


BOMBS: dict[str, Callable[[], bytes]] = {
    "BROADCAST_TO of a constant to 64 MB": lambda: _broadcast_constant(8192),
    "BROADCAST_TO of a constant to 4 GB": lambda: _broadcast_constant(65536),
    "BROADCAST_TO of a constant to 4 MB": lambda: _broadcast_constant(2048),
    "TILE of a constant to 64 MB": lambda: _tile_constant(8192),
    "many BROADCAST_TO of constants": _many_broadcasts,
    "BATCH_MATMUL of constants": _matmul_of_constants,
    "MAX_POOL_2D of a constant, large window": _pool_of_constant,
    "MAX_POOL_2D of a constant, window beyond": _window_beyond,
    "CONV_2D of a constant, huge dilation": _dilated,
    "100,000 operators": lambda: _chain(100_000),
    "2,000 operators": lambda: _chain(2_000),
    "2,000 tables to merge": lambda: _chain(2_000, "RELU"),
    "200 tensors of 1 MB at once": lambda: _fan_out(200),
    "REVERSE_V2 of 64 MB": lambda: _image_move("REVERSE_V2", 8192),
    "REVERSE_V2 of a long vector": lambda: _move("REVERSE_V2", (1 << 23,), (1 << 23,), (0,)),
    "RESIZE_NEAREST_NEIGHBOR to 64 MB": lambda: _image_move("RESIZE_NEAREST_NEIGHBOR", 8192),
    "STRIDED_SLICE backwards": lambda: _move(
        "STRIDED_SLICE", (1 << 23,), (1 << 23,), (-1,), (0,), (-1,), beginMask=1, endMask=1
    ),
    "SPACE_TO_BATCH_ND, block of 8 million": lambda: _space_to_batch(1 << 23),
    "GATHER of 4 million indices": lambda: _gather(4096, 1024),
    "RESHAPE of 64 MB": lambda: _move("RESHAPE", (8192, 8192), (1 << 13, 1 << 13), newShape=[8192, 8192]),
    "TRANSPOSE of 64 MB": lambda: _move("TRANSPOSE", (8192, 8192), (8192, 8192), (1, 0)),
    "32 MB of weights": lambda: _weights(32),
    "80 MB of weights": lambda: _weights(80),
    "1 MB of weights in 1,000 layers": lambda: _weights_shared(1000),
    "100,000 outputs": lambda: _borders(100_000),
    "tensors that are all one tensor with a long shape": lambda: _overlapping("shapes", 60_000),
    "tensors that are all one tensor with a long name": lambda: _overlapping("names", 60_000),
    "subgraphs that are all one subgraph": lambda: _overlapping("subgraphs", 60_000),
}
