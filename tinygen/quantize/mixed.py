"""Single layers of an int8 .tflite with int16 activations (TFLite's 16x8: weights stay int8), QUANTIZE between.

Place in the flow: search.py tries sets of operators; what comes out is an ordinary .tflite for the rest of tinygen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinygen.ir import Array
from tinygen.quantize.flat import WEIGHTED, Flat, own_buffers, write_data, write_scale

_STEPS = 32767
# what TFLM has in int16; those of the second line keep the scale of their input
_OWN_SCALE = (*WEIGHTED, "ADD", "SUB", "MUL", "MEAN", "LEAKY_RELU", "SOFTMAX", "LOGISTIC", "TANH")
_SAME_SCALE = ("AVERAGE_POOL_2D", "MAX_POOL_2D", "RESHAPE")
_FIXED = {"SOFTMAX", "LOGISTIC", "TANH"}  # 1/32768


def can_be_int16(flat: Flat) -> list[int]:
    """The operators of an int8 file that may get int16 activations: all they compute with is int8 and no constant."""
    found = []
    for index, op in enumerate(flat.graph.operators):
        kind = flat.kind(op)
        if kind not in (*_OWN_SCALE, *_SAME_SCALE):
            continue
        computed = _computed(flat, op)
        constants = [int(i) for i in op.inputs if i >= 0 and int(i) not in computed]
        values = constants[2 if kind in WEIGHTED else 0 :]  # weights and bias have their place
        is_int8 = all(flat.graph.tensors[i].type == schema.TensorType.INT8 for i in (*computed, *op.outputs))
        if is_int8 and computed and not any(flat.graph.tensors[i].type == schema.TensorType.INT8 for i in values):
            found.append(index)
    return found


def with_int16(content: bytes, wide: Collection[int], reach: Mapping[int, float]) -> bytes:
    """The int8 .tflite with int16 activations in the operators `wide`.

    reach: the largest magnitude of a tensor, real units; a tensor without it reaches as far as its int8 range.
    """
    flat = Flat.of(content)
    mixing = _Mixing(flat, reach)
    operators = list(flat.graph.operators)
    flat.graph.operators = []
    for index, op in enumerate(operators):
        mixing.put(op, index in wide)
    flat.graph.outputs = [mixing.form(int(i), wide=False) for i in flat.graph.outputs]
    return flat.packed()


class _Mixing:
    """Builds the list of operators anew. Each activation has an int8 form, an int16 form, or both."""

    def __init__(self, flat: Flat, reach: Mapping[int, float]) -> None:
        self._flat = flat
        self._reach = reach
        self._forms: dict[tuple[int, bool], int] = {(i, False): i for i in flat.activations()}
        for op in flat.graph.operators:
            for i in op.outputs:
                self._forms.pop((int(i), False), None)

    def put(self, op: Any, wide: bool) -> None:
        """Add an operator, and before it what brings its inputs into the form that it takes."""
        computed, kind = _computed(self._flat, op), self._flat.kind(op)
        outputs = [int(i) for i in op.outputs]
        if not wide:
            op.inputs = [self.form(int(i), wide=False) if int(i) in computed else int(i) for i in op.inputs]
            self._forms.update({(i, False): i for i in outputs})
        else:
            op.inputs = [self.form(int(i), wide=True) if int(i) in computed else int(i) for i in op.inputs]
            scale = self._scale(int(op.inputs[0])) if kind in _SAME_SCALE else None
            op.outputs = [self._wide_twin(i, 1 / 32768 if kind in _FIXED else scale) for i in outputs]
            self._forms.update({(i, True): int(y) for i, y in zip(outputs, op.outputs, strict=True)})
            if kind in WEIGHTED:
                self._widen_bias(op)
            elif kind in ("ADD", "SUB"):
                op.builtinOptions.potScaleInt16 = False
        self._flat.graph.operators.append(op)

    def form(self, tensor: int, wide: bool) -> int:
        """The int16 or int8 form of an activation, made from the other one by QUANTIZE where it is not there."""
        if (tensor, wide) not in self._forms:
            if (tensor, not wide) not in self._forms:
                return tensor  # nobody makes it: a variable, or an input that is not there
            made = self._wide_twin(tensor, None) if wide else tensor
            op = schema.OperatorT()
            op.opcodeIndex = self._quantize_code()
            op.inputs, op.outputs = [self._forms[tensor, not wide]], [made]
            self._flat.graph.operators.append(op)
            self._forms[tensor, wide] = made
        return self._forms[tensor, wide]

    def _wide_twin(self, tensor: int, scale: float | None) -> int:
        """A new int16 tensor for an int8 one."""
        flat = self._flat
        found = flat.quantization(tensor)
        assert found is not None
        if scale is None:
            step, zero_point = float(found[0][0]), int(found[1][0])
            scale = self._reach.get(tensor, step * max(127 - zero_point, 128 + zero_point)) / _STEPS or step
        twin = schema.TensorT()
        described = flat.graph.tensors[tensor]
        twin.shape, twin.shapeSignature = described.shape, described.shapeSignature
        twin.name, twin.buffer, twin.type = described.name + b"_int16", 0, schema.TensorType.INT16
        twin.quantization = schema.QuantizationParametersT()
        flat.graph.tensors.append(twin)
        made = len(flat.graph.tensors) - 1
        write_scale(flat, made, np.array([scale]), np.array([0]))
        return made

    def _scale(self, tensor: int) -> float:
        found = self._flat.quantization(tensor)
        assert found is not None
        return float(found[0][0])

    def _widen_bias(self, op: Any) -> None:
        """The bias in int64, in steps of the int16 input."""
        if len(op.inputs) < 3 or op.inputs[2] < 0:
            return
        flat, bias = self._flat, int(op.inputs[2])
        steps, own, weights = flat.data(bias), flat.quantization(bias), flat.quantization(int(op.inputs[1]))
        assert steps is not None
        assert own is not None
        assert weights is not None
        real = steps.astype(np.float64) * own[0].astype(np.float64)
        unit = (np.float32(self._scale(int(op.inputs[0]))) * weights[0]).astype(np.float32)
        own_buffers(flat, [bias])
        flat.graph.tensors[bias].type = schema.TensorType.INT64
        write_data(flat, bias, np.round(real / unit).astype(np.int64))
        write_scale(flat, bias, unit, np.zeros(len(unit), np.int64))

    def _quantize_code(self) -> int:
        codes = self._flat.model.operatorCodes
        for index, code in enumerate(codes):
            if code.builtinCode == schema.BuiltinOperator.QUANTIZE:
                return index
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
        code.version = 2
        codes.append(code)
        return len(codes) - 1


def _computed(flat: Flat, op: Any) -> list[int]:
    """An operator's inputs that are no constants."""
    return [int(i) for i in op.inputs if i >= 0 and flat.model.buffers[flat.graph.tensors[int(i)].buffer].data is None]


def reach_of(most: Mapping[int, Array]) -> dict[int, float]:
    """The largest magnitude of each tensor from those of its channels."""
    return {i: float(channels.max()) for i, channels in most.items()}
