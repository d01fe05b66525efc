"""A model file becomes a float model that can be called: the only door to Keras and SavedModels.

Place in the flow: worker.py imports this module in the child process, after keras_file.py has checked the
file; keras_convert.py runs and quantizes what it returns. Importing it imports TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tinygen.errors import TinygenError
from tinygen.load.keras_file import KERAS2_HARD_SIGMOID, SAVE_HINT, KerasFile
from tinygen.load.keras_integers import integer_inputs
from tinygen.load.keras_job import TensorInfo
from tinygen.load.keras_masks import quantizable_masks
from tinygen.load.keras_rnn import Recurrence, rebuild

_EXPORT_HINT = "export it with model.export('folder') and give that folder"


@dataclass(frozen=True, slots=True, eq=False)
class FloatModel:
    """A loaded model. `call` takes one tensor for each input and returns a list of tensors.

    Inputs and outputs are in the order of the model: as Keras lists them; for a SavedModel sorted by name.
    Inputs are float32, but for those in `numbers`, which are int32 and below the number there (0: unknown).
    `learned_ranges`: it has quantization layers, whose ranges came from training.
    `owner` keeps the variables alive. `recurrent` says, once it was called, what became of its recurrent layers.
    """

    name: str
    kind: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[str, ...]
    call: Callable[..., list[Any]]
    owner: Any
    recurrent: Recurrence
    numbers: Mapping[str, int] = field(default_factory=dict)
    learned_ranges: bool = False

    def dtype(self, name: str) -> Any:
        """TensorFlow's type of an input."""
        return tf.int32 if name in self.numbers else tf.float32


def load_model(file: KerasFile, allow_lambda: bool) -> FloatModel:
    """Load what `keras_file.prepare` has checked. Raises TinygenError if it cannot be loaded."""
    if file.kind == "SavedModel":
        return _load_saved_model(file)
    return float_model(load_keras(file, allow_lambda), file.name, file.kind)


def _keras2_hard_sigmoid(x: Any) -> Any:
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def own_functions() -> Any:
    """A scope in which Keras knows the functions that keras_file.py may put into a model."""
    return keras.saving.custom_object_scope({KERAS2_HARD_SIGMOID: _keras2_hard_sigmoid})


def load_keras(file: KerasFile, allow_lambda: bool) -> Any:
    """The Keras model in a .keras or .h5 file, with inputs. Raises TinygenError if it cannot be loaded."""
    _need_known(file)
    quantizable_masks()
    try:
        with own_functions():
            model = keras.models.load_model(file.path, compile=False, safe_mode=not allow_lambda)
    except Exception as error:  # Keras raises anything on files that it cannot read
        raise _not_loaded(file.name, error) from error
    if not getattr(model, "inputs", None):
        raise TinygenError(
            f"{file.name} does not say what its inputs are: the model was never built, or is a subclass of Model",
            f"call it once on data before saving, begin it with keras.Input; or {_EXPORT_HINT}",
        )
    return model


def float_model(model: Any, name: str, kind: str) -> FloatModel:
    """A Keras model with inputs as one that can be called; its recurrent layers are changed in place.

    name: of the file. kind: "keras" or "h5".
    """
    sequential = isinstance(model, keras.Sequential)
    names = [model.layers[-1].name] if sequential else model.output_names

    def call(*tensors: Any) -> list[Any]:
        packed = tensors[0] if sequential else keras.tree.pack_sequence_as(model.input, list(tensors))
        return list(keras.tree.flatten(model(packed, training=False)))

    # The first dimension is always the batch, even where an earlier call or fit() has left its size behind.
    shapes = [(None, *tensor.shape[1:]) for tensor in model.inputs]
    numbers = integer_inputs(model)
    inputs = _inputs([(t.name, shape, t.dtype) for t, shape in zip(model.inputs, shapes, strict=True)])
    by_name = {inputs[position].name: below for position, below in numbers.items()}
    return FloatModel(name, kind, inputs, _clean(names), call, model, rebuild(model), by_name)


def _load_saved_model(file: KerasFile) -> FloatModel:
    try:
        loaded = tf.saved_model.load(str(file.path))
    except Exception as error:  # as above
        raise _not_loaded(file.name, error) from error
    signatures = dict(loaded.signatures)
    chosen = signatures.get("serving_default") or (next(iter(signatures.values())) if len(signatures) == 1 else None)
    if chosen is None:
        found = f"its signatures are {', '.join(signatures)}" if signatures else "it has no signature"
        raise TinygenError(
            f"{file.name} does not say which function to compile: {found}",
            "save it with a serving_default signature: tf.saved_model.save(model, path, signatures=function)",
        )
    if not chosen.structured_input_signature[1]:
        raise TinygenError(f"the function of {file.name} takes no input", "save one that takes the samples")
    specs = dict(sorted(chosen.structured_input_signature[1].items(), key=_natural))
    outputs = [name for name, _ in sorted(chosen.structured_outputs.items(), key=_natural)]

    def call(*tensors: Any) -> list[Any]:
        results = chosen(**dict(zip(specs, tensors, strict=True)))
        return [results[name] for name in outputs]

    for name, spec in specs.items():
        if spec.shape.rank is None:
            raise TinygenError(
                f"input {name} of {file.name} has an unknown number of dimensions",
                "save it with a shape in its signature",
            )
    inputs = _inputs([(name, tuple(spec.shape), spec.dtype.name) for name, spec in specs.items()])
    numbers = {t.name: 0 for t, spec in zip(inputs, specs.values(), strict=True) if spec.dtype == tf.int32}
    return FloatModel(file.name, file.kind, inputs, _clean(outputs), call, loaded, Recurrence(), numbers)


def _natural(item: tuple[str, Any]) -> list[tuple[int, str]]:
    """Sort key of a name in which numbers count as such: output_2 before output_10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", item[0])]


def _inputs(inputs: Sequence[tuple[str, tuple[int | None, ...], str]]) -> tuple[TensorInfo, ...]:
    other = [f"{name} ({dtype})" for name, _, dtype in inputs if "float" not in dtype and dtype != "int32"]
    if other:
        raise TinygenError(
            f"inputs of this type cannot be quantized: {', '.join(other)}",
            "let the model begin with a float input, or with int32 for numbers of words and the like",
        )
    names = _clean([name for name, _, _ in inputs])
    return tuple(TensorInfo(name, shape) for name, (_, shape, _) in zip(names, inputs, strict=True))


def _clean(names: Sequence[str]) -> tuple[str, ...]:
    """Names that TensorFlow takes for operations, each once; nearly always the names as they are."""
    result: list[str] = []
    for name in names:
        valid = re.sub(r"[^A-Za-z0-9_./-]", "_", name)
        valid = valid if re.match(r"[A-Za-z0-9.]", valid) else f"t{valid}"
        again = sum(valid == other.partition("__")[0] for other in result)
        result.append(f"{valid}__{again}" if again else valid)
    return tuple(result)


def _need_known(file: KerasFile) -> None:
    models = ("Functional", "Model", "Sequential")
    unknown = [x for x in file.classes if x[0] not in models and not hasattr(keras.layers, x[0])]
    if unknown:
        raise TinygenError(
            f"{file.name} has layers that are not part of Keras: "
            + ", ".join(f"{layer} (class {kind})" for kind, layer in unknown),
            f"tinygen runs no code from outside: {SAVE_HINT if file.kind == 'h5' else _EXPORT_HINT}",
        )


def _not_loaded(name: str, error: Exception) -> TinygenError:
    """What Keras or TensorFlow says about a file, in one line."""
    text = " ".join(str(error).split())
    unknown = re.findall(r"(?:Could not locate class |Could not deserialize )'([^']+)'", text)
    reason = f"Keras does not know {unknown[0]}" if unknown else text.rpartition("Exception encountered: ")[2]
    short = reason if len(reason) <= 240 else f"{reason[:237]}..."
    return TinygenError(
        f"{name} cannot be loaded: {short or type(error).__name__}", f"save it again with Keras 3, or {_EXPORT_HINT}"
    )


def first_statistics(model: FloatModel, samples: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    """What a Keras model's first BatchNormalization or Normalization remembers from training, against samples (N, ...).

    (name, deviations of its input over those in training, means off in deviations of training), both per channel. None
    for a model without one at its top level.
    """
    kinds = (keras.layers.BatchNormalization, keras.layers.Normalization)
    first = next((layer for layer in getattr(model.owner, "layers", ()) if isinstance(layer, kinds)), None)
    if first is None:
        return None
    is_batch = isinstance(first, keras.layers.BatchNormalization)
    mean, variance = (first.moving_mean, first.moving_variance) if is_batch else (first.mean, first.variance)
    mean, deviation = np.asarray(mean).ravel(), np.sqrt(np.asarray(variance).ravel() + getattr(first, "epsilon", 0.0))
    before = keras.Model(model.owner.inputs, first.input)
    arrays = [samples[tensor.name] for tensor in model.inputs]
    fitting = [x.reshape(-1, *t.shape[1:]) for x, t in zip(arrays, model.owner.inputs, strict=True)]
    values = np.asarray(before(fitting))
    values = values.reshape(-1, values.shape[-1] if len(mean) > 1 else 1)
    if values.shape[1] != len(mean):  # normalised along another axis than the last
        return None
    deviation = np.where(deviation > 0, deviation, np.nan)
    return first.name, values.std(0) / deviation, (values.mean(0) - mean) / deviation


def first_rescaling(model: FloatModel) -> float | None:
    """The factor of a Keras model's Rescaling layer before all layers with weights; None without one."""
    for layer in getattr(model.owner, "layers", ()):
        if isinstance(layer, keras.layers.Rescaling) and np.ndim(layer.scale) == 0:
            return float(layer.scale)
        if layer.weights:
            return None
    return None
