"""How far each layer of the int8 model is from the same layer of the float model: where the quantization loses.

Place in the flow: for the HTML page of `tinygen test`. What an int8 layer computes is that of the numpy reference,
which is that of the device when the test passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Array, Tensor
from tinygen.layers import Layer, layers_of
from tinygen.load.worker_client import look_inside
from tinygen.ops.dequantize import dequantize_array
from tinygen.pipeline import Compiled
from tinygen.testset import TestSet

SAMPLES = 16


@dataclass(frozen=True, slots=True)
class LayerError:
    """A layer against float: `snr_db` 10 log10 of the float values' power over the error's; inf when equal.

    `max_error` and `largest`, the largest float value, are in real units.
    """

    layer: Layer
    snr_db: float
    max_error: float
    largest: float


@dataclass(frozen=True, slots=True)
class LayerErrors:
    """Of the layers that both models have, in order, over so many samples; or why there are none."""

    found: tuple[LayerError, ...]
    samples: int
    reason: str


def layer_errors(compiled: Compiled, tests: TestSet, progress: Callable[[str], None]) -> LayerErrors:
    """Run both models on the first samples and compare what their layers compute."""
    request, graph = compiled.request, compiled.plan.program.graph
    if request.is_tflite:
        return LayerErrors((), 0, "only an int8 model was given")
    count = min(SAMPLES, len(tests.raw.inputs))
    layers = [x for x in layers_of(compiled.plan) if x.compared and x.group == x.index]
    floats = {name: array[:count] for name, array in tests.float_inputs.items()}
    try:
        inside = look_inside(
            request.model,
            floats,
            [graph.tensors[x.tensor].name for x in layers],
            input_shapes=request.input_shapes,
            allow_lambda=request.allow_lambda,
            progress=progress,
        )
    except TinygenError as error:
        return LayerErrors((), 0, str(error))
    values = [reference.run_all(graph, inputs) for inputs in tests.raw.inputs[:count]]
    found = []
    for layer in layers:
        tensor = graph.tensors[layer.tensor]
        wanted = inside.get(tensor.name)
        if wanted is not None and wanted[0].size == tensor.elements:
            found.append(_compare(layer, tensor, [v[layer.tensor] for v in values], wanted))
    return LayerErrors(tuple(found), count, "" if found else "the float model has no tensors of the same names")


def _compare(layer: Layer, tensor: Tensor, values: list[Array], wanted: Array) -> LayerError:
    stacked = np.stack(values).reshape(len(values), -1)
    quantized = tensor.quantization is not None
    real = dequantize_array(stacked, tensor.scale, tensor.zero_point) if quantized else stacked
    floats = wanted.reshape(len(values), -1).astype(np.float64)
    error = real.astype(np.float64) - floats
    power, noise = float(np.square(floats).sum()), float(np.square(error).sum())
    snr = math.inf if noise == 0 else -math.inf if power == 0 else 10 * math.log10(power / noise)
    return LayerError(layer, snr, float(np.abs(error).max()), float(np.abs(floats).max()))
