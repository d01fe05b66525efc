"""Recurrent layers of a loaded Keras model are rebuilt so that the TFLite converter takes them.

Place in the flow: keras_model.py calls `rebuild` on what it has loaded; keras_convert.py asks, after tracing, which
way was taken. Importing it imports TensorFlow.

The converter crashes on loops over time. So a layer is unrolled (one copy of its cell per step), or, if it is a plain
LSTM, becomes one UNIDIRECTIONAL_SEQUENCE_LSTM: TFLite's converter makes that of a function which says by its attribute
`api_implements` that it is an LSTM, whose arguments are (x, h, c, kernel, recurrent kernel, bias).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from tinygen.errors import TinygenError
from tinygen.ops import OPERATORS

FUSED = "UNIDIRECTIONAL_SEQUENCE_LSTM"
_STATE = "its state stays: reset it before each inference"  # with NAME_reset() of the generated API


@dataclass(slots=True, eq=False)
class Recurrence:
    """What became of the recurrent layers of a model; filled while it is traced.

    `lines`: one for each layer that was rebuilt, e.g. "layer 'lstm': unrolled over 49 steps". `fused`: the names of
    those that are one operator, by their units: in int8 the converter lets two of as many units share one state.
    """

    ways: dict[str, str] = field(default_factory=dict)
    fused: dict[int, str] = field(default_factory=dict)
    may_fuse: bool = True

    def unroll_all(self) -> None:
        """From the next tracing on, no layer becomes one operator."""
        self.may_fuse = False
        self.fused.clear()
        self.ways.clear()

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(f"layer '{name}': {way}" for name, way in self.ways.items())


def rebuild(model: Any) -> Recurrence:
    """Change the recurrent layers of a model in place, those inside wrappers too. Raises TinygenError."""
    found = Recurrence()
    for layer in _layers(model):
        if isinstance(layer, keras.layers.RNN):
            if layer.stateful:
                raise TinygenError(
                    f"layer '{layer.name}' ({type(layer).__name__}) is stateful: an int8 model keeps nothing from one "
                    "call to the next",
                    "save the model with stateful=False, or make the state an input and an output of the model",
                )
            _rebuild(layer, found)
    return found


def _layers(layer: Any) -> Iterator[Any]:
    """A layer and all inside it: members of models, and what wrappers wrap."""
    yield layer
    inside = (getattr(layer, name, None) for name in ("layer", "forward_layer", "backward_layer"))
    for member in (*getattr(layer, "layers", ()), *filter(None, inside)):
        yield from _layers(member)


def _rebuild(layer: Any, found: Recurrence) -> None:
    """Replace what runs the layer over time, on this one object."""
    as_saved = bool(layer.unroll)
    start, loop = layer.get_initial_state, layer.inner_loop
    starts_at_zero: list[bool] = []  # set by the call before
    graphs: list[Any] = []  # the last one in which it was fused

    def get_initial_state(*arguments: Any, **named: Any) -> Any:
        starts_at_zero.append(True)
        return start(*arguments, **named)

    def inner_loop(sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        steps = sequences.shape[1]
        at_zero = bool(starts_at_zero)
        starts_at_zero.clear()
        if steps is None:
            raise TinygenError(
                f"layer '{layer.name}' ({type(layer).__name__}) runs over a time dimension of unknown length",
                "build the model with a fixed number of steps",
            )
        first_here = not graphs or graphs[-1] is not tf.compat.v1.get_default_graph()
        if not as_saved and at_zero and first_here and mask is None and _can_fuse(layer, found):
            graphs[:] = [tf.compat.v1.get_default_graph()]
            found.fused[layer.units] = layer.name
            found.ways.setdefault(layer.name, f"one {FUSED} over {steps} steps ({_STATE})")
            return _fused(layer, sequences, initial_state)
        layer.unroll = True
        if not as_saved:
            found.ways.setdefault(layer.name, f"unrolled over {steps} steps")
        return loop(sequences, initial_state, mask, training)

    object.__setattr__(layer, "get_initial_state", get_initial_state)
    object.__setattr__(layer, "inner_loop", inner_loop)


def _can_fuse(layer: Any, found: Recurrence) -> bool:
    """Whether a layer is what TFLite's operator computes, tinygen has the operator, and no other has its state."""
    if FUSED not in OPERATORS or type(layer) is not keras.layers.LSTM or layer.return_state or not layer.use_bias:
        return False
    if not found.may_fuse or found.fused.get(layer.units, layer.name) != layer.name:
        return False
    return (layer.activation, layer.recurrent_activation) == (keras.activations.tanh, keras.activations.sigmoid)


def _fused(layer: Any, sequences: Any, initial_state: Any) -> tuple[Any, Any, list[Any]]:
    """(last output, outputs, states) of an LSTM by a function that the converter knows as one operator."""

    def lstm(x: Any, h: Any, c: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
        outputs = []
        for step in range(x.shape[1]):
            gates = tf.matmul(x[:, step], kernel) + tf.matmul(h, recurrent_kernel) + bias
            i, f, g, o = tf.split(gates, 4, 1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            outputs.append(h)
        return h, tf.stack(outputs, 1), h, c, tf.constant(1.0)

    attributes = {"api_implements": f"lstm_{layer.name}", "go_backwards": False, "time_major": False}
    function = tf.function(lstm, autograph=False, experimental_attributes=attributes)
    x = tf.reverse(sequences, [1]) if layer.go_backwards else sequences
    weights = (tf.convert_to_tensor(w) for w in (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias))
    last, outputs, h, c, _ = function(x, *initial_state, *weights)
    return last, outputs, [h, c]
