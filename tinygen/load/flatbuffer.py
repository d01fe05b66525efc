"""Unpacks a TFLite flatbuffer piece by piece, and stops before an untrusted file costs more than its size is worth.

Place in the flow: load/tflite.py calls `unpack_model` first. In a flatbuffer anything may point at anything: a file
of a megabyte can be a thousand tables that all hold the same thousand tables. So what was unpacked is counted. The
limits on shapes are far above what a microcontroller holds; behind them every step can afford to be simple.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tinygen.errors import TinygenError

LARGEST_FILE = 1 << 26  # bytes
LARGEST_TENSOR = 1 << 26  # bytes
LARGEST_DIMENSION = 1 << 23
MOST_OPERATORS = 5_000
_MOST_RANKS = 8
_MOST_TABLES = 1 << 16  # of a kind
_MOST_SUBGRAPHS = 16
_MOST_SCALES = 1 << 20  # of all tensors together
_MOST_BORDERS = 256  # inputs or outputs of the model
_ALL_CONSTANTS = 1 << 27  # bytes, as the tensors have them
_ALL_TENSORS = 1 << 29  # bytes
_CONSTANTS_READ = 1 << 28  # bytes, each counted as often as an operator reads it
_HINT = "it is larger than any microcontroller; export it again if it should not be"
_SIZES = {
    schema.TensorType.INT8: 1,
    schema.TensorType.UINT8: 1,
    schema.TensorType.BOOL: 1,
    schema.TensorType.INT4: 1,  # as tinygen holds it
    schema.TensorType.INT16: 2,
    schema.TensorType.FLOAT32: 4,
    schema.TensorType.INT32: 4,
}


class _Budget:
    """What may still be unpacked, in elements of vectors; a file without shared tables has no more than bytes."""

    def __init__(self, source: str, size: int) -> None:
        self._source = source
        self._left = 4 * size

    def spend(self, table: Any) -> None:
        """Count an unpacked table with everything in it, vectors of numbers by their length."""
        for value in vars(table).values():
            if isinstance(value, list):
                for member in value:
                    if hasattr(member, "__dict__"):
                        self.spend(member)
            elif hasattr(value, "__dict__"):
                self.spend(value)
            self._left -= len(value) if hasattr(value, "__len__") else 1
        if self._left < 0:
            raise TinygenError(f"{self._source} is damaged: its parts overlap", "export or download it again")


def unpack_model(content: bytes, source: str) -> Any:
    """The flatbuffer as schema.ModelT: operator codes, subgraphs and buffers only.

    Raises TinygenError when a limit is exceeded; whatever the generated reader raises on damage passes through.
    """
    if len(content) > LARGEST_FILE:
        raise TinygenError(f"{source} has {len(content)} bytes, {LARGEST_FILE} at most", _HINT)
    packed = schema.Model.GetRootAs(content, 0)
    budget = _Budget(source, len(content))
    model = schema.ModelT()
    model.version = packed.Version()
    counts = (packed.OperatorCodesLength(), packed.BuffersLength())
    _need(max(counts) <= _MOST_TABLES, source, f"has {max(counts)} operator codes or buffers, {_MOST_TABLES} at most")
    model.operatorCodes = [_one(schema.OperatorCodeT, packed.OperatorCodes(i), budget) for i in range(counts[0])]
    model.buffers = [schema.BufferT.InitFromObj(packed.Buffers(i)) for i in range(counts[1])]
    number = packed.SubgraphsLength()
    _need(number <= _MOST_SUBGRAPHS, source, f"has {number} subgraphs, {_MOST_SUBGRAPHS} at most")
    model.subgraphs = [_subgraph(packed.Subgraphs(i), source, budget) for i in range(number)]
    _check_sizes(model, source)
    return model


def _need(holds: bool, source: str, otherwise: str) -> None:
    if not holds:
        raise TinygenError(f"{source} {otherwise}", _HINT)


def _one(kind: Any, packed: Any, budget: _Budget) -> Any:
    table = kind.InitFromObj(packed)
    budget.spend(table)
    return table


def _subgraph(packed: Any, source: str, budget: _Budget) -> Any:
    tensors, operators = packed.TensorsLength(), packed.OperatorsLength()
    borders = max(packed.InputsLength(), packed.OutputsLength())
    _need(tensors <= _MOST_TABLES, source, f"has {tensors} tensors, {_MOST_TABLES} at most")
    _need(operators <= MOST_OPERATORS, source, f"has {operators} operators, {MOST_OPERATORS} at most")
    _need(borders <= _MOST_BORDERS, source, f"has {borders} inputs or outputs, {_MOST_BORDERS} at most")
    subgraph = schema.SubGraphT()
    subgraph.name = packed.Name()
    subgraph.inputs = [packed.Inputs(i) for i in range(packed.InputsLength())]
    subgraph.outputs = [packed.Outputs(i) for i in range(packed.OutputsLength())]
    subgraph.tensors = [_tensor(packed.Tensors(i), source, budget) for i in range(tensors)]
    subgraph.operators = [_one(schema.OperatorT, packed.Operators(i), budget) for i in range(operators)]
    return subgraph


def _tensor(packed: Any, source: str, budget: _Budget) -> Any:
    """A tensor; the kinds that have tables of any number in them are refused before these are unpacked."""
    if packed.Sparsity() is not None or packed.VariantTensorsLength():
        name = (packed.Name() or b"?").decode(errors="replace")
        raise TinygenError(f"{source}: tensor '{name}' is sparse or a variant, which is not supported")
    return _one(schema.TensorT, packed, budget)


def _check_sizes(model: Any, source: str) -> None:
    """Raise unless all tensors, and what the operators read of constants, are of a size that can be worked on."""
    everything = constants = scales = read = 0
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            shape = [] if tensor.shape is None else tensor.shape
            _need(len(shape) <= _MOST_RANKS, source, f"has a tensor of {len(shape)} dimensions")
            extents = [int(n) for n in shape]
            size = math.prod(extents) * _SIZES.get(tensor.type, 8)
            within = all(0 <= n <= LARGEST_DIMENSION for n in extents) and size <= LARGEST_TENSOR
            name = (tensor.name or b"?").decode(errors="replace")
            if not within:
                raise TinygenError(f"{source}: tensor '{name}' has the shape {tuple(extents)}", "use fixed dimensions")
            everything += size
            constants += size if _bytes(model, tensor) else 0
            scales += 0 if tensor.quantization is None else len(_vector(tensor.quantization.scale))
        for op in subgraph.operators:
            read += sum(_bytes(model, subgraph.tensors[i]) for i in _valid(op.inputs, len(subgraph.tensors)))
    _need(everything <= _ALL_TENSORS, source, f"has tensors of {everything} bytes together")
    _need(constants <= _ALL_CONSTANTS, source, f"has constants of {constants} bytes together")
    _need(scales <= _MOST_SCALES, source, f"has {scales} scales")
    _need(read <= _CONSTANTS_READ, source, f"reads {read} bytes of constants")


def _bytes(model: Any, tensor: Any) -> int:
    """How many bytes of data a tensor has; 0 if it is computed."""
    return len(_vector(model.buffers[tensor.buffer].data)) if 0 <= tensor.buffer < len(model.buffers) else 0


def _valid(indices: Any, count: int) -> Iterator[int]:
    return (int(i) for i in _vector(indices) if 0 <= i < count)


def _vector(values: Any) -> Any:
    return () if values is None or isinstance(values, int) else values
