"""A folder of images becomes samples of the model's size and number of channels.

Place in the flow: data.py calls it. Pillow decodes; only formats without programs in them are let in.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tinygen.errors import TinygenError
from tinygen.load.arrays import Array, Shape, sample_shape, shape_text
from tinygen.load.folders import Folder, Gathered
from tinygen.load.spec import Spec
from tinygen.load.subset import MOST_BYTES, stratified

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TIFF")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_RESIZE = ("stretch", "crop", "pad")


def load_images(folder: Folder, spec: Spec, shape: Shape) -> Gathered:
    """The images (N, height, width, channels) float32, for an input of this shape.

    Options: scale=LOW..HIGH, what black and white become; resize=stretch (the default; bilinear), crop (the middle),
    pad (with black). Of a large folder as many as fit in memory, chosen by class. Raises TinygenError.
    """
    spec.need_only("scale", "resize")
    height, width, channels = _size(shape, folder.name)
    low, high = needed_scale(spec)
    resize = spec.options.get("resize", "stretch")
    if resize not in _RESIZE:
        raise TinygenError(f"resize={resize} is not known", f"resize= takes {', '.join(_RESIZE)}")
    most = max(1, MOST_BYTES // (4 * height * width * channels))
    everything = np.array(folder.numbers) if folder.numbers else None
    chosen = stratified(everything, len(folder.files), most)
    values = np.empty((len(chosen), *(int(d) for d in sample_shape(shape) if d is not None)), np.float32)
    for row, index in enumerate(chosen):
        pixels = _pixels(folder.files[index], height, width, _MODES[channels], resize)
        values[row] = (pixels.astype(np.float32) * np.float32((high - low) / 255) + np.float32(low)).reshape(
            values.shape[1:]
        )
    some = "" if len(chosen) == len(folder.files) else f"{len(chosen)} of "
    source = f"{some}{len(folder.files)} images of {folder.name}"
    return Gathered(values, folder.classes(chosen), folder.labels, source)


def _size(shape: Shape, name: str) -> tuple[int, int, int]:
    sample = sample_shape(shape)
    known = [d for d in sample if d is not None]
    if len(known) == len(sample) and len(sample) == 2:
        return known[0], known[1], 1
    if len(known) != len(sample) or len(sample) != 3 or known[2] not in _MODES:
        raise TinygenError(
            f"the model's input {shape_text(shape)} is no image of 1, 3 or 4 channels", f"{name} is a folder of images"
        )
    return known[0], known[1], known[2]


def needed_scale(spec: Spec) -> tuple[float, float]:
    """What black and white become. Raises TinygenError if it is not said."""
    if "scale" not in spec.options:
        raise TinygenError(
            f"how the pixels of {spec.path.name} were scaled for training is not known: the model does not say",
            f"say it: --data {spec.path},scale=0..1 (or scale=-1..1, or scale=0..255)",
        )
    return spec.scale("")


def _pixels(path: Path, height: int, width: int, mode: str, resize: str) -> Array:
    """The image as uint8, (height, width) or (height, width, channels)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                if image.mode.startswith(("I", "F")):
                    raise TinygenError(f"{path.name} has pixels of more than 8 bits", "save it with 8 bits a channel")
                converted = image.convert(mode)
            if converted.size != (width, height):
                converted = _resized(converted, (width, height), resize)
            return np.asarray(converted)
    except TinygenError:
        raise
    except Exception as error:  # decoders raise anything on bytes that they did not expect
        said = "" if isinstance(error, UnidentifiedImageError) else f": {' '.join(str(error).split())[:120]}"
        raise TinygenError(
            f"{path.parent.name}/{path.name} is no image that can be read{said}", "remove it, or save it again"
        ) from error


def _resized(image: Image.Image, size: tuple[int, int], resize: str) -> Image.Image:
    bilinear = Image.Resampling.BILINEAR
    if resize == "crop":
        return ImageOps.fit(image, size, bilinear)
    return ImageOps.pad(image, size, bilinear) if resize == "pad" else image.resize(size, bilinear)
