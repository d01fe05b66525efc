"""Unary operators on all 256 inputs; those that TFLM lacks against formulas; what PRELU, L2_NORMALIZATION and
LOG_SOFTMAX refuse."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pytest

from tests.exact.cases import NIGHTLY, cases
from tests.exact.generators_unary import NOT_IN_TFLM, UNARY
from tests.exact.layers import f32, power, zero_point
from tests.support.c_build import plan_of
from tests.support.tflite_builder import ModelBuilder
from tests.support.tflm import Refused, Tflm, needs_tflm
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Graph
from tinygen.load.tflite import parse_tflite
from tinygen.ops import OPERATORS
from tinygen.ops._table import TableOperator
from tinygen.verify import verify

COUNT = 2000 if NIGHTLY else 120
_ALL = np.arange(-128, 128).astype(np.int8).reshape(1, 256)


def _model(kind: str, index: int) -> bytes:
    b = ModelBuilder()
    rng = np.random.default_rng([len(kind), index])
    y = UNARY[kind](b, rng, _ALL.shape)
    return b.build([y])


def _graph(content: bytes) -> Graph:
    return verify(parse_tflite(content, "m", "m"))


def _rsqrt(index: int) -> bytes:
    """RSQRT with any zero point of its input, and output scales to the limits of what is taken."""
    rng = np.random.default_rng([99, index])
    scale = power(rng, -12, 4)
    ratio = power(rng, -29.9, 12) if index % 3 == 0 else power(rng, -9, -4)
    y = (_ALL.shape, f32(scale**-0.5 * ratio), zero_point(rng))
    return _one("RSQRT", (_ALL.shape, scale, zero_point(rng)), y)


def _one(kind: str, x: tuple[Any, ...], y: tuple[Any, ...], **options: Any) -> bytes:
    b = ModelBuilder()
    made = b.input(*x)
    out = b.tensor(*y)
    b.op(kind, [made], [out], **options)
    return b.build([out])


def test_every_table_operator_is_judged_here() -> None:
    tables = {kind for kind, op in OPERATORS.items() if isinstance(op, TableOperator)}
    assert set(UNARY) <= tables
    assert tables - set(UNARY) <= {"RELU", "RELU6", "QUANTIZE", "TABLE"}


@needs_tflm
@pytest.mark.parametrize("kind", sorted(set(UNARY) - NOT_IN_TFLM))
def test_all_inputs_as_tflm(kind: str) -> None:
    with Tflm() as tflm:
        for index in range(COUNT):
            content = _rsqrt(index) if kind == "RSQRT" else _model(kind, index)
            graph = _graph(content)
            x = graph.tensors[graph.inputs[0]]
            # TFLM takes no root of negative numbers
            sample = np.maximum(_ALL, x.zero_point).astype(np.int8) if kind == "RSQRT" else _ALL
            ((wanted,),) = tflm.run(content, [[sample]])
            (got,) = reference.run(graph, (sample,))
            wrong = [(int(q), int(g), int(w)) for q, g, w in zip(sample[0], got[0], wanted[0], strict=True) if g != w]
            assert not wrong, (index, graph.ops[0].options, graph.tensors, wrong[:5])


@needs_tflm
def test_roots_of_negative_numbers() -> None:
    content = _one("RSQRT", (_ALL.shape, 0.1, 0), (_ALL.shape, 0.02, -10))
    (got,) = reference.run(_graph(content), (_ALL,))
    assert set(got[0, :129].tolist()) == {127}
    assert got[0, 255] < 127
    with Tflm() as tflm, pytest.raises(Refused):
        tflm.run(content, [[_ALL]])
    roots = _one("SQRT", (_ALL.shape, 0.1, 0), (_ALL.shape, 0.02, -10))
    assert set(reference.run(_graph(roots), (_ALL,))[0][0, :129].tolist()) == {-10}
    logs = _one("LOG", (_ALL.shape, 0.1, 0), (_ALL.shape, 0.05, -10))
    assert set(reference.run(_graph(logs), (_ALL,))[0][0, :129].tolist()) == {-128}


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf


def _gelu(x: float, approximate: bool) -> float:
    if approximate:
        return x / (1 + _exp(-2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x * (1 + math.erf(x / math.sqrt(2))) / 2


FORMULAS: dict[str, Callable[[float, Any], float]] = {
    "CEIL": lambda x, o: math.ceil(x),
    "COS": lambda x, o: math.sin(math.pi / 2 - x),
    "EXP": lambda x, o: _exp(x),
    "FLOOR": lambda x, o: math.floor(x),
    "GELU": lambda x, o: _gelu(x, o.approximate),
    "LOG": lambda x, o: math.log(x) if x > 0 else -math.inf,
    "NEG": lambda x, o: operator.neg(x),
    "RELU_0_TO_1": lambda x, o: min(max(x, 0.0), 1.0),
    "RELU_N1_TO_1": lambda x, o: min(max(x, -1.0), 1.0),
    "ROUND": lambda x, o: round(x),
    "SIN": lambda x, o: math.sin(x),
    "SQRT": lambda x, o: max(x, 0.0) ** 0.5,
    "SQUARE": lambda x, o: x**2,
}


def _quantized(value: float, scale: float, zero: int) -> int:
    steps = Decimal(min(max(value / scale, -1000.0), 1000.0))
    return min(max(int(steps.quantize(Decimal(1), ROUND_HALF_UP)) + zero, -128), 127)  # half up: away from zero


@pytest.mark.parametrize("kind", sorted(NOT_IN_TFLM))
def test_all_inputs_as_the_formula(kind: str) -> None:
    for index in range(COUNT):
        graph = _graph(_model(kind, index))
        x, y, op = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]], graph.ops[0]
        (got,) = reference.run(graph, (_ALL,))
        reals = [FORMULAS[kind](x.scale * (q - x.zero_point), op.options) for q in range(-128, 128)]
        assert got[0].tolist() == [_quantized(real, y.scale, y.zero_point) for real in reals], (op.options, x, y)


def test_halves_go_away_from_zero() -> None:
    content = _one("NEG", (_ALL.shape, 0.5, 0), (_ALL.shape, 1.0, 0))
    (got,) = reference.run(_graph(content), (_ALL,))
    assert got[0, 128 - 3 : 128 + 4].tolist() == [2, 1, 1, 0, -1, -1, -2]
    content = _one("ROUND", (_ALL.shape, 0.5, 0), (_ALL.shape, 1.0, 0))
    (got,) = reference.run(_graph(content), (_ALL,))
    assert got[0, 128 - 5 : 128 + 6].tolist() == [-2, -2, -2, -1, 0, 0, 0, 1, 2, 2, 2]  # tf.round: halves to even


def test_prelu_cases_cover() -> None:
    pairs = [(g.required(g.ops[0], 0).shape, g.required(g.ops[0], 1).shape) for g in (c.graph for c in cases("PRELU"))]
    features: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
        "per channel": lambda x, a: len(a) > 1 and a[-1] == x[-1] > 1 == math.prod(a[:-1]),
        "scalar": lambda x, a: a == (),
        "per element": lambda x, a: len(x) > 1 and a == x[1:] and math.prod(a) > a[-1],
        "per image": lambda x, a: len(a) == 4 and a[0] > 1,
        "rank 5": lambda x, a: len(x) == 5,
        "images": lambda x, a: len(x) == 4 and x[0] > 1,
        "rows": lambda x, a: len(a) > 2 and a[-3] > 1 == a[-2],
        "columns": lambda x, a: len(a) > 1 and a[-2] > 1 == a[-1],
    }
    assert not [name for name, holds in features.items() if sum(holds(x, a) for x, a in pairs) < 2]


def _prelu(
    alpha: np.ndarray | None, shape: tuple[int, ...] = (1, 3, 4), y_scale: float = 0.1, scale: Any = 0.1
) -> bytes:
    b = ModelBuilder()
    x = b.input(shape, 0.1, 3)
    second = b.input((4,), 0.1, 3) if alpha is None else b.constant(alpha, scale)
    y = b.tensor(shape, y_scale, 3)
    b.op("PRELU", [x, second], [y])
    return b.build([y])


_X = ((1, 8), 0.1, 3)
_NORM = {"fusedActivationFunction": 0}
REFUSED_BY_BOTH: dict[str, bytes] = {
    "logistic: zero point": _one("LOGISTIC", _X, ((1, 8), 1 / 256, 0)),
    "hard swish: output scale": _one("HARD_SWISH", _X, ((1, 8), 0.1 / 129, 0)),
    "log softmax: output scale": _one("LOG_SOFTMAX", _X, ((1, 8), 1 / 32, 127)),
    "log softmax: zero point": _one("LOG_SOFTMAX", _X, ((1, 8), 1 / 16, 126)),
    "log softmax: degenerate": _one("LOG_SOFTMAX", ((1, 8), 2.0**-26, 3), ((1, 8), 1 / 16, 127)),
    "l2: activation": _one("L2_NORMALIZATION", _X, ((1, 8), 1 / 128, 0), fusedActivationFunction=1),
    "l2: rank": _one("L2_NORMALIZATION", ((1, 1, 1, 1, 8), 0.1, 3), ((1, 1, 1, 1, 8), 1 / 128, 0), **_NORM),
    "tanh: types": _one("TANH", _X, ((1, 8), None, 0, "float32")),
}
REFUSED_BY_TINYGEN: dict[str, bytes] = {
    # TFLM takes these and computes with the fixed output scale
    "logistic: output scale": _one("LOGISTIC", _X, ((1, 8), 1 / 128, -128)),
    "tanh: output scale": _one("TANH", _X, ((1, 8), 1 / 256, 0)),
    "tanh: zero point": _one("TANH", _X, ((1, 8), 1 / 128, -128)),
    "l2: output scale": _one("L2_NORMALIZATION", _X, ((1, 8), 1 / 256, 0), **_NORM),
    "l2: zero point": _one("L2_NORMALIZATION", _X, ((1, 8), 1 / 128, 1), **_NORM),
    # shifts and conversions that C does not define, sums that leave int32
    "logistic: tiny scale": _one("LOGISTIC", ((1, 8), 2.0**-29, 3), ((1, 8), 1 / 256, -128)),
    "tanh: huge scale": _one("TANH", ((1, 8), 2.0**36, 3), ((1, 8), 1 / 128, 0)),
    "hard swish: huge scale": _one("HARD_SWISH", ((1, 8), 2.0**26, 3), ((1, 8), 2.0**26, 3)),
    "leaky relu: multiplier": _one("LEAKY_RELU", _X, ((1, 8), 1e-12, 3), alpha=0.1),
    "leaky relu: alpha's multiplier": _one("LEAKY_RELU", _X, ((1, 8), 1e-8, 3), alpha=1000.0),
    "leaky relu: alpha": _one("LEAKY_RELU", _X, ((1, 8), 0.1, 3), alpha=math.inf),
    "leaky relu: no number": _one("LEAKY_RELU", _X, ((1, 8), 0.1, 3), alpha=math.nan),
    "elu: output scale": _one("ELU", _X, ((1, 8), 1e-8, 3)),
    "abs: multiplier": _one("ABS", _X, ((1, 8), 1e-12, 3)),
    "rsqrt: output scale": _one("RSQRT", _X, ((1, 8), 1e-10, 3)),
    "rsqrt: large output scale": _one("RSQRT", _X, ((1, 8), 1e5, 3)),
    "log softmax: classes": _one("LOG_SOFTMAX", ((1, 4096), 0.1, 3), ((1, 4096), 1 / 16, 127)),
    "l2: depth": _one("L2_NORMALIZATION", ((1, 40000), 0.1, 3), ((1, 40000), 1 / 128, 0), **_NORM),
    "prelu: alpha computed": _prelu(None),
    "prelu: alpha too long": _prelu(np.ones((1, 4, 1), np.int8)),
    "prelu: alpha of more axes": _prelu(np.ones((1, 1, 3, 4), np.int8)),
    "prelu: alpha per channel scales": _prelu(np.ones(4, np.int8), scale=[0.1, 0.2, 0.3, 0.4]),
    "prelu: alpha int32": _prelu(np.ones(4, np.int32)),
    "prelu: multiplier": _prelu(np.ones(4, np.int8), y_scale=1e-12),
    "exp: float": _one("EXP", ((1, 8), None, 0, "float32"), ((1, 8), 0.1, 3)),
    "sqrt: other shape": _one("SQRT", _X, ((8,), 0.1, 3)),
}


@pytest.mark.parametrize("name", [*REFUSED_BY_BOTH, *REFUSED_BY_TINYGEN])
def test_tinygen_refuses(name: str) -> None:
    with pytest.raises(TinygenError, match=r"tensor_|input_"):
        plan_of(parse_tflite({**REFUSED_BY_BOTH, **REFUSED_BY_TINYGEN}[name], "m", "m.tflite"))


def test_the_models_would_be_fine_otherwise() -> None:
    good = [
        _prelu(np.ones(4, np.int8)),
        _prelu(np.ones((1, 3, 1), np.int8)),
        _one("LOGISTIC", ((1, 8), 2.0**-28, 3), ((1, 8), 1 / 256, -128)),
        _one("TANH", ((1, 8), 2.0**34, 3), ((1, 8), 1 / 128, 0)),
        _one("HARD_SWISH", _X, ((1, 8), 0.1 / 127, 0)),
        _one("LOG_SOFTMAX", ((1, 4095), 0.1, 3), ((1, 4095), 1 / 16, 127)),
        _one("L2_NORMALIZATION", ((1, 33000), 0.1, 3), ((1, 33000), 1 / 128, 0), **_NORM),
        *(_model(kind, 0) for kind in UNARY),
    ]
    for content in good:
        plan_of(parse_tflite(content, "m", "m.tflite"))


@needs_tflm
@pytest.mark.parametrize("name", REFUSED_BY_BOTH)
def test_tflm_refuses(name: str) -> None:
    content = REFUSED_BY_BOTH[name]
    shape = (1, 1, 1, 1, 8) if "rank" in name else (1, 8)
    with Tflm() as tflm, pytest.raises(Refused):
        tflm.run(content, [[np.zeros(shape, np.int8)]])
