"""A Keras file made fit to load: recognised, checked and put right, before TensorFlow is imported.

Place in the flow: worker.py calls `prepare` first. Whoever sent the file need not be trusted: nothing in it
is executed here, only the JSON of its configuration is read and changed, in a copy.

Keras 3 reads files of Keras 2, but not all of them, and one thing it reads differently without a word. The
table of differences below was found by saving 95 models of one or few layers with Keras 2 (tf_keras 2.21) and
comparing their outputs under Keras 3.15.
"""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from tinygen.errors import TinygenError

KERAS2_HARD_SIGMOID = "keras2_hard_sigmoid"  # keras_model.py defines it

_LARGEST_UNPACKED = 2 << 30  # bytes
_NO_GROUPS = (
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
)
SAVE_HINT = "save the whole model with model.save('model.keras'), or export it with model.export('folder')"
_GROUPS_OF_WEIGHTS = ("model_weights", "layers", "_layer_checkpoint_dependencies", "vars")
# What h5py, zipfile and json raise on files that are cut, random or hostile, and a look into odd JSON.
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class KerasFile:
    """What to load: `path` is a corrected copy (or the folder itself). `kind`: "h5", "keras", "SavedModel".

    `classes`: (class, layer's name) of every layer that does not come from a module of Keras by its own account.
    """

    path: Path
    kind: str
    name: str
    classes: tuple[tuple[str, str], ...] = ()


def prepare(model: Path, folder: Path, allow_lambda: bool) -> KerasFile:
    """Check a model file or folder and write a corrected copy into `folder`.

    Raises TinygenError for what is no Keras model, is damaged, has weights only, or has layers that would run
    code from the file (Lambda, unless `allow_lambda`) or that Keras 3 cannot know.
    """
    if model.is_dir():
        if not any((model / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt")):
            raise TinygenError(f"{model.name} is a folder without a saved_model.pb", "give a SavedModel, .keras or .h5")
        return KerasFile(model, "SavedModel", model.name)
    try:
        with model.open("rb") as stream:
            magic = stream.read(8)
        if magic == b"\x89HDF\r\n\x1a\n":
            return _prepare_h5(model, folder / "model.h5", allow_lambda)
        if magic[:4] == b"PK\x03\x04":
            return _prepare_keras(model, folder / "model.keras", allow_lambda)
    except FileNotFoundError:
        raise TinygenError(f"there is no model file {model}", "check the path") from None
    except _BROKEN as error:
        raise TinygenError(
            f"{model.name} is damaged: {str(error) or type(error).__name__}", "save or download it again"
        ) from error
    raise TinygenError(f"{model.name} is not a Keras model", "give a .keras, .h5, SavedModel folder or int8 .tflite")


def _prepare_h5(model: Path, copy: Path, allow_lambda: bool) -> KerasFile:
    with h5py.File(model, "r") as file:
        _need_reasonable(model.name, _unpacked_sizes(file))
        text = file.attrs.get("model_config")
        version = _text(file.attrs.get("keras_version", ""))
        if text is None:
            weights = "layer_names" in file.attrs or any(name in file for name in _GROUPS_OF_WEIGHTS)
            content = "only the weights of a model" if weights else "no Keras model"
            raise TinygenError(f"{model.name} holds {content}", SAVE_HINT)
    config = json.loads(_text(text))
    _check(config, model.name, allow_lambda)
    _correct(config, version.startswith("2."))
    shutil.copyfile(model, copy)
    with h5py.File(copy, "r+") as file:
        file.attrs["model_config"] = json.dumps(config)
    return KerasFile(copy, "h5", model.name, _classes(config))


def _prepare_keras(model: Path, copy: Path, allow_lambda: bool) -> KerasFile:
    with zipfile.ZipFile(model) as source:
        names = source.namelist()
        _need_reasonable(model.name, (info.file_size for info in source.infolist()))
        if "config.json" not in names or not any(name.startswith("model.weights") for name in names):
            raise TinygenError(f"{model.name} is a zip file, but not a Keras model", SAVE_HINT)
        config = json.loads(source.read("config.json"))
        metadata = json.loads(source.read("metadata.json")) if "metadata.json" in names else {}
        _check(config, model.name, allow_lambda)
        _correct(config, str(metadata.get("keras_version", "")).startswith("2."))
        with zipfile.ZipFile(copy, "w") as target:
            target.writestr("config.json", json.dumps(config))
            for name in [name for name in names if name != "config.json"]:
                with source.open(name) as reader, target.open(name, "w", force_zip64=True) as writer:
                    shutil.copyfileobj(reader, writer)
    return KerasFile(copy, "keras", model.name, _classes(config))


def _unpacked_sizes(file: h5py.File) -> Iterator[int]:
    """Bytes of each array, as it will be in memory."""
    found: list[int] = []
    file.visititems(lambda name, item: found.append(item.nbytes) if isinstance(item, h5py.Dataset) else None)
    yield from found


def _need_reasonable(name: str, sizes: Iterable[int]) -> None:
    """Raise when a file, which may be compressed a thousandfold, unpacks to more than any model has."""
    total = sum(sizes)
    if total > _LARGEST_UNPACKED:
        raise TinygenError(f"{name} unpacks to {total} bytes, {_LARGEST_UNPACKED} at most", "use a smaller model")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def layers(config: Any) -> Iterator[dict[str, Any]]:
    """Every layer of a model's configuration, those inside models and wrappers too; the model itself first."""
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        return
    yield config
    inner = config["config"]
    members = [inner.get(key) for key in ("layer", "backward_layer", "cell")]
    for key in ("layers", "cells"):
        members += inner[key] if isinstance(inner.get(key), list) else []
    for member in members:
        yield from layers(member)


def _check(config: Any, name: str, allow_lambda: bool) -> None:
    found = list(layers(config))
    if not found:
        raise TinygenError(f"{name} does not describe a Keras model", SAVE_HINT)
    lambdas = [_layer_name(layer) for layer in found if layer.get("class_name") == "Lambda"]
    if lambdas and not allow_lambda:
        raise TinygenError(
            f"{name} has Lambda layers, which run Python code from the file: {', '.join(lambdas)}",
            "replace them by standard layers; or, if you trust the file, pass --unsafe-lambda",
        )
    functions = [_layer_name(x) for x in found if x.get("class_name") in ("TFOpLambda", "SlicingOpLambda")]
    if functions:
        raise TinygenError(
            f"{name} uses TensorFlow functions as layers, which Keras 3 cannot read: {', '.join(functions)}",
            "export it as a SavedModel, with the Keras 2 that made it: model.export('folder')",
        )


def _classes(config: Any) -> tuple[tuple[str, str], ...]:
    foreign = [x for x in layers(config) if not str(x.get("module") or "").startswith("keras.")]
    return tuple((str(x.get("class_name")), _layer_name(x)) for x in foreign if x.get("module") != "keras")


def _layer_name(layer: dict[str, Any]) -> str:
    return str(layer["config"].get("name", layer.get("class_name")))


def _correct(config: Any, keras2: bool) -> None:
    """Change a configuration in place so that Keras 3 loads it, in float32."""
    for layer in layers(config):
        if keras2:
            _correct_keras2(layer, str(layer.get("class_name")), layer["config"])
    for node in _objects(config):
        # A policy of mixed precision is about the speed of training. The weights are float32 all the same.
        policy = node.get("config") if node.get("class_name") in ("DTypePolicy", "Policy") else None
        if isinstance(policy, dict) and str(policy.get("name")).startswith("mixed_"):
            policy["name"] = "float32"


def _correct_keras2(layer: dict[str, Any], kind: str, config: dict[str, Any]) -> None:
    if kind in _NO_GROUPS and config.get("groups") == 1:
        del config["groups"]
    if kind.startswith("SeparableConv"):
        for key in ("kernel_initializer", "kernel_regularizer", "kernel_constraint"):
            config.pop(key, None)
    if config.get("time_major") is False:  # LSTM, GRU, SimpleRNN, RNN
        del config["time_major"]
    if kind == "BatchNormalization" and isinstance(config.get("axis"), list) and len(config["axis"]) == 1:
        config["axis"] = config["axis"][0]
    if kind == "ThresholdedReLU" and "theta" in config:
        layer["class_name"] = "ReLU"
        config["threshold"] = config.pop("theta")
    if kind != "InputLayer":
        config.pop("batch_input_shape", None)
    for key in ("activation", "recurrent_activation"):
        if config.get(key) == "hard_sigmoid":  # clip(0.2 x + 0.5), in Keras 3 clip(x / 6 + 0.5)
            config[key] = {"class_name": "function", "config": KERAS2_HARD_SIGMOID, "module": "builtins"}
    if kind == "Functional" and "engine" in str(layer.get("module")):
        layer["module"] = "keras.src.models.functional"


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object inside a value."""
    if isinstance(value, dict):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(member)
