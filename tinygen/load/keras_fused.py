"""A traced model whose LSTMs stay one operator each is given to the TFLite converter as a SavedModel.

Place in the flow: keras_convert.py calls `saved` for models of which keras_rnn.py has fused layers, `renamed` on what
the converter made of it, and `is_consistent` to look whether that is sound. Imports TensorFlow.

Freezing a function in Python inlines every function it calls, and so takes the LSTM apart again; the converter does
not, when it reads a SavedModel. There the variables are constants already, because it takes no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from tinygen.load.keras_model import FloatModel

_FOLDER = "fused_model"
_HIDDEN = 18  # which input of the operator is its hidden state


def saved(model: FloatModel, shapes: Mapping[str, tuple[int, ...]]) -> Path:
    """The model as a SavedModel without variables, for fixed shapes; its inputs are called x0, x1, ..., outputs y0.

    It is written into the current folder.
    """
    values = [(variable, np.asarray(variable)) for variable in model.owner.variables]
    specs = [tf.TensorSpec(shapes[t.name], model.dtype(t.name), name=f"x{i}") for i, t in enumerate(model.inputs)]

    def serve(*tensors: Any) -> dict[str, Any]:
        with keras.StatelessScope([(variable, tf.constant(value)) for variable, value in values]):
            return {f"y{i}": y for i, y in enumerate(model.call(*tensors))}

    module = tf.Module()
    module.serve = tf.function(serve, autograph=False, input_signature=specs)
    tf.saved_model.save(module, _FOLDER, signatures=module.serve)
    return Path(_FOLDER)


def renamed(content: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """The .tflite of a model of `saved` with its inputs and outputs named, and in the model's order."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    graph.inputs = _named(graph, signature.inputs, "x", inputs)
    graph.outputs = _named(graph, signature.outputs, "y", outputs)
    model.signatureDefs = None
    return _packed(model, len(content))


def named_in_order(content: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """A .tflite of a concrete function, whose inputs and outputs are in the model's order, with their names."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    for index, name in (*zip(graph.inputs, inputs, strict=True), *zip(graph.outputs, outputs, strict=True)):
        graph.tensors[index].name = name
    return _packed(model, len(content))


def _packed(model: Any, size: int) -> bytes:
    builder = flatbuffers.Builder(size)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def is_consistent(content: bytes) -> bool:
    """Whether every LSTM of a .tflite gives out its hidden state in the scale that its output claims to have.

    Where a CONCATENATION behind it wants another scale, the converter changes the one and not the other.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    (graph,) = model.subgraphs
    for op in graph.operators:
        code = model.operatorCodes[op.opcodeIndex].builtinCode
        if code == schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM:
            hidden, output = (graph.tensors[i].quantization for i in (op.inputs[_HIDDEN], op.outputs[0]))
            if (hidden.scale[0], hidden.zeroPoint[0]) != (output.scale[0], output.zeroPoint[0]):
                return False
    return True


def _named(graph: Any, maps: Sequence[Any], letter: str, names: Sequence[str]) -> list[int]:
    tensors = {entry.name.decode(): entry.tensorIndex for entry in maps}
    indices = [tensors[f"{letter}{i}"] for i in range(len(names))]
    for index, name in zip(indices, names, strict=True):
        graph.tensors[index].name = name
    return indices
