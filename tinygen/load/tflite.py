"""An int8 .tflite file becomes a Graph: the one door to everything behind it.

The file is untrusted: whatever is wrong with it becomes a TinygenError. TensorFlow is not needed; the schema
is the one that ai-edge-litert ships.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinygen.errors import TinygenError
from tinygen.ir import Array, DType, Graph, Op, Quantization, Tensor
from tinygen.load.flatbuffer import unpack_model
from tinygen.load.resources import PARSERS, resolve
from tinygen.ops import OPERATORS
from tinygen.ops.dequantize import dequantize_tensor

_DTYPES = {
    schema.TensorType.INT8: DType.INT8,
    schema.TensorType.INT4: DType.INT8,  # weights only: unpacked here, so that the same kernels serve
    schema.TensorType.UINT8: DType.UINT8,
    schema.TensorType.INT16: DType.INT16,
    schema.TensorType.INT32: DType.INT32,
    schema.TensorType.INT64: DType.INT64,
    schema.TensorType.BOOL: DType.BOOL,
    schema.TensorType.FLOAT32: DType.FLOAT32,
    schema.TensorType.RESOURCE: DType.INT32,  # the handle of a variable, which load/resources.py puts in its place
    schema.TensorType.FLOAT16: DType.FLOAT32,  # constants only: every float16 is a float32
}
_TYPE_NAMES = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
_BUILTIN_NAMES = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A Graph with the identity of the file it came from; `sha256` is hexadecimal."""

    graph: Graph
    sha256: str


def load_tflite(path: Path, name: str) -> Model:
    """Read an int8 .tflite file; `name` becomes the Graph's name.

    Raises TinygenError for a file that cannot be read, is no TFLite model, or has unsupported operators
    (all of them are named at once).
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TinygenError(f"cannot read {path}: {error.strerror}", "check the path") from None
    return Model(parse_tflite(content, name, str(path)), hashlib.sha256(content).hexdigest())


def parse_tflite(content: bytes, name: str, source: str) -> Graph:
    """The Graph of a TFLite flatbuffer; `source` names it in errors. Raises TinygenError."""
    if len(content) < 16 or content[4:8] != b"TFL3":
        raise TinygenError(f"{source} is not a TFLite model", "give a .tflite, .h5, .keras or SavedModel")
    try:
        return _graph(unpack_model(content, source), name, source)
    except TinygenError:
        raise
    except Exception as error:  # a damaged flatbuffer fails anywhere inside the generated reader
        raise TinygenError(
            f"{source} is damaged: {type(error).__name__} while reading it", "export or download it again"
        ) from error


def _graph(flatbuffer: Any, name: str, source: str) -> Graph:
    if not flatbuffer.subgraphs:
        raise TinygenError(f"{source} has no subgraphs")
    first, *others = (_subgraph(flatbuffer, subgraph, name, source) for subgraph in flatbuffer.subgraphs)
    if not first.inputs or not first.outputs or min(first.inputs + first.outputs) < 0:
        raise TinygenError(f"{source} has no inputs or no outputs")
    return resolve((first, *others), source)


def _subgraph(flatbuffer: Any, subgraph: Any, name: str, source: str) -> Graph:
    tensors = tuple(_tensor(t, flatbuffer.buffers, source) for t in subgraph.tensors)
    codes = [_operator_name(code) for code in flatbuffer.operatorCodes]
    kinds = [codes[op.opcodeIndex] for op in subgraph.operators]
    _need_supported(kinds, [_layer_name(op, tensors) for op in subgraph.operators], source)
    ops = tuple(_op(kind, op, tensors) for kind, op in zip(kinds, subgraph.operators, strict=True))
    inputs, outputs = (_indices(x, len(tensors)) for x in (subgraph.inputs, subgraph.outputs))
    return _widened(Graph(name, tensors, ops, inputs, outputs))


def _widened(graph: Graph) -> Graph:
    """The graph with the constants that DEQUANTIZE makes float32 of (int8 or float16 weights) as such.

    Done here, before anything is checked: float operators ask for constant weights.
    """
    tensors, kept = list(graph.tensors), []
    for op in graph.ops:
        if op.kind != "DEQUANTIZE" or not _is_widened(graph, op):
            kept.append(op)
            continue
        x = tensors[op.inputs[0]]
        assert x.data is not None
        tensors[op.outputs[0]] = replace(tensors[op.outputs[0]], data=dequantize_tensor(x, x.data))
    return replace(graph, tensors=tuple(tensors), ops=tuple(kept))


def _is_widened(graph: Graph, op: Op) -> bool:
    """Whether a DEQUANTIZE has one constant to make float32 of; any other one is for verify.py to judge."""
    if len(op.inputs) != 1 or len(op.outputs) != 1 or min(*op.inputs, *op.outputs) < 0:
        return False
    x, y = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    fits = x.data is not None and y.data is None and y.dtype is DType.FLOAT32 and x.shape == y.shape
    computed = op.outputs[0] in (*graph.inputs, *graph.outputs)
    return fits and not computed and (x.dtype is DType.FLOAT32 or x.quantization is not None)


def _operator_name(code: Any) -> str:
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    if builtin == schema.BuiltinOperator.CUSTOM:
        return f"custom operator {(code.customCode or b'?').decode(errors='replace')}"
    return str(_BUILTIN_NAMES.get(builtin, f"operator number {builtin}"))


def _need_supported(kinds: list[str], layers: list[str], source: str) -> None:
    """One error that names every unsupported operator of the model, each with the layers it stands in."""
    missing: dict[str, list[str]] = {}
    for kind, layer in zip(kinds, layers, strict=True):
        if kind not in OPERATORS and kind not in PARSERS:
            missing.setdefault(kind, []).append(layer)
    if missing:
        named = "; ".join(f"{kind} (layer {', '.join(layers)})" for kind, layers in missing.items())
        raise TinygenError(
            f"{source} uses operators that tinygen does not support: {named}",
            f"supported are {', '.join(OPERATORS)}",
        )


def _layer_name(op: Any, tensors: tuple[Tensor, ...]) -> str:
    """The name of the operator's first output: what Keras called the layer; without one, of its first input."""
    named = [int(i) for indices in (op.outputs, op.inputs) if indices is not None for i in indices]
    return tensors[named[0]].name if named and 0 <= named[0] < len(tensors) else "?"


def _op(kind: str, op: Any, tensors: tuple[Tensor, ...]) -> Op:
    layer, operator = _layer_name(op, tensors), OPERATORS.get(kind)
    try:
        options = PARSERS[kind](op.builtinOptions) if operator is None else operator.parse(op.builtinOptions)
    except AttributeError:
        raise TinygenError(f"{kind} '{layer}': its options are missing or of another operator") from None
    inputs, outputs = (_indices(x, len(tensors)) for x in (op.inputs, op.outputs))
    if operator is not None and operator.changes:
        outputs += tuple(inputs[i] for i in operator.variables if i < len(inputs))
    return Op(kind, layer, options, inputs, outputs)


def _indices(values: Any, count: int) -> tuple[int, ...]:
    """Tensor indices, -1 for an absent one; raises for any other that is out of range."""
    indices = tuple(int(i) for i in ([] if values is None else values))
    if any(not -1 <= i < count for i in indices):
        raise TinygenError(f"a tensor index among {indices} is out of range (the model has {count} tensors)")
    return indices


def _tensor(t: Any, buffers: list[Any], source: str) -> Tensor:
    name = (t.name or b"?").decode(errors="replace")
    shape = tuple(int(n) for n in ([] if t.shape is None else t.shape))
    if t.type not in _DTYPES:
        raise TinygenError(
            f"{source}: tensor '{name}' has the type {_TYPE_NAMES.get(t.type, t.type)}, which is not supported"
        )
    dtype = _DTYPES[t.type]
    quantization = _quantization(t.quantization, shape, dtype, f"{source}: tensor '{name}'")
    data = _data(t, buffers, shape, dtype, f"{source}: tensor '{name}'")
    tensor = Tensor(name, shape, dtype, quantization, data)
    if not t.isVariable:
        return tensor
    if data is not None:
        raise TinygenError(f"{source}: tensor '{name}' is a variable with data, which is not supported")
    # as TFLM's ResetVariableTensors leaves it
    start = tensor.zero_point if dtype is DType.INT8 else 0
    return replace(tensor, initial=np.full(shape, start, dtype.value))


def _data(t: Any, buffers: list[Any], shape: tuple[int, ...], dtype: DType, what: str) -> Array | None:
    raw = buffers[t.buffer].data
    is_int4, is_float16 = t.type == schema.TensorType.INT4, t.type == schema.TensorType.FLOAT16
    if raw is None or len(raw) == 0:
        if is_int4 or is_float16:
            narrow = "int4" if is_int4 else "float16"
            raise TinygenError(f"{what} is {narrow} and not constant; only weights may be {narrow}")
        return None
    content = bytes(raw)
    if is_float16 and len(content) == 2 * math.prod(shape):
        return np.frombuffer(content, "<f2").reshape(shape).astype(np.float32)
    if is_int4:
        return _unpacked_int4(content, shape, what)
    if len(content) != math.prod(shape) * dtype.size:
        raise TinygenError(f"{what} has {len(content)} bytes for the shape {shape} of {dtype.value}")
    stored = "uint8" if dtype is DType.BOOL else dtype.value  # any byte but 0 becomes a proper True
    data = np.frombuffer(content, dtype=np.dtype(stored).newbyteorder("<")).reshape(shape)
    return data.astype(dtype.value, copy=False)


def _unpacked_int4(content: bytes, shape: tuple[int, ...], what: str) -> Array:
    """int8 values of two's complement nibbles: the low one of a byte first, an unused last one ignored."""
    count = math.prod(shape)
    if len(content) != (count + 1) // 2:
        raise TinygenError(f"{what} has {len(content)} bytes for the shape {shape} of int4")
    packed = np.frombuffer(content, np.uint8)
    nibbles = np.stack((packed & 15, packed >> 4), axis=1).reshape(-1)[:count]
    values: Array = (nibbles ^ 8).astype(np.int8) - np.int8(8)
    return values.reshape(shape)


def _quantization(q: Any, shape: tuple[int, ...], dtype: DType, what: str) -> Quantization | None:
    if q is None or q.scale is None or len(q.scale) == 0 or dtype in (DType.FLOAT32, DType.BOOL):
        return None
    scale = tuple(float(s) for s in q.scale)
    zero_point = tuple(int(z) for z in ([] if q.zeroPoint is None else q.zeroPoint)) or (0,) * len(scale)
    if len(zero_point) == 1:
        zero_point *= len(scale)
    limits = np.iinfo(dtype.value)
    if not all(math.isfinite(s) and s > 0 for s in scale):
        raise TinygenError(
            f"{what} has a scale that is not a positive number",
            "calibrate with other data: converters write such scales where a layer's input is always 0",
        )
    if len(zero_point) != len(scale) or not all(limits.min <= z <= limits.max for z in zero_point):
        raise TinygenError(f"{what} has zero points that do not fit its type or its scales")
    axis = int(q.quantizedDimension) if len(shape) > 1 else 0  # older converters give a bias its weights' axis
    if len(scale) > 1 and (not 0 <= axis < len(shape) or shape[axis] != len(scale)):
        raise TinygenError(f"{what} has {len(scale)} scales along axis {axis} of the shape {shape}")
    return Quantization(scale, zero_point, axis)
