"""Makes of what the user wrote behind `--data` something that every process reads alike.

Place in the flow: request.make_request and `tinygen run` call it first: a function is called, once; and for a folder
of images the model file is asked whether the model scales pixels itself.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from tinygen.errors import TinygenError
from tinygen.load.featured import OPTION
from tinygen.load.folders import open_folder
from tinygen.load.function import call_function, function_name
from tinygen.load.images import needed_scale
from tinygen.load.spec import parse_spec

_MOST_CONFIG = 1 << 26  # bytes
_SCALING = {"Rescaling", "Normalization", "TrueDivide", "Divide", "Multiply"}
_PASSING = {
    *("InputLayer", "Functional", "Model", "Sequential", "Resizing", "CenterCrop"),
    *("ZeroPadding2D", "Cropping2D", "Reshape", "Permute"),
}


def settled(text: str, model: Path, features: Path | None = None) -> str:
    """`--data` for this model, complete. features: the table beside the model, by which recordings become its input.

    Raises TinygenError for what is not there, and for images of unknown scale.
    """
    function = function_name(text)
    if function is not None:
        return call_function(*function)
    spec = parse_spec(text)
    if spec.path.is_dir():
        kind = open_folder(spec.path).kind
    else:
        kind = "tables" if spec.path.suffix.lower() == ".csv" and spec.key is None else ""
    if kind in ("recordings", "tables") and features is not None and OPTION not in spec.options:
        return f"{text},{OPTION}={features.resolve()}"
    if kind != "images":
        return text
    if "scale" not in spec.options and scales_itself(model):
        return f"{text},scale=0..255"
    needed_scale(spec)
    return text


def scales_itself(model: Path) -> bool:
    """Whether a Keras model begins with layers that bring pixels from 0..255 to what it was trained on."""
    try:
        from tinygen.load.keras_file import layers
    except ImportError:  # h5py comes with TensorFlow
        return False
    for layer in layers(_config(model)):
        kind = str(layer.get("class_name"))
        if kind in _SCALING:
            return True
        if kind not in _PASSING and not kind.startswith("Random"):
            return False
    return False


def _config(model: Path) -> Any:
    """The model's configuration; None for what has none or is damaged, which is said when the model is loaded."""
    import h5py

    try:
        if zipfile.is_zipfile(model):
            with zipfile.ZipFile(model) as archive:
                small = archive.getinfo("config.json").file_size < _MOST_CONFIG
                return json.loads(archive.read("config.json")) if small else None
        if model.is_file() and h5py.is_hdf5(model):
            with h5py.File(model, "r") as file:
                return json.loads(file.attrs["model_config"])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile, TinygenError):
        pass
    return None
