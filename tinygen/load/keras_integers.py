"""Inputs of a Keras model that are numbers of things (words, say) rather than measurements: they stay int32.

Place in the flow: keras_model.py calls `integer_inputs` on what it has loaded. Importing it imports TensorFlow.

Whatever goes only into Embedding layers is such an input, also where the model calls it float32, as Keras does unless
told otherwise: quantized to int8, number 3 would arrive as 2.98, and be cut to 2. Small integer types (images of uint8)
are measurements, and become float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

_MEASURED = ("uint8", "int8", "uint16", "int16")
_COUNTED = ("int32", "int64", "uint32")


def integer_inputs(model: Any) -> dict[int, int]:
    """Of a loaded Keras model the inputs, by position, that are int32, and below what their numbers lie (0: unknown).

    Changes the model in place: its inputs take int32 or float32, and Embedding layers take whatever row is asked for
    by one GATHER. (Keras counts negative numbers from the end, which takes three operators more.)
    """
    found: dict[int, int] = {}
    for position, tensor in enumerate(model.inputs):
        # mask_zero compares the numbers with 0
        readers = [reader for reader in _readers(model, tensor) if type(reader).__name__ != "NotEqual"]
        tables = [layer.input_dim for layer in readers if isinstance(layer, keras.layers.Embedding)]
        if tensor.dtype in _COUNTED or (readers and len(tables) == len(readers)):
            found[position] = min(tables, default=0)
            _retype(model, tensor, "int32")
        elif tensor.dtype in _MEASURED:
            _retype(model, tensor, "float32")
    for layer in model._flatten_layers():
        if type(layer) is keras.layers.Embedding:
            object.__setattr__(layer, "call", _lookup(layer))
    return found


def _lookup(layer: Any) -> Any:
    """What an Embedding layer computes, for numbers that it has rows for."""

    def call(inputs: Any) -> Any:
        rows = tf.gather(tf.convert_to_tensor(layer.embeddings), tf.cast(inputs, tf.int32))
        return tf.cast(rows, layer.compute_dtype)

    return call


def _functional(model: Any) -> Any:
    """The graph of layers that a Sequential has inside; a functional model itself."""
    return model._functional if isinstance(model, keras.Sequential) else model


def _uses(model: Any, tensor: Any) -> Iterator[tuple[Any, int]]:
    """Each operation of a functional model that reads a tensor, and as which of its inputs."""
    for nodes in _functional(model)._nodes_by_depth.values():
        for node in nodes:
            for position, read in enumerate(node.input_tensors):
                if read is tensor:
                    yield node.operation, position


def _readers(model: Any, tensor: Any) -> Iterator[Any]:
    """The layers that read an input of a model, also those of models inside of it."""
    own = _functional(model).inputs[[i is tensor for i in model.inputs].index(True)]
    for operation, position in _uses(model, own):
        if hasattr(_functional(operation), "_nodes_by_depth"):
            yield from _readers(operation, operation.inputs[position])
        else:
            yield operation


def _retype(model: Any, tensor: Any, dtype: str) -> None:
    """Let a model, and those inside it, take another type at an input, instead of casting to its own."""
    inner = _functional(model)
    own = inner.inputs[[i is tensor for i in model.inputs].index(True)]
    for same in (tensor, own):
        same._dtype = dtype
    for operation, position in _uses(model, own):
        if hasattr(_functional(operation), "_nodes_by_depth"):
            _retype(operation, operation.inputs[position], dtype)
