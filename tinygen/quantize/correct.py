"""Bias correction: what rounding the weights adds to a layer's output on average is taken off its bias.

Place in the flow: improve.py offers it for each candidate. Nagel et al. 2019, section 4.2, with the means of the
inputs measured on the calibration samples instead of modelled; what padding adds at the edges is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinygen.ir import Array
from tinygen.quantize.flat import Flat
from tinygen.quantize.write import Layer


def corrections(content: bytes, layers: Sequence[Layer], means: Mapping[int, Array]) -> dict[int, Array]:
    """Operator to what its real bias lacks, (output channels,), in an int8 .tflite made of these layers.

    means: of each channel of an activation, by the tensor of the int8 file.
    """
    flat = Flat.of(content)
    found = {}
    for layer in layers:
        steps, own, mean = flat.data(layer.inputs[1]), flat.quantization(layer.inputs[1]), means.get(layer.inputs[0])
        if layer.bias is None or steps is None or own is None or mean is None:
            continue
        lost = layer.weights.astype(np.float64) - steps * layer.along(own[0].astype(np.float64))
        total = _sums(layer.kind, lost, mean.astype(np.float64))
        if total is not None:
            found[layer.index] = total
    return found


def _sums(kind: str, lost: Array, mean: Array) -> Array | None:
    """Per output channel, the sum of lost weight times mean input; None for an input flattened from several places."""
    if kind == "DEPTHWISE_CONV_2D":
        total: Array = lost.sum((0, 1, 2)) * np.repeat(mean, lost.shape[3] // len(mean))
    elif lost.shape[-1] == len(mean):
        total = lost.reshape(len(lost), -1, len(mean)).sum(1) @ mean
    else:
        return None
    return total
