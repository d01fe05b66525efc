"""Models with the layers of TensorFlow Model Optimization: trained for quantization, pruned, clustered.

Place in the flow: worker.py asks `is_wrapped` of what keras_file.py has checked, before TensorFlow is imported,
and then loads such a file here. These layers exist for Keras 2 only: tf_keras and tensorflow-model-optimization, which
are an extra.

What only prunes or clusters is taken off, and the model goes on as any other. Quantization layers know the range of
each tensor from training; the converter reads them out of the graph, and nothing is calibrated.
"""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import Any

from tinygen.errors import TinygenError
from tinygen.load.keras_file import KerasFile, prepare

_QUANTIZED = ("QuantizeLayer", "QuantizeWrapper", "QuantizeWrapperV2")
_STRIPPED = ("PruneLowMagnitude", "ClusterWeights")
_PACKAGES = ("tf_keras", "tensorflow_model_optimization")


def is_wrapped(file: KerasFile) -> bool:
    """Whether a file has such layers."""
    return any(_kind(name) in (*_QUANTIZED, *_STRIPPED) for name, _ in file.classes)


def _kind(name: str) -> str:
    """A class by its name alone: files of the .keras form have PACKAGE>CLASS."""
    return name.rpartition(">")[2]


def need_packages(file: KerasFile) -> None:
    """Raise TinygenError that names the extra, where it is missing."""
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise TinygenError(
            f"{file.name} has layers of TensorFlow Model Optimization; not installed: {', '.join(missing)}",
            "pip install 'tinygen[qat]'; or take them off before saving (strip_pruning, strip_clustering)",
        )


def load_wrapped(original: Path, file: KerasFile, folder: Path) -> Any:
    """The FloatModel of a checked file; its `learned_ranges` tells whether it was trained for quantization.

    original: the file itself. folder: for a file without wrappers. Raises TinygenError.
    """
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # read when tensorflow.keras is first used
    model = _loaded(original, file.name)
    if any(_kind(name) in _QUANTIZED for name, _ in file.classes):
        return _with_ranges(model, file)
    import tensorflow_model_optimization as tfmot

    from tinygen.load.keras_model import load_model

    path = folder / "stripped.h5"
    tfmot.clustering.keras.strip_clustering(tfmot.sparsity.keras.strip_pruning(model)).save(path)
    stripped = prepare(path, folder, False)
    return load_model(KerasFile(stripped.path, stripped.kind, file.name, stripped.classes), False)


def _loaded(path: Path, name: str) -> Any:
    import tensorflow_model_optimization as tfmot
    import tf_keras

    scopes = (
        tfmot.quantization.keras.quantize_scope(),
        tfmot.sparsity.keras.prune_scope(),
        tfmot.clustering.keras.cluster_scope(),
    )
    try:
        with scopes[0], scopes[1], scopes[2]:
            return tf_keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises anything on files that it cannot read
        reason = " ".join(str(error).split())[:240]
        raise TinygenError(f"{name} cannot be loaded: {reason}", "save it as .h5, with the tfmot of today") from error


def _with_ranges(model: Any, file: KerasFile) -> Any:
    import tensorflow as tf

    from tinygen.load.keras_job import TensorInfo
    from tinygen.load.keras_model import FloatModel
    from tinygen.load.keras_rnn import Recurrence

    def call(*tensors: Any) -> list[Any]:
        packed = tf.nest.pack_sequence_as(model.input, list(tensors))
        return list(tf.nest.flatten(model(packed, training=False)))

    inputs = tuple(TensorInfo(_clean(t.name), (None, *t.shape[1:])) for t in model.inputs)
    outputs = tuple(_clean(name).removeprefix("quant_") for name in model.output_names)
    return FloatModel(file.name, file.kind, inputs, outputs, call, model, Recurrence(), learned_ranges=True)


def _clean(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_./-]", "_", name.partition(":")[0])
