"""The float model is run on samples, and becomes an int8 .tflite by post-training quantization.

Place in the flow: worker.py calls both in the child process. Imports TensorFlow.

The model is traced once for fixed shapes and its variables are frozen into constants, so that the converter
sees nothing dynamic (no SHAPE, PACK, READ_VARIABLE), and input and output tensors keep the model's own names
and order. The converter is deterministic: the same model and samples give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tinygen.errors import TinygenError
from tinygen.load.keras_fused import is_consistent, named_in_order, renamed, saved
from tinygen.load.keras_job import TensorInfo
from tinygen.load.keras_model import FloatModel

__all__ = ["convert", "convert_float", "is_consistent", "need_no_loops", "predict", "trace"]

FixedShapes = Mapping[str, tuple[int, ...]]
Floats = npt.NDArray[np.float32]

_BATCH = 32
_MODES = {
    "int8": (tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.int8),
    "int16": (tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8, tf.int16),
}


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """A model for fixed shapes: a concrete function without variables, and its outputs, all shapes known."""

    function: Any
    outputs: tuple[TensorInfo, ...]


def trace(model: FloatModel, shapes: FixedShapes) -> Traced:
    """The model as a concrete function of tensors of these shapes, its variables frozen.

    Raises TinygenError if it does not run for these shapes, or computes NaN.
    """

    def named(*tensors: Any) -> list[Any]:
        results = [tf.cast(y, tf.float32) if y.dtype.is_floating else y for y in model.call(*tensors)]
        return [tf.identity(y, name=name) for y, name in zip(results, model.outputs, strict=True)]

    specs = [tf.TensorSpec(shapes[t.name], model.dtype(t.name), name=t.name) for t in model.inputs]
    try:
        function = tf.function(named, autograph=False).get_concrete_function(*specs)
    except TinygenError:
        raise
    except Exception as error:  # whatever a layer raises
        reason = " ".join(str(error).split()).rpartition("Exception encountered: ")[2][:240]
        raise TinygenError(
            f"{model.name} does not run for inputs of shape {', '.join(map(str, shapes.values()))}: {reason}",
            "choose another --input-shape, or rebuild the model with fixed shapes",
        ) from error
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    # A function's own outputs are called Identity, Identity_1: cut the graph at the named tensors before them.
    results = [output.op.inputs[0] for output in frozen.outputs]
    pruned = frozen.prune(frozen.inputs, results)
    # The shapes of a run, because freezing forgets that of a grouped convolution, and loading that of a loop.
    # Of an int32 input it is 1, because 0 may stand for nothing at all; or 0 where there is nothing else.
    values = pruned(*(tf.fill(spec.shape, _probe(model, t.name)) for spec, t in zip(specs, model.inputs, strict=True)))
    if any(np.isnan(y.numpy()).any() for y in values if y.dtype.is_floating):
        raise TinygenError(
            f"{model.name} computes NaN from an input of 0.5 everywhere", "its training has diverged: train it again"
        )
    outputs = (TensorInfo(result.op.name, tuple(y.shape)) for result, y in zip(results, values, strict=True))
    return Traced(pruned, tuple(outputs))


def _probe(model: FloatModel, name: str) -> float | int:
    """What an input is filled with, to see whether the model runs."""
    return 0.5 if name not in model.numbers else int(model.numbers[name] != 1)


def need_no_loops(model: FloatModel, traced: Traced) -> None:
    """Raise TinygenError naming the loops of a traced model: the converter fails or crashes on them."""
    names = [op.name for op in traced.function.graph.get_operations() if op.type.endswith("While")]
    if names:
        raise TinygenError(
            f"{model.name} has loops, which an int8 model cannot have: {', '.join(names)}",
            "give the .keras or .h5 file, in which recurrent layers can be unrolled"
            if model.kind == "SavedModel"
            else "build these layers from ones without loops; recurrent layers of Keras are unrolled",
        )


def convert(
    model: FloatModel, shapes: FixedShapes, traced: Traced, samples: Iterator[list[Floats]], activations: str = "int8"
) -> bytes:
    """Full-integer post-training quantization, per channel, inputs and outputs of the activations' type: a .tflite.

    activations: "int8", or "int16" with int8 weights.
    `samples` gives the inputs of one inference at a time, with the batch axis, in the model's order; it is
    consumed after a first conversion, before quantization; not at all where the model has learned its ranges. Raises
    TinygenError naming the operators that the converter cannot do, MemoryError.
    """
    converter = _converter(model, shapes, traced)
    if model.recurrent.fused:  # by name: a SavedModel has its inputs in an order of its own
        converter.representative_dataset = lambda: ({f"x{i}": x for i, x in enumerate(each)} for each in samples)
    else:
        converter.representative_dataset = lambda: samples
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    ops, border = _MODES[activations]
    if model.learned_ranges:  # out of the graph; with the next line it would want samples all the same
        converter.representative_dataset = None
    else:
        converter.target_spec.supported_ops = [ops]
    converter.inference_input_type = border
    converter.inference_output_type = border
    return _content(model, traced, converter)


def convert_float(model: FloatModel, shapes: FixedShapes, traced: Traced) -> bytes:
    """The float32 .tflite that `convert` quantizes: the same operators on tensors of the same names."""
    return _content(model, traced, _converter(model, shapes, traced))


def _converter(model: FloatModel, shapes: FixedShapes, traced: Traced) -> Any:
    if model.recurrent.fused:
        return tf.lite.TFLiteConverter.from_saved_model(str(saved(model, shapes)))
    return tf.lite.TFLiteConverter.from_concrete_functions([traced.function])


def _content(model: FloatModel, traced: Traced, converter: Any) -> bytes:
    try:
        content = bytes(converter.convert())
    except Exception as error:  # ConverterError, and what the calibrator raises
        if "bad_alloc" in str(error):
            raise MemoryError from error
        raise _not_converted(traced, str(error)) from error
    inputs = [t.name for t in model.inputs]
    if model.learned_ranges:
        return named_in_order(content, inputs, model.outputs)
    return renamed(content, inputs, model.outputs) if model.recurrent.fused else content


def _not_converted(traced: Traced, text: str) -> TinygenError:
    kinds = set(re.findall(r"'tf\.(\w+)' op is neither a custom op nor a flex op", text))
    if kinds:
        nodes = [f"{op.type} ({op.name})" for op in traced.function.graph.get_operations() if op.type in kinds]
        return TinygenError(
            f"the TFLite converter has no operator for {', '.join(nodes or sorted(kinds))}",
            "build these layers from other ones",
        )
    only_int8 = sorted(set(re.findall(r"16x8-bit not yet supported for op: '(\w+)'", text)))
    if only_int8:
        return TinygenError(
            f"the TFLite converter has no int16 form of {', '.join(only_int8)}",
            "leave out --activations int16, or build these layers from other ones",
        )
    reason = re.search(r"error: (.+)", text)
    return TinygenError(
        f"the TFLite converter failed: {' '.join(reason[1].split() if reason else text.split())[:240]}",
        "leave out layers until you find which one it cannot do",
    )


def predict(
    model: FloatModel,
    traced: Traced,
    shapes: FixedShapes,
    samples: Mapping[str, Floats],
    done: Callable[[int], None],
) -> tuple[Floats, ...]:
    """The float model's outputs (N, ...) for samples (N, ...), one array per output, without a batch axis of 1.

    Runs batches of 32 where the model takes any number and treats the samples apart, else one by one through
    `traced`. `done` is called with the number of samples done.
    """
    arrays = [samples[tensor.name] for tensor in model.inputs]
    batched = _batched(model, shapes, traced)
    size = _BATCH if batched is not None else 1
    parts: list[list[Floats]] = []
    for start in range(0, len(arrays[0]), size):
        if batched is not None:
            parts.append([y.numpy() for y in batched(*(tf.constant(x[start : start + size]) for x in arrays))])
        else:
            values = [x[start].reshape(shapes[t.name]) for x, t in zip(arrays, model.inputs, strict=True)]
            results = traced.function(*(tf.constant(value) for value in values))
            parts.append([y.numpy() if y.shape[:1] == (1,) else y.numpy()[None] for y in results])
        done(min(start + size, len(arrays[0])))
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def _batched(model: FloatModel, shapes: FixedShapes, traced: Traced) -> Any:
    """The model for any number of samples at once; None where the batch is fixed or does not reach the outputs."""
    if not all(t.shape[:1] == (None,) and shapes[t.name][0] == 1 for t in model.inputs):
        return None
    specs = [tf.TensorSpec((None, *shapes[t.name][1:]), model.dtype(t.name), name=t.name) for t in model.inputs]

    def run(*tensors: Any) -> list[Any]:
        return [tf.cast(y, tf.float32) if y.dtype.is_floating else y for y in model.call(*tensors)]

    try:
        function = tf.function(run, autograph=False).get_concrete_function(*specs)
    except Exception:  # a layer that needs the batch size; it has run for a batch of 1
        return None
    per_sample = all(
        one.shape[:1] == (1,) and many.shape.is_compatible_with((None, *one.shape[1:])) and many.shape[:1] != (1,)
        for one, many in zip(traced.outputs, function.outputs, strict=True)
    )
    return function if per_sample else None
