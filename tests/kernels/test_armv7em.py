"""The set armv7em: what its fast kernels may not do is left to others, exactly; and what it costs in flash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.exact import layers
from tests.support.c_build import compile_plans, plan_of
from tests.support.compare import difference
from tests.support.reference_models import FIVE, needs_models, reference_model
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference
from tinygen.ir import Array, Graph
from tinygen.kernels import Program, build_program
from tinygen.kernelsets import PORTABLE, Target
from tinygen.load.tflite import parse_tflite
from tinygen.passes import run_passes
from tinygen.verify import verify


@needs_models
@pytest.mark.parametrize("model", FIVE)
def test_flash_grows_by_at_most_5_percent_of_the_weights(model: str) -> None:
    graph = run_passes(verify(reference_model(model)))
    portable = build_program(graph, PORTABLE)
    weights = sum(c.values.nbytes for step in portable.steps for c in step.call.constants if c.field == "weights")
    for aim in ("ram", "balanced", "size"):
        fast = build_program(graph, Target("armv7em", aim))
        assert all(step.call.kernel.endswith("_dsp") for step in fast.steps if step.macs)
        assert _constants(fast) - _constants(portable) <= 0.05 * weights


def _constants(program: Program) -> int:
    """Bytes of all constants of a program's kernels."""
    return sum(c.values.nbytes for step in program.steps for c in step.call.constants)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A layer with SAME padding on an image (H, W, C); `multiplier` is that of its accumulators. `balanced` and `speed`
    are the kernels that serve it with these aims."""

    kind: str
    shape: tuple[int, int, int]
    weights: Array
    balanced: str
    speed: str = ""
    stride: int = 1
    dilation: int = 1
    multiplier: float = 0.001


def _graph(layer: _Layer) -> Graph:
    """The model that has only this layer."""
    kind, shape, weights, stride, dilation = layer.kind, layer.shape, layer.weights, layer.stride, layer.dilation
    b = ModelBuilder()
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    outputs = weights.shape[axis]
    x = b.input((1, *shape), 1.0, -7)
    size = [
        layers.window_output(n, k, stride, dilation, layers.SAME)
        for n, k in zip(shape, weights.shape[1:3], strict=False)
    ]
    y = b.tensor((1, *size, outputs), 1.0, -4)
    scale = [layers.f32(layer.multiplier)] * outputs
    bias = np.arange(outputs, dtype=np.int32) * 100
    inputs = [x, b.constant(weights.astype(np.int8), scale, axis=axis), b.constant(bias, scale)]
    more = {"depthMultiplier": outputs // shape[2]} if axis else {}
    b.op(
        kind,
        inputs,
        [y],
        padding=layers.SAME,
        strideH=stride,
        strideW=stride,
        dilationHFactor=dilation,
        dilationWFactor=dilation,
        fusedActivationFunction=0,
        **more,
    )
    return verify(parse_tflite(b.build([y]), "layer", "layer"))


def _random(*shape: int) -> Array:
    return np.random.default_rng(len(shape)).integers(-127, 128, shape)


def _with_a_pair(shape: tuple[int, ...]) -> Array:
    """Weights with -128 behind -1: the second filter of the pair would need -129."""
    weights = _random(*shape)
    weights[0], weights[1] = -1, -128
    return weights


_3X3 = _random(8, 3, 3, 16)
_DW = _random(1, 3, 3, 8)
_LONG = np.full((4, 1, 1, 520), 127)  # sums of second filters leave 24 bits
_C, _D = "CONV_2D", "DEPTHWISE_CONV_2D"
_WINOGRAD = "conv_3x3_winograd_s8_dsp"
_LAYERS = {
    "1x1": _Layer(_C, (5, 5, 8), _random(4, 1, 1, 8), "pointwise_s8_dsp"),
    "1x1, odd channels": _Layer(_C, (5, 5, 7), _random(5, 1, 1, 7), "pointwise_s8_dsp"),
    "1x1, less than four filters": _Layer(_C, (5, 3, 16), _random(3, 1, 1, 16), "pointwise_s8_dsp"),
    "1x1, stride 2": _Layer(_C, (5, 5, 8), _random(4, 1, 1, 8), "conv_2d_s8_dsp", stride=2),
    "5x1 over time": _Layer(_C, (9, 1, 8), _random(4, 5, 1, 8), "conv_1d_s8_dsp"),
    "3x1 over time, dilated": _Layer(_C, (9, 1, 6), _random(4, 3, 1, 6), "conv_1d_s8_dsp", dilation=2),
    "1x1, right shift 1": _Layer(_C, (3, 3, 8), _random(4, 1, 1, 8), "conv_2d_s8_tiles", multiplier=0.3),
    "1x1, -128 behind -1": _Layer(_C, (3, 3, 8), _with_a_pair((4, 1, 1, 8)), "conv_2d_s8_tiles"),
    "1x1, long": _Layer(_C, (2, 2, 520), _LONG, "conv_2d_s8_tiles"),
    "3x3": _Layer(_C, (7, 7, 16), _3X3, "conv_2d_s8_dsp", _WINOGRAD),
    "3x3, stride 2": _Layer(_C, (7, 7, 16), _3X3, "conv_2d_s8_dsp", stride=2),
    "3x3, dilated": _Layer(_C, (7, 7, 16), _3X3, "conv_2d_s8_dsp", dilation=2),
    "3x3, 12 channels": _Layer(_C, (7, 7, 12), _3X3[..., :12], "conv_2d_s8_dsp"),
    "3x3, 6 filters": _Layer(_C, (7, 7, 16), _3X3[:6], "conv_2d_s8_dsp"),
    "3x3, right shift 1": _Layer(_C, (4, 4, 16), _3X3, "conv_2d_s8_tiles", multiplier=0.3),
    "3x3, -128 behind -1": _Layer(_C, (5, 5, 16), _with_a_pair((4, 3, 3, 16)), "conv_2d_s8_tiles", _WINOGRAD),
    "depthwise 3x3": _Layer(_D, (9, 9, 8), _DW, "depthwise_3x3_s8_dsp"),
    "depthwise 3x3, stride 2": _Layer(_D, (9, 9, 8), _DW, "depthwise_3x3_s8_dsp", stride=2),
    "depthwise 3x3, stride 3": _Layer(_D, (9, 9, 8), _DW, "depthwise_s8_dsp", stride=3),
    "depthwise 3x3, dilated": _Layer(_D, (9, 9, 8), _DW, "depthwise_s8_dsp", dilation=2),
    "depthwise 3x3, one column": _Layer(_D, (9, 1, 8), _DW, "depthwise_s8_dsp"),
    "depthwise 3x3, -128": _Layer(_D, (5, 5, 8), np.full((1, 3, 3, 8), -128), "depthwise_3x3_s8_dsp"),
    "depthwise 5x1": _Layer(_D, (9, 2, 8), _random(1, 5, 1, 8), "depthwise_s8_dsp"),
    "depthwise 3x3, odd channels": _Layer(_D, (5, 5, 7), _DW[..., :7], "depthwise_3x3_s8"),
    "depthwise 3x3, multiplier 2": _Layer(_D, (5, 5, 4), _DW, "depthwise_conv_2d_s8"),
    "depthwise 3x3, right shift 1": _Layer(_D, (5, 5, 8), _DW, "depthwise_3x3_s8", multiplier=0.3),
    "1x1, -128 behind -1, few filters": _Layer(_C, (3, 3, 8), _with_a_pair((3, 1, 1, 8)), "conv_2d_s8"),
}


@pytest.mark.parametrize("name", _LAYERS)
def test_each_restriction_has_its_exact_kernel(name: str, tmp_path: Path) -> None:
    layer = _LAYERS[name]
    graph = _graph(layer)
    plans = {aim: plan_of(graph, Target("armv7em", aim)) for aim in ("balanced", "speed")}
    assert {aim: plan.steps[0].call.kernel for aim, plan in plans.items()} == {
        "balanced": layer.balanced,
        "speed": layer.speed or layer.balanced,
    }
    rng = np.random.default_rng(7)
    samples = [
        [rng.integers(low, high, graph.tensors[graph.inputs[0]].shape).astype(np.int8)]
        for low, high in ((-128, 128), (-128, -127), (127, 128))
    ]
    for aim, plan in plans.items():
        model = compile_plans([plan], tmp_path / aim)["layer"]
        for sample in samples:
            assert not difference(model.run(sample), reference.run(graph, sample)), aim
