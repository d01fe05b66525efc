"""Samples on their way to a model and back: float arrays to raw tensors, bytes to arrays.

Place in the flow: between load/data.py and device/link.py or reference.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinygen.errors import TinygenError
from tinygen.ir import Array, DType, Graph, Tensor
from tinygen.load.arrays import Samples, as_numbers
from tinygen.ops.dequantize import dequantize_array
from tinygen.ops.quantize import quantize_array

Inputs = tuple[Array, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RawSamples:
    """Samples as the device takes them: per sample one array per input, of the tensors' shapes and dtypes."""

    inputs: tuple[Inputs, ...]

    def by_name(self, graph: Graph) -> dict[str, Array]:
        """One array (N, ...) per input, by the input's name, without a batch axis of 1."""
        return {graph.tensors[i].name: stack([s[k] for s in self.inputs]) for k, i in enumerate(graph.inputs)}


def stack(arrays: Sequence[Array]) -> Array:
    """The same tensor of many samples as one array (N, ...), without a batch axis of 1."""
    stacked = np.stack(arrays)
    return stacked[:, 0] if stacked.ndim > 1 and stacked.shape[1] == 1 else stacked


def raw_samples(graph: Graph, samples: Samples, limit: int | None = None) -> RawSamples:
    """Samples by input name, first axis the sample, as the device takes them.

    Float arrays are quantized, int8 arrays go in raw, and an int32 input takes whole numbers of any type. Raises
    TinygenError for a type that does not fit.
    """
    tensors = [graph.tensors[i] for i in graph.inputs]
    arrays = [samples[t.name] if limit is None else samples[t.name][:limit] for t in tensors]
    raw = [_raw(array, tensor) for array, tensor in zip(arrays, tensors, strict=True)]
    return RawSamples(tuple(zip(*raw, strict=True)))


def random_samples(graph: Graph, count: int) -> RawSamples:
    """`count` samples of full-range random input, always the same; indices are those of what they choose from."""
    rng = np.random.default_rng(0)
    inputs = [(graph.tensors[i], _choices(graph, i)) for i in graph.inputs]
    return RawSamples(tuple(tuple(_random(rng, t, below) for t, below in inputs) for _ in range(count)))


def to_bytes(inputs: Inputs) -> bytes:
    """All inputs of one sample in order, little-endian, as SPEC section 3 sends them."""
    return b"".join(array.astype(array.dtype.newbyteorder("<")).tobytes() for array in inputs)


def from_bytes(content: bytes, tensors: Sequence[Tensor]) -> tuple[Array, ...]:
    """The outputs of one sample from the bytes that the device sent."""
    arrays, offset = [], 0
    for tensor in tensors:
        dtype = np.dtype(tensor.dtype.value).newbyteorder("<")
        flat = np.frombuffer(content, dtype, tensor.elements, offset)
        arrays.append(flat.astype(tensor.dtype.value).reshape(tensor.shape))
        offset += tensor.nbytes
    return tuple(arrays)


def real_values(arrays: Sequence[Array], tensor: Tensor) -> Array:
    """Outputs of many samples as float32 (N, ...): `stack`, dequantized if the tensor is quantized."""
    stacked = stack(arrays)
    if tensor.quantization is None:
        return stacked.astype(np.float32)
    return dequantize_array(stacked, tensor.scale, tensor.zero_point)


def _raw(array: Array, tensor: Tensor) -> Array:
    if array.dtype == tensor.dtype.value:
        raw = array
    elif tensor.dtype is DType.INT32:
        raw = as_numbers(array, tensor.name, 0, "the samples")
    elif array.dtype.kind == "f" and tensor.dtype in (DType.INT8, DType.UINT8, DType.INT16):
        raw = quantize_array(array, tensor.scale, tensor.zero_point, tensor.dtype.value)
    else:
        raise TinygenError(
            f"samples for input '{tensor.name}' are {array.dtype}", f"give float32 or {tensor.dtype.value}"
        )
    return raw.reshape(len(raw), *tensor.shape)


def _random(rng: np.random.Generator, tensor: Tensor, below: int) -> Array:
    if tensor.dtype is DType.FLOAT32:
        return rng.normal(size=tensor.shape).astype(np.float32)
    if tensor.dtype is DType.BOOL:
        return rng.integers(0, 2, tensor.shape).astype(bool)
    limits = np.iinfo(tensor.dtype.value)
    low, high = (0, below) if below else (int(limits.min), int(limits.max) + 1)
    return rng.integers(low, high, tensor.shape).astype(tensor.dtype.value)


def _choices(graph: Graph, tensor: int) -> int:
    """How many there are of what an int32 tensor, or numbers made of it, chooses from; 0 where it chooses nothing."""
    made, extents = {tensor}, []
    for op in graph.ops if graph.tensors[tensor].dtype is DType.INT32 else ():
        shapes = [graph.tensors[i].shape if i >= 0 else () for i in op.inputs]
        if op.kind == "EMBEDDING_LOOKUP" and op.inputs[0] in made:
            extents.append(shapes[1][0])
        elif op.kind == "GATHER" and op.inputs[1] in made:
            extents.append(shapes[0][op.options.axis])
        elif op.kind == "GATHER_ND" and op.inputs[1] in made:
            extents.append(min(shapes[0][: shapes[1][-1]]))
        elif made & set(op.inputs) and graph.output(op).dtype is DType.INT32:
            made |= set(op.outputs)
    return min(extents, default=0)
