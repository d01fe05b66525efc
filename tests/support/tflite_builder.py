"""Builds .tflite files tensor by tensor, for tests: what a converter would write, and what none ever would.

TFLM and tinygen both read the result, so it keeps to TFLM's demands: buffer 0 is empty, every quantized tensor
has scales and zero points, every operator has its option table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinygen.ir import Array

_TYPES = {
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "uint8": schema.TensorType.UINT8,
    "float16": schema.TensorType.FLOAT16,
    "float32": schema.TensorType.FLOAT32,
    "bool": schema.TensorType.BOOL,
    "resource": schema.TensorType.RESOURCE,
}
# operators whose option table is not named after them
_OPTIONS = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_ALL": "ReducerOptions",
    "REDUCE_ANY": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "REDUCE_PROD": "ReducerOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
}


def _options_table(kind: str) -> str:
    """SPACE_TO_DEPTH to SpaceToDepthOptions, as the schema spells it; "" for operators without a table."""
    name = _OPTIONS.get(kind, kind.replace("_", "") + "Options")
    return next((n for n in vars(schema.BuiltinOptions) if n.lower() == name.lower()), "")


class ModelBuilder:
    """Collects tensors and operators; `build` packs them. Tensors are known by their index."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self._buffers: list[Any] = [schema.BufferT()]
        self._codes: list[Any] = []
        self._ops: list[Any] = []
        self.inputs: list[int] = []
        self._subgraphs: list[ModelBuilder] = []

    def tensor(
        self,
        shape: Sequence[int],
        scale: float | Sequence[float] | None = None,
        zero_point: int = 0,
        dtype: str = "int8",
        name: str = "",
        axis: int = 0,
    ) -> int:
        """A tensor that an operator writes; `scale` is one, several (per channel along `axis`) or None."""
        tensor = schema.TensorT()
        tensor.name = name or f"tensor_{len(self.tensors)}"
        tensor.shape = [int(n) for n in shape]
        tensor.type = _TYPES[dtype]
        if scale is not None:
            scales = [float(s) for s in np.atleast_1d(np.asarray(scale))]
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = scales
            tensor.quantization.zeroPoint = [int(zero_point)] * len(scales)
            tensor.quantization.quantizedDimension = axis
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def input(self, shape: Sequence[int], scale: float | None, zero_point: int = 0, dtype: str = "int8") -> int:
        """An input of the model."""
        self.inputs.append(self.tensor(shape, scale, zero_point, dtype, name=f"input_{len(self.inputs)}"))
        return self.inputs[-1]

    def variable(self, shape: Sequence[int], scale: float, zero_point: int = 0, dtype: str = "int8") -> int:
        """A tensor that keeps its value from one inference to the next."""
        index = self.tensor(shape, scale, zero_point, dtype)
        self.tensors[index].isVariable = True
        return index

    def handle(self, shared_name: str) -> int:
        """VAR_HANDLE of a resource variable."""
        index = self.tensor((), dtype="resource")
        self.op("VAR_HANDLE", [], [index], container="", sharedName=shared_name)
        return index

    def call_once(self) -> ModelBuilder:
        """CALL_ONCE, and the new subgraph that it runs, to be filled."""
        called = ModelBuilder()
        called._buffers, called._codes = self._buffers, self._codes
        self._subgraphs.append(called)
        self.op("CALL_ONCE", [], [], initSubgraphIndex=len(self._subgraphs))
        return called

    def constant(
        self,
        values: Array,
        scale: float | Sequence[float] | None = None,
        zero_point: int = 0,
        axis: int = 0,
        name: str = "",
    ) -> int:
        """A tensor with data."""
        index = self.tensor(values.shape, scale, zero_point, values.dtype.name, name, axis)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self.tensors[index].buffer = len(self._buffers)
        self._buffers.append(buffer)
        return index

    def op(self, kind: str, inputs: Sequence[int], outputs: Sequence[int], **options: Any) -> None:
        """An operator; `options` are fields of its option table (schema names, e.g. strideH)."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        op = schema.OperatorT()
        op.opcodeIndex = len(self._codes)
        self._codes.append(code)
        op.inputs, op.outputs = list(inputs), list(outputs)
        table = _options_table(kind)
        if table:
            op.builtinOptionsType = getattr(schema.BuiltinOptions, table)
            op.builtinOptions = getattr(schema, f"{table}T")()
            for field, value in options.items():
                if not hasattr(op.builtinOptions, field):
                    raise AttributeError(f"{table} has no field {field}")
                setattr(op.builtinOptions, field, value)
        self._ops.append(op)

    def shape(self, index: int) -> tuple[int, ...]:
        return tuple(self.tensors[index].shape)

    def scale(self, index: int) -> float:
        """The per-tensor scale, rounded to float32 as the file will have it."""
        return float(np.float32(self.tensors[index].quantization.scale[0]))

    def zero_point(self, index: int) -> int:
        return int(self.tensors[index].quantization.zeroPoint[0])

    def model(self, outputs: Sequence[int]) -> Any:
        """The whole as schema.ModelT, for tests that spoil it before packing."""
        model = schema.ModelT()
        model.version = 3
        model.description = "tinygen test"
        model.operatorCodes, model.buffers = self._codes, self._buffers
        model.subgraphs = [self._packed("main", outputs), *(called._packed("init", ()) for called in self._subgraphs)]
        return model

    def _packed(self, name: str, outputs: Sequence[int]) -> Any:
        subgraph = schema.SubGraphT()
        subgraph.name = name
        subgraph.tensors, subgraph.operators = self.tensors, self._ops
        subgraph.inputs, subgraph.outputs = list(self.inputs), list(outputs)
        return subgraph

    def build(self, outputs: Sequence[int]) -> bytes:
        """The .tflite file's content."""
        return pack(self.model(outputs))


def pack(model: Any) -> bytes:
    """A schema.ModelT as a flatbuffer with TFLite's identifier."""
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
