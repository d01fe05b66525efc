"""UNIDIRECTIONAL_SEQUENCE_LSTM, int8 with an int16 cell state; equals TFLM's lstm_eval.cc.

Hidden and cell state are variables: they hold on from the end of one inference to the next. The gates are, in the
order of TFLite's inputs: input, forget, cell, output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinygen.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinygen.ir import Array, DType, Graph, Op, Tensor
from tinygen.ops._requantize import activation_name, exact_matmul
from tinygen.ops._sigmoid16 import sigmoid16, sigmoid_table, tanh16
from tinygen.ops.base import (
    Constant,
    KernelCall,
    Operand,
    Operator,
    Shape,
    need_constant,
    need_per_tensor,
    reject,
    row_by_row,
)

_INPUT_WEIGHTS, _RECURRENT_WEIGHTS, BIASES = range(1, 5), range(5, 9), range(12, 16)
_HIDDEN, _CELL = 18, 19
_ABSENT = (9, 10, 11, 16, 17, 20, 21, 22, 23)  # peepholes, projection, layer normalization
_GATE, _UNIT = 2.0**-12, 2.0**-15  # scales of what goes into a gate, and of what comes out
_LARGEST_SHIFT = 7  # what multipliers of 64-bit sums know


@dataclass(frozen=True, slots=True)
class LstmOptions:
    activation: str
    cell_clip: float
    time_major: bool
    diagonal: bool


@dataclass(frozen=True, slots=True)
class _Sizes:
    batch: int
    steps: int
    inputs: int
    units: int


class UnidirectionalSequenceLstm(Operator):
    kind = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    variables = (_HIDDEN, _CELL)
    kernel: ClassVar[str] = "lstm_s8"
    bias_dtype: ClassVar[DType] = DType.INT32

    def parse(self, options: Any) -> LstmOptions:
        activation = activation_name(options.fusedActivationFunction)
        return LstmOptions(
            activation, float(options.cellClip), bool(options.timeMajor), bool(options.diagonalRecurrentTensors)
        )

    def check(self, graph: Graph, op: Op) -> None:
        if len(op.inputs) not in (20, 24) or len(op.outputs) != 3:
            raise reject(op, f"{len(op.inputs)} inputs and {len(op.outputs) - 2} outputs, 24 and 1 expected")
        if any(graph.input(op, i) is not None for i in _ABSENT):
            raise reject(op, "peepholes, projection and layer normalization are not supported")
        if any(graph.input(op, i) is None for i in (0, *_INPUT_WEIGHTS, *_RECURRENT_WEIGHTS, *BIASES)):
            raise reject(op, "an input gate, weights or biases are missing")
        if op.options.activation != "TANH" or op.options.diagonal:
            raise reject(op, f"activation {op.options.activation} or diagonal weights are not supported")
        self._check_shapes(graph, op)
        self._check_types(graph, op)
        self._check_scales(graph, op)

    def _check_shapes(self, graph: Graph, op: Op) -> None:
        x, weights = graph.required(op, 0), graph.required(op, 2)
        if len(x.shape) != 3 or len(weights.shape) != 2 or min(*x.shape, *weights.shape) < 1:
            raise reject(op, f"input {x.shape} and weights {weights.shape}: three and two dimensions expected")
        s = _sizes(graph, op)
        wrong = [i for i in _INPUT_WEIGHTS if graph.required(op, i).shape != (s.units, s.inputs)]
        wrong += [i for i in _RECURRENT_WEIGHTS if graph.required(op, i).shape != (s.units, s.units)]
        wrong += [i for i in BIASES if graph.required(op, i).shape != (s.units,)]
        wrong += [i for i in self.variables if graph.required(op, i).elements != s.batch * s.units]
        if wrong:
            raise reject(op, f"inputs {', '.join(map(str, wrong))} do not fit {s.inputs} inputs and {s.units} units")

    def _check_types(self, graph: Graph, op: Op) -> None:
        activations = (graph.required(op, 0), graph.required(op, _HIDDEN), graph.output(op))
        weights = [graph.required(op, i) for i in (*_INPUT_WEIGHTS, *_RECURRENT_WEIGHTS)]
        wanted = [(t, self.dtype) for t in activations] + [(t, DType.INT8) for t in weights]
        wanted += [(graph.required(op, _CELL), DType.INT16)]
        for tensor, dtype in wanted:
            if tensor.dtype is not dtype:
                raise reject(op, f"tensor '{tensor.name}' is {tensor.dtype.value}, {dtype.value} expected")
            need_per_tensor(op, tensor)
            if tensor.zero_point != 0 and (dtype is DType.INT16 or tensor in weights):
                raise reject(op, f"tensor '{tensor.name}' must have the zero point 0")
        for tensor in weights:
            need_constant(op, tensor, "the weights")
        for tensor in (graph.required(op, i) for i in BIASES):
            values = need_constant(op, tensor, "the biases")
            if tensor.dtype is not self.bias_dtype or np.abs(values.astype(np.float64)).max() >= 2.0**46:
                raise reject(op, f"biases are {tensor.dtype.value}, {self.bias_dtype.value} of 46 bits expected")

    def _check_scales(self, graph: Graph, op: Op) -> None:
        power = math.log2(graph.required(op, _CELL).scale)
        if abs(power - round(power)) >= 1e-3 or not -24 <= round(power) <= 0:
            raise reject(op, f"the cell state's scale 2^{power:.4g} is not a power of two from 2^-24 to 1")
        reals = [r for index in range(4) for r in _gate_scales(graph, op, index)] + list(_update_scales(graph, op))
        if max(quantize_multiplier(real)[1] for real in reals) > _LARGEST_SHIFT:
            raise reject(op, "a scale is far too large for what it becomes", "calibrate with real data")

    def output_shapes(self, graph: Graph, op: Op) -> tuple[Shape, ...]:
        x, units = graph.required(op, 0), _sizes(graph, op).units
        return ((*x.shape[:2], units), graph.required(op, _HIDDEN).shape, graph.required(op, _CELL).shape)

    def _accumulate(self, graph: Graph, op: Op, index: int, x: Array, hidden: Array) -> tuple[Array, Array]:
        """What the input x (sequences, inputs) and the hidden state bring to a gate, Q3.12 before saturation."""
        input_zero, hidden_zero = graph.required(op, 0).zero_point, graph.required(op, _HIDDEN).zero_point
        first = exact_matmul(x.astype(np.int32) - input_zero, _data(graph, op, _INPUT_WEIGHTS[index]).T)
        second = exact_matmul(hidden.astype(np.int32) - hidden_zero, _data(graph, op, _RECURRENT_WEIGHTS[index]).T)
        sums = (first + _data(graph, op, BIASES[index]), second)
        a, b = (self.rescale(s, real) for s, real in zip(sums, _gate_scales(graph, op, index), strict=True))
        return a, b

    def reference(self, graph: Graph, op: Op, inputs: Sequence[Array]) -> tuple[Array, ...]:
        s, y = _sizes(graph, op), graph.output(op)
        x = inputs[0] if op.options.time_major else inputs[0].swapaxes(0, 1)
        hidden, cell = (inputs[i].reshape(s.batch, s.units) for i in self.variables)
        steps = []
        for step in x:
            hidden, cell = self._step(graph, op, step, hidden, cell)
            steps.append(hidden)
        out = np.stack(steps, axis=0 if op.options.time_major else 1).reshape(y.shape)
        return out, hidden.reshape(inputs[_HIDDEN].shape), cell.reshape(inputs[_CELL].shape)

    def _step(self, graph: Graph, op: Op, x: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
        """The new hidden and cell states (sequences, units) after the input (sequences, inputs)."""
        gates = []
        for index in range(4):
            a, b = (_int16(part) for part in self._accumulate(graph, op, index, x, hidden))
            total = 3 * _int16(a + b)
            gates.append(tanh16(total) if index == 2 else sigmoid16(total))
        keep, update, emit = (quantize_multiplier(real) for real in _update_scales(graph, op))
        kept = _int16(multiply_by_quantized_multiplier(gates[1] * cell, *keep))
        added = _int16(multiply_by_quantized_multiplier(gates[0] * gates[2], *update))
        c, clip = _int16(kept + added), _cell_clip(graph, op)
        if clip >= 0:
            c = np.clip(c, -clip, clip)
        multiplier, shift = _tanh_parameters(graph, op)
        squashed = tanh16((c * multiplier + ((1 << shift) >> 1)) >> shift)
        h = multiply_by_quantized_multiplier(squashed * gates[3], *emit) + graph.required(op, _HIDDEN).zero_point
        limits = np.iinfo(self.dtype.value)
        return np.clip(h, limits.min, limits.max).astype(self.dtype.value), c.astype(np.int16)

    def lower(self, graph: Graph, op: Op) -> tuple[KernelCall, ...]:
        s = _sizes(graph, op)
        images, sequences = (1, s.batch) if op.options.time_major else (s.batch, 1)
        size = self.dtype.size
        call = KernelCall(
            kernel=self.kernel,
            params=(
                ("inputs", s.inputs),
                ("units", s.units),
                ("sequences", sequences),
                *self._scaling(graph, op),
                ("input_weights", Constant("input_weights", interleaved(graph, op, _INPUT_WEIGHTS))),
                ("recurrent_weights", Constant("recurrent_weights", interleaved(graph, op, _RECURRENT_WEIGHTS))),
                *self.biases(graph, op),
                ("sigmoid", Constant("sigmoid", sigmoid_table())),
            ),
            inputs=(Operand(op.inputs[0], images, s.steps, sequences * s.inputs * size),),
            output=Operand(op.outputs[0], images, s.steps, sequences * s.units * size),
            rows=s.steps,
            reads=(row_by_row(s.steps),),
            state=(
                Operand(op.inputs[_HIDDEN], images, sequences, s.units * size),
                Operand(op.inputs[_CELL], images, sequences, s.units * 2),
            ),
        )
        return (call,)

    def _scaling(self, graph: Graph, op: Op) -> tuple[tuple[str, int | tuple[int, ...]], ...]:
        gates = [[self.multiplier(real) for real in _gate_scales(graph, op, index)] for index in range(4)]
        (forget, update, hidden), tanh = (
            map(quantize_multiplier, _update_scales(graph, op)),
            _tanh_parameters(graph, op),
        )
        limits = np.iinfo(self.dtype.value)
        return (
            ("input_multiplier", tuple(gate[0][0] for gate in gates)),
            ("input_shift", tuple(gate[0][1] for gate in gates)),
            ("recurrent_multiplier", tuple(gate[1][0] for gate in gates)),
            ("recurrent_shift", tuple(gate[1][1] for gate in gates)),
            ("forget_multiplier", forget[0]),
            ("forget_shift", forget[1]),
            ("update_multiplier", update[0]),
            ("update_shift", update[1]),
            ("cell_clip", _cell_clip(graph, op)),
            ("tanh_multiplier", tanh[0]),
            ("tanh_shift", tanh[1]),
            ("hidden_multiplier", hidden[0]),
            ("hidden_shift", hidden[1]),
            ("hidden_zero_point", graph.required(op, _HIDDEN).zero_point),
            ("hidden_min", int(limits.min)),
            ("hidden_max", int(limits.max)),
        )

    def multiplier(self, real: float) -> tuple[int, int]:
        """Multiplier and shift that take a sum to Q3.12."""
        return quantize_multiplier(real)

    def rescale(self, sums: Array, real: float) -> Array:
        """Sums (int64) times `real`, as the kernel rounds."""
        return multiply_by_quantized_multiplier(sums.astype(np.int32), *self.multiplier(real))

    def biases(self, graph: Graph, op: Op) -> tuple[tuple[str, Constant], ...]:
        """The biases as the kernel reads them, zero points folded in."""
        input_zero, hidden_zero = graph.required(op, 0).zero_point, graph.required(op, _HIDDEN).zero_point
        sums = [interleaved(graph, op, r).astype(np.int64).sum(axis=2) for r in (_INPUT_WEIGHTS, _RECURRENT_WEIGHTS)]
        first = interleaved(graph, op, BIASES).astype(np.int64) - input_zero * sums[0]
        second = -hidden_zero * sums[1]
        return (
            ("input_bias", Constant("input_bias", first.astype(np.int32))),
            ("recurrent_bias", Constant("recurrent_bias", second.astype(np.int32))),
        )

    def macs(self, graph: Graph, op: Op) -> int:
        s = _sizes(graph, op)
        return s.batch * s.steps * 4 * s.units * (s.inputs + s.units)


def _sizes(graph: Graph, op: Op) -> _Sizes:
    first, second, inputs = graph.required(op, 0).shape
    steps, batch = (first, second) if op.options.time_major else (second, first)
    return _Sizes(batch, steps, inputs, graph.required(op, 2).shape[0])


def _data(graph: Graph, op: Op, index: int) -> Array:
    data = graph.required(op, index).data
    assert data is not None
    return data


def interleaved(graph: Graph, op: Op, indices: Sequence[int]) -> Array:
    """The four gates' constants, unit by unit: (units, 4, ...)."""
    return np.stack([_data(graph, op, index) for index in indices], axis=1)


def _int16(x: Array) -> Array:
    clamped: Array = np.clip(x, -32768, 32767)
    return clamped


def _gate_scales(graph: Graph, op: Op, index: int) -> tuple[float, float]:
    """What takes the sums over input and hidden state to the scale of a gate."""
    x, hidden = graph.required(op, 0), graph.required(op, _HIDDEN)
    weights: tuple[Tensor, ...] = tuple(graph.required(op, r[index]) for r in (_INPUT_WEIGHTS, _RECURRENT_WEIGHTS))
    return x.scale * weights[0].scale / _GATE, hidden.scale * weights[1].scale / _GATE


def _update_scales(graph: Graph, op: Op) -> tuple[float, float, float]:
    """Forget gate x cell to cell, input gate x cell gate to cell, tanh of cell x output gate to hidden state."""
    cell, hidden = graph.required(op, _CELL).scale, graph.required(op, _HIDDEN).scale
    return _UNIT * cell / cell, _UNIT * _UNIT / cell, _UNIT * _UNIT / hidden


def _cell_clip(graph: Graph, op: Op) -> int:
    """Where the cell state is clipped, in its steps; -1 for nowhere."""
    clip = op.options.cell_clip
    return min(int(clip / graph.required(op, _CELL).scale), 32767) if clip > 0 else -1


def _tanh_parameters(graph: Graph, op: Op) -> tuple[int, int]:
    """Multiplier and right shift that take the cell state to what tanh16 wants."""
    left = round(math.log2(graph.required(op, _CELL).scale)) + 12
    return (3 << left, 0) if left >= 0 else (3, -left)
