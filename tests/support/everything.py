"""Small models, always the same, in which every operator that TFLM has stands, and every kernel.

`everything` is the int8 one; a file everything_*.py with a function `graph` is another of `MODELS`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.support.everything_binary import add_binary
from tests.support.everything_heavy import add_heavy
from tests.support.everything_movement import movement
from tests.support.everything_unary import unary_chain
from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Graph
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

_WINDOW = {"padding": 0, "strideH": 1, "strideW": 1}
_DILATION = {"dilationHFactor": 1, "dilationWFactor": 1}
_POOL = {**_WINDOW, "filterHeight": 2, "filterWidth": 2}


def _values(*shape: int) -> np.ndarray:
    """int8 numbers without a pattern, the same everywhere."""
    count = int(np.prod(shape))
    return ((np.arange(count, dtype=np.int64) * 7919 + 13) % 251 - 125).astype(np.int8).reshape(shape)


def everything_model(in_tflm: bool = False) -> bytes:
    """float image (1, 6, 5, 2) and int8 image -> float scores (1, 4), an int8 image, and more behind.

    in_tflm: without the operators that TFLM does not have.
    """
    b = ModelBuilder()
    x = b.tensor((1, 6, 5, 2), 0.02, -5)
    b.op("QUANTIZE", [b.input((1, 6, 5, 2), None, dtype="float32")], [x])
    both = b.tensor((1, 6, 5, 2), 0.04, 3)
    b.op("ADD", [x, b.input((1, 6, 5, 2), 0.03, 7)], [both], fusedActivationFunction=0)
    conv = b.tensor((1, 6, 5, 4), 0.05, -20)
    weights = b.constant(_values(4, 3, 3, 2), [0.004, 0.005, 0.006, 0.007])
    bias = b.constant(np.array([-300, 7, 250, 90000], np.int32))
    b.op("CONV_2D", [both, weights, bias], [conv], fusedActivationFunction=1, **_WINDOW, **_DILATION)
    deep = b.tensor((1, 6, 5, 4), 0.06, 4)
    b.op(
        "DEPTHWISE_CONV_2D",
        [conv, b.constant(_values(1, 3, 3, 4), 0.01)],
        [deep],
        depthMultiplier=1,
        **_WINDOW,
        **_DILATION,
    )
    padded = b.tensor((1, 7, 7, 4), 0.06, 4)
    b.op("PAD", [deep, b.constant(np.array([[0, 0], [1, 0], [1, 1], [0, 0]], np.int32))], [padded])
    highest = b.tensor((1, 7, 7, 4), 0.06, 4)
    b.op("MAX_POOL_2D", [padded], [highest], **_POOL)
    average = b.tensor((1, 7, 7, 4), 0.06, 4)
    b.op("AVERAGE_POOL_2D", [highest], [average], **_POOL)
    relu = b.tensor((1, 7, 7, 4), 0.05, -128)
    b.op("RELU", [average], [relu])
    relu6 = b.tensor((1, 7, 7, 4), 0.05, -128)
    b.op("RELU6", [relu], [relu6])
    relu6 = add_binary(b, relu6)
    pooled = b.tensor((1, 1, 1, 4), 0.06, 4)
    b.op("AVERAGE_POOL_2D", [highest], [pooled], **{**_POOL, "padding": 1, "filterHeight": 7, "filterWidth": 7})
    more = [*add_heavy(b, relu6), pooled]
    mean = b.tensor((1, 4), 0.02, -100)
    moved = movement(b, relu6, in_tflm)
    b.op("MEAN", [moved, b.constant(np.array([1, 2], np.int32))], [mean], keepDims=False)
    functions = unary_chain(b, mean)
    flat = b.tensor((4,), b.scale(functions), b.zero_point(functions))
    b.op("RESHAPE", [functions], [flat], newShape=[4])
    dense = b.tensor((1, 4), 0.01, 10)
    b.op("FULLY_CONNECTED", [flat, b.constant(_values(4, 4), 0.003)], [dense], fusedActivationFunction=0)
    scores, real = b.tensor((1, 4), 1 / 256, -128), b.tensor((1, 4), dtype="float32")
    b.op("SOFTMAX", [dense], [scores], beta=1.0)
    b.op("DEQUANTIZE", [scores], [real])
    return b.build([real, relu6, *more])


def everything_graph(name: str = "everything") -> Graph:
    return verify(parse_tflite(everything_model(), name, name))


# by the name of the graph
MODELS: dict[str, Callable[[], Graph]] = {"everything": everything_graph}
for _file in sorted(Path(__file__).parent.glob("everything_*.py")):
    _module = importlib.import_module(f"tests.support.{_file.stem}")
    if hasattr(_module, "graph"):
        MODELS[_file.stem] = _module.graph
