"""What TFLM does not run, tinygen refuses too, with an error that names the layer; and so it does where TFLM
aborts, reads out of bounds or computes something undefined (those are not fed to it)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.support.c_build import plan_of
from tests.support.tflite_builder import ModelBuilder
from tests.support.tflm import Refused, Tflm, needs_tflm
from tinygen.errors import TinygenError
from tinygen.load.tflite import parse_tflite

_CONV = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": 0}
_POOL = {"strideH": 1, "strideW": 1, "filterHeight": 2, "filterWidth": 2, "padding": 0}
_IMAGE = (1, 4, 4, 2)


def _unary(kind: str, shape: tuple[int, ...], y: tuple[Any, ...], scale: float = 0.5, **options: Any) -> bytes:
    """One operator from an int8 input to an output tensor(*y)."""
    b = ModelBuilder()
    x = b.input(shape, scale, 3)
    out = b.tensor(*y)
    b.op(kind, [x], [out], **options)
    return b.build([out])


def _with_constant(kind: str, constant: np.ndarray, y: tuple[Any, ...], **options: Any) -> bytes:
    b = ModelBuilder()
    x = b.input(_IMAGE, 0.5, 3)
    out = b.tensor(*y)
    b.op(kind, [x, b.constant(constant)], [out], **options)
    return b.build([out])


def _weighted(
    kind: str = "CONV_2D",
    scale: float = 0.1,
    y: tuple[Any, ...] = (_IMAGE, 0.5, 3),
    weights: tuple[int, ...] = (2, 1, 1, 2),
    fill: int = 1,
    bias_scale: float = 0.05,
    bias: Any = (1, 2),
    zero: int = 0,
    x: tuple[Any, ...] = (_IMAGE, 0.5, 3),
    **options: Any,
) -> bytes:
    b = ModelBuilder()
    inputs = [
        b.input(*x),
        b.constant(np.full(weights, fill, np.int8), scale, zero),
        b.constant(np.array(bias, np.int32), bias_scale),
    ]
    out = b.tensor(*y)
    b.op(kind, inputs, [out], **{**(_CONV if "CONV" in kind else {}), **options})
    return b.build([out])


REFUSED_BY_BOTH: dict[str, Callable[[], bytes]] = {
    "pool: other scale": lambda: _unary("MAX_POOL_2D", _IMAGE, (_IMAGE, 0.6, 3), **_POOL),
    "pool: other zero point": lambda: _unary("AVERAGE_POOL_2D", _IMAGE, (_IMAGE, 0.5, 4), **_POOL),
    "softmax: output scale": lambda: _unary("SOFTMAX", (1, 5), ((1, 5), 1 / 128, -128), beta=1.0),
    "softmax: output zero point": lambda: _unary("SOFTMAX", (1, 5), ((1, 5), 1 / 256, 0), beta=1.0),
    "reshape: elements": lambda: _unary("RESHAPE", _IMAGE, ((5, 5), 0.5, 3)),
    "reshape: type": lambda: _unary("RESHAPE", _IMAGE, ((4, 8), None, 0, "float32")),
    "quantize: no scale": lambda: _unary("QUANTIZE", _IMAGE, (_IMAGE, None)),
    "pad: shape": lambda: _with_constant("PAD", np.ones((4, 2), np.int32), (_IMAGE, 0.5, 3)),
    "pad: rank": lambda: _with_constant("PAD", np.zeros((3, 2), np.int32), (_IMAGE, 0.5, 3)),
    "mean: int64 axes": lambda: _with_constant("MEAN", np.array([1, 2], np.int64), ((1, 2), 0.5, 3)),
    "conv: hybrid": lambda: _weighted(x=(_IMAGE, None, 0, "float32"), y=(_IMAGE, None, 0, "float32")),
    "conv: types differ": lambda: _weighted(y=(_IMAGE, None, 0, "float32")),
    "fully connected: bias scale": lambda: _weighted(
        "FULLY_CONNECTED", y=((16, 2), 0.5, 3), weights=(2, 2), bias_scale=1.0
    ),
}

REFUSED_BY_TINYGEN: dict[str, Callable[[], bytes]] = {
    # TFLITE_CHECK fails: TFLM aborts
    "add: output scale": lambda: _with_constant_scaled(1e-7),
    "softmax: degenerate input": lambda: _unary("SOFTMAX", (1, 5), ((1, 5), 1 / 256, -128), 1e-12, beta=1.0),
    # 1 << shift of 31 and more, which C does not define
    "conv: multiplier": lambda: _weighted(y=(_IMAGE, 1e-12, 0)),
    "conv: infinite multiplier": lambda: _weighted(scale=1e38, y=(_IMAGE, 1e-30, 0)),
    "depthwise: multiplier": lambda: _weighted("DEPTHWISE_CONV_2D", y=(_IMAGE, 1e-12, 0), weights=(1, 1, 1, 2)),
    "fully connected: multiplier": lambda: _weighted("FULLY_CONNECTED", y=((16, 2), 1e-12, 0), weights=(2, 2)),
    "mean: multiplier": lambda: _with_constant("MEAN", np.array([1, 2], np.int32), ((1, 2), 1e-12, 3)),
    "quantize: multiplier": lambda: _unary("QUANTIZE", _IMAGE, (_IMAGE, 1e-12, 3)),
    "relu: multiplier": lambda: _unary("RELU", _IMAGE, (_IMAGE, 1e-12, 3)),
    # the limit 6 / scale does not fit an int32
    "conv: RELU6 limit": lambda: _weighted(scale=1e-37, y=(_IMAGE, 1e-38, 0), fusedActivationFunction=3),
    "pool: RELU6 limit": lambda: _unary(
        "MAX_POOL_2D", _IMAGE, (_IMAGE, 1e-39, 3), 1e-39, fusedActivationFunction=3, **_POOL
    ),
    "relu6: limit beyond int32": lambda: _unary("RELU6", _IMAGE, (_IMAGE, 1e-9, 3), 1e-9),
    "relu6: limit": lambda: _unary("RELU6", _IMAGE, (_IMAGE, 1e-39, 3), 1e-39),
    # 255 * 127 * 2^18 does not fit the accumulator
    "conv: filter too long": lambda: _weighted(
        weights=(1, 1, 1, 1 << 18), fill=127, x=((1, 1, 1, 1 << 18), 0.5), y=((1, 1, 1, 1), 0.5), bias=[1]
    ),
    # TFLM ignores what it does not know, or reads what is not there
    "conv: TANH": lambda: _weighted(fusedActivationFunction=4),
    "conv: SIGN_BIT": lambda: _weighted(fusedActivationFunction=5),
    "conv: activation 77": lambda: _weighted(fusedActivationFunction=77),
    "conv: padding 9": lambda: _weighted(padding=9),
    "conv: stride 0": lambda: _weighted(strideH=0),
    "conv: dilation -1": lambda: _weighted(dilationHFactor=-1),
    "conv: weights with a zero point": lambda: _weighted(zero=1),
    "conv: output shape": lambda: _weighted(y=((1, 4, 5, 2), 0.5, 3)),
    "conv: channels": lambda: _weighted(weights=(2, 1, 1, 3)),
    "conv: empty weights": lambda: _weighted(weights=(2, 1, 1, 0)),
    "conv: long bias": lambda: _weighted(bias=(1, 2, 3)),
    "conv: scalar bias": lambda: _weighted(bias=3),
    "depthwise: channels": lambda: _weighted("DEPTHWISE_CONV_2D", weights=(1, 1, 1, 3)),
    "fully connected: depth": lambda: _weighted("FULLY_CONNECTED", y=((1, 2), 0.5, 3), weights=(2, 3)),
    "pool: window 0": lambda: _unary("MAX_POOL_2D", _IMAGE, (_IMAGE, 0.5, 3), **{**_POOL, "filterWidth": 0}),
    "pool: window too large": lambda: _unary(
        "MAX_POOL_2D", _IMAGE, ((1, 0, 3, 2), 0.5, 3), **{**_POOL, "filterHeight": 5, "padding": 1}
    ),
    "pad: negative": lambda: _with_constant("PAD", -np.eye(4, 2, dtype=np.int32), (_IMAGE, 0.5, 3)),
    "mean: axis 5": lambda: _with_constant("MEAN", np.array([5, 2], np.int32), ((1, 2), 0.5, 3)),
    "relu6: other scale": lambda: _unary("RELU6", _IMAGE, (_IMAGE, 0.6, 3)),
}


def _with_constant_scaled(output_scale: float) -> bytes:
    b = ModelBuilder()
    x = b.input(_IMAGE, 0.5, 3)
    y = b.tensor(_IMAGE, output_scale)
    b.op("ADD", [x, b.constant(np.ones(_IMAGE, np.int8), 0.5)], [y])
    return b.build([y])


def test_the_models_would_be_fine_otherwise() -> None:
    """The helpers above build models that tinygen takes, so it is the change that is refused."""
    good = [
        _unary("MAX_POOL_2D", _IMAGE, (_IMAGE, 0.5, 3), **_POOL),
        _unary("SOFTMAX", (1, 5), ((1, 5), 1 / 256, -128), beta=1.0),
        _with_constant("MEAN", np.array([1, 2], np.int32), ((1, 2), 0.5, 3)),
        _weighted(),
        _weighted("DEPTHWISE_CONV_2D", weights=(1, 1, 1, 2)),
        _weighted("FULLY_CONNECTED", y=((16, 2), 0.5, 3), weights=(2, 2)),
        _with_constant_scaled(0.5),
    ]
    for content in good:
        plan_of(parse_tflite(content, "m", "m.tflite"))


@pytest.mark.parametrize("name", [*REFUSED_BY_BOTH, *REFUSED_BY_TINYGEN])
def test_tinygen_refuses(name: str) -> None:
    content = {**REFUSED_BY_BOTH, **REFUSED_BY_TINYGEN}[name]()
    with pytest.raises(TinygenError) as caught:
        plan_of(parse_tflite(content, "m", "m.tflite"))
    assert "tensor_" in str(caught.value)  # the layer or the tensor is named


@needs_tflm
def test_tflm_refuses() -> None:
    with Tflm() as tflm:
        for name, build in REFUSED_BY_BOTH.items():
            content = build()
            dtype = "float32" if name == "conv: hybrid" else "int8"
            x = np.zeros((1, 5) if "softmax" in name else _IMAGE, dtype)
            with pytest.raises(Refused):
                print(name, tflm.run(content, [[x]]))
