"""A .tflite of one subgraph as numpy arrays and names, and the int8 one written anew with other ranges.

Place in the flow: below the rest of quantize/. Files come from the converter, which ran just before: they are trusted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinygen.ir import Array

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_NAMES = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
_DTYPES = {
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT16: np.int16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
    schema.TensorType.FLOAT32: np.float32,
}


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """An unpacked .tflite; `model` is schema.ModelT. Only who made it may write into it, by the functions below."""

    content: bytes
    model: Any

    @staticmethod
    def of(content: bytes) -> Flat:
        return Flat(content, schema.ModelT.InitFromPackedBuf(bytearray(content), 0))

    @property
    def graph(self) -> Any:
        return self.model.subgraphs[0]

    def kind(self, op: Any) -> str:
        """The TFLite name of an operator."""
        code = self.model.operatorCodes[op.opcodeIndex]
        name: str = _NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
        return name

    def name(self, tensor: int) -> str:
        return str(self.graph.tensors[tensor].name.decode())

    def data(self, tensor: int) -> Array | None:
        """The values of a constant, or None."""
        described = self.graph.tensors[tensor]
        raw = self.model.buffers[described.buffer].data
        if raw is None or described.type not in _DTYPES:
            return None
        return np.frombuffer(bytes(bytearray(raw)), _DTYPES[described.type]).reshape(tuple(described.shape))

    def quantization(self, tensor: int) -> tuple[Array, Array] | None:
        """(scales float32, zero points int64) of a tensor, or None."""
        q = self.graph.tensors[tensor].quantization
        if q is None or q.scale is None or len(q.scale) == 0:
            return None
        return np.asarray(q.scale, np.float32), np.asarray(q.zeroPoint, np.int64)

    def activations(self) -> Iterator[int]:
        """The tensors that are not constant and that an operator reads or writes, or the model's border."""
        used = {int(i) for op in self.graph.operators for i in (*op.inputs, *op.outputs) if i >= 0}
        for i in sorted(used | {int(i) for i in (*self.graph.inputs, *self.graph.outputs)}):
            if self.model.buffers[self.graph.tensors[i].buffer].data is None:
                yield i

    def macs(self) -> int:
        """Multiply-accumulates of the convolutions and dense layers of one inference."""
        total = 0
        for op in self.graph.operators:
            if self.kind(op) in WEIGHTED:
                y, weights = (self.graph.tensors[int(i)].shape for i in (op.outputs[0], op.inputs[1]))
                per_output = weights[1:3] if self.kind(op) == "DEPTHWISE_CONV_2D" else weights[1:]
                total += math.prod(map(int, y)) * math.prod(map(int, per_output))
        return total

    def packed(self) -> bytes:
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def own_buffers(flat: Flat, tensors: Iterable[int]) -> None:
    """Constants that are equal share a buffer in the file; give these one each, so that they can be written."""
    for i in tensors:
        buffer = schema.BufferT()
        buffer.data = flat.model.buffers[flat.graph.tensors[i].buffer].data
        flat.model.buffers.append(buffer)
        flat.graph.tensors[i].buffer = len(flat.model.buffers) - 1


def write_data(flat: Flat, tensor: int, values: Array) -> None:
    """Give a constant with a buffer of its own (own_buffers) new values."""
    flat.model.buffers[flat.graph.tensors[tensor].buffer].data = np.frombuffer(values.tobytes(), np.uint8)


def write_scale(flat: Flat, tensor: int, scale: Array, zero_point: Array) -> None:
    """Give a tensor other quantization parameters; its axis stays."""
    q = flat.graph.tensors[tensor].quantization
    q.scale, q.zeroPoint = np.asarray(scale, np.float32), np.asarray(zero_point, np.int64)
    q.min = q.max = None


def matched(quantized: Flat, floating: Flat) -> Mapping[int, int]:
    """Tensors of the int8 file to those of the float file with the same name and shape, constants to constants."""

    def key(flat: Flat, i: int) -> tuple[str, tuple[int, ...], bool]:
        tensor = flat.graph.tensors[i]
        return flat.name(i), tuple(tensor.shape), flat.model.buffers[tensor.buffer].data is not None

    of_float: dict[Any, list[int]] = {}
    for i in range(len(floating.graph.tensors)):
        of_float.setdefault(key(floating, i), []).append(i)
    found = {}
    for i in range(len(quantized.graph.tensors)):
        candidates = of_float.get(key(quantized, i), [])
        if len(candidates) == 1:
            found[i] = candidates[0]
    return found
